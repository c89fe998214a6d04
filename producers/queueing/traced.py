"""The span of a call that queues: what the worker's spans of its messages belong to."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..contract import span_names, tracing
from ..contract.jobs import queue_for

P = ParamSpec("P")
R = TypeVar("R")


def traced(call: Callable[P, R]) -> Callable[P, R]:
    """Let a method of a producer be a span of the trace that its caller is in; without one it costs nothing.

    Args:
        call: a method, or a coroutine method. The messages of ``send_many`` may have any purpose.
    """
    mixed = call.__name__ == "send_many"

    def span(options: Any) -> AbstractContextManager[Any]:
        queue = "" if mixed else queue_for(options.get("purpose", ""))
        return tracing.within("send", queue, "PRODUCER")

    @wraps(call)
    async def awaited(*args: P.args, **options: P.kwargs) -> Any:
        if not tracing.has_trace():
            return await call(*args, **options)  # type: ignore[misc]
        with span(options) as own:
            return _counted(own, await call(*args, **options))  # type: ignore[misc]

    @wraps(call)
    def called(*args: P.args, **options: P.kwargs) -> R:
        if not tracing.has_trace():
            return call(*args, **options)
        with span(options) as own:
            return _counted(own, call(*args, **options))

    return awaited if inspect.iscoroutinefunction(call) else called  # type: ignore[return-value]


def _counted(span: Any, result: R) -> R:
    if span is not None and isinstance(result, list):
        span.set_attribute(span_names.COUNT, len(result))
    return result
