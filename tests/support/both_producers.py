"""Both producers behind one interface: what is promised of one holds for the other."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from producers import AsyncProducer, Producer


class Blocking:
    """An AsyncProducer behind the interface of Producer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._producer = AsyncProducer(*args, **kwargs)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._producer, name)
        return lambda *args, **kwargs: self._loop.run_until_complete(method(*args, **kwargs))

    def shut(self) -> None:
        """Close it, and its event loop."""
        self.close()
        self._loop.close()


@pytest.fixture(params=[Producer, Blocking], ids=["sync", "async"])
def sms(request: pytest.FixtureRequest, redis_url: str) -> Iterator[Producer]:
    """A producer of each kind."""
    producer = request.param(redis_url)
    yield producer
    producer.close() if request.param is Producer else producer.shut()
