"""Marketing, opt-outs and a worker, moved by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from producers import Message, Producer, Recipient
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import CallbacksByHand, reply
from tests.support.hand_worker import HandWorker
from tests.support.template_sends import number

TEXT = "Ce soir -20%. STOP au 30101"
TEMPLATE = "Ce soir -{param1}%. STOP au 30101"


class Marketing:
    """What sends marketing, and what takes opt-outs.

    Args:
        client: Redis client.
        url: of the same Redis.
        rules: settings of the application.
        queue: of the worker.
    """

    def __init__(self, client: redis.Redis, url: str, queue: str = "marketing", **rules: Any) -> None:
        self.redis = client
        settings = ProducerSettings(redis_url=url, **rules)  # type: ignore[arg-type]
        self.sms = Producer(settings=settings)
        self.hand = HandWorker(client, queue=queue, settings=settings)
        self._stops = 0
        scoped = settings.optout_scope != "account"
        self.callbacks = CallbacksByHand(client, self.hand.ledger, settings, scoped=scoped)

    def message(
        self, which: int | range, request_id: str, *, shared: bool = False, **options: Any
    ) -> Message:
        """Make a message to one number or several; ``shared`` is one that may share a call."""
        options = {"sender": "Bistro", "purpose": "wholesale", "request_id": request_id, **options}
        whom = [Recipient(number(each)) for each in ([which] if isinstance(which, int) else which)]
        if shared:
            return Message(Recipient(whom[0].phone_number, param1="20"), TEMPLATE, **options)
        return Message(whom, options.pop("text", TEXT), **options)

    def send(self, which: int | range, request_id: str, **options: Any) -> Any:
        """Queue a message."""
        [sent] = self.sms.send_many([self.message(which, request_id, **options)])
        return sent

    def stop(self, which: int, **fields: Any) -> None:
        """Let somebody write STOP: the gateway brings it as an opt-out."""
        self._stops += 1
        dated = {"stop_date": f"2026-01-{self._stops:02} 14:05:09"}
        self.callbacks.bring({"number": number(which), "text": "STOP", **dated, **fields})

    def write(self, which: int, text: str, **fields: Any) -> None:
        """Let somebody write a reply."""
        self.callbacks.bring(reply(number(which), text, **fields))

    def state(self, request_id: str) -> tuple[str, str | None]:
        """State and code of a message."""
        status = self.sms.status(request_id)
        assert status is not None
        return status.state, status.code

    @property
    def told(self) -> list[dict[str, str]]:
        """What stands on ``optouts``."""
        return self.callbacks.entries("optouts")

    def reasons(self) -> dict[str, str]:
        """Why numbers are suppressed, by scope."""
        found = self.redis.hgetall("{sms}:suppressed")
        return {
            field.decode().partition("|")[0]: value.decode().split("|")[1] for field, value in found.items()
        }


@pytest.fixture
def market(redis_client: redis.Redis, redis_url: str) -> Iterator[Marketing]:
    """Give a worker of marketing by hand, with a producer and those who write STOP."""
    made = Marketing(redis_client, redis_url)
    yield made
    made.sms.close()
