"""The spans of events on their way to a stream, linked to the spans in which their messages were queued."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from producers.contract import span_names, tracing
from producers.contract.events import CallbackEvent, Quarantined
from producers.contract.kinds import KIND_OF
from worker.callbacks.payloads import Parsed


@contextmanager
def following(events: Sequence[Parsed]) -> Iterator[list[Parsed]]:
    """Let each event of a message whose trace is recorded have a span while it is published.

    A receipt may come days after its message: it begins a trace of its own, with a link.

    Yields:
        The events, in order. One that has a span now carries that on instead of its message's.
    """
    spans: list[Any] = []
    try:
        yield [_followed(event, spans) for event in events]
    except Exception as error:
        for span in spans:
            tracing.fail(span, type(error).__name__)
        raise
    finally:
        for span in spans:
            tracing.end(span)


def _followed(event: Parsed, spans: list[Any]) -> Parsed:
    if isinstance(event, Quarantined) or not event.trace:
        return event
    if tracing.api() is None or not tracing.is_sampled(event.trace):
        return event
    span = _begun(event, event.trace)
    spans.append(span)
    return msgspec.structs.replace(event, trace=tracing.traceparent(span) or event.trace)


def _begun(event: CallbackEvent, origin: str) -> Any:
    stream = KIND_OF[type(event)].name
    attributes = span_names.of_messaging("process", stream)
    if event.match:
        attributes[span_names.MATCH] = event.match
    return tracing.begin(span_names.name_of("process", stream), "CONSUMER", attributes, links=[origin])
