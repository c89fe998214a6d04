"""What applications and workers do with OpenTelemetry's traces, if there are any in this process.

Nothing here imports OpenTelemetry. A process that has no trace has not imported it, and then each function
returns at once. A trace travels as W3C's ``traceparent``: version, trace, span and flags, 55 characters of
which none is chosen by an application. Baggage and ``tracestate``, which may say anything, travel nowhere.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

from . import span_names
from .span_names import Operation

#: A ``traceparent`` as this module writes it. What is written otherwise is no trace.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-(0[01])", re.ASCII)
#: As somebody else may write it: there are further flags, and later versions may say more behind them.
_FOREIGN: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII
)
#: The flag of a trace that is recorded.
_SAMPLED: Final = 1
#: The trace with which a caller of another process has asked for what is done now.
_CALLERS: Final[ContextVar[str]] = ContextVar("traceparent of the caller", default="")


def api() -> Any:
    """Return OpenTelemetry's module ``trace`` if this process has imported it, else None.

    Another thread may be importing it right now: its last statement names what it offers.
    """
    found = sys.modules.get("opentelemetry.trace")
    return found if found is not None and hasattr(found, "__all__") else None


def carry(header: str) -> str:
    """Let what this task queues belong to the trace of its caller, who sent it along in a header.

    Args:
        header: ``traceparent`` as W3C's Trace Context has it; what is none counts as absent.

    Returns:
        The id of the trace, or ``""``.
    """
    found = _FOREIGN.fullmatch(header)
    if found is None or (found[1] == "00" and found[5]):
        _CALLERS.set("")
        return ""
    _CALLERS.set(f"00-{found[2]}-{found[3]}-{int(found[4], 16) & _SAMPLED:02x}")
    return found[2]


def traceparent(span: Any = None) -> str:
    """Write the context of a span, or of the current one; without any that of the caller, or ``""``."""
    otel = api()
    if otel is None:
        return _CALLERS.get() if span is None else ""
    context = (otel.get_current_span() if span is None else span).get_span_context()
    if not context.is_valid:
        return _CALLERS.get() if span is None else ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & _SAMPLED:02x}"


def has_trace() -> bool:
    """Say whether there is a trace here that a span can belong to."""
    return api() is not None and bool(traceparent())


def is_sampled(parent: str) -> bool:
    """Say whether a trace is recorded, as whoever began it has decided."""
    found = _TRACEPARENT.fullmatch(parent)
    return found is not None and found[3] == "01"


def begin(
    name: str, kind: str, attributes: Mapping[str, Any], *, parent: Any = None, links: Sequence[str] = ()
) -> Any:
    """Begin a span of this process; whoever calls ends it. To be called where `api` returns something.

    Args:
        name: as `span_names` has it.
        kind: ``PRODUCER``, ``CONSUMER`` or ``CLIENT``.
        attributes: by the names of `span_names`.
        parent: a span, or the ``traceparent`` of one elsewhere. Without any it begins a trace, if it has
            links, and else belongs to the current span.
        links: the ``traceparent`` of each span elsewhere that it is about.

    Returns:
        The span; one that is never recorded if it could not be begun: a sampler of somebody's own must cost
        no message.
    """
    try:
        return _begun(name, kind, attributes, parent, links)
    except Exception:  # noqa: BLE001 - whatever a sampler or processor raises
        return api().INVALID_SPAN


def _begun(name: str, kind: str, attributes: Mapping[str, Any], parent: Any, links: Sequence[str]) -> Any:
    otel = api()
    found = [context for context in map(_context, links) if context]
    around = None
    if isinstance(parent, str):
        parent = otel.NonRecordingSpan(context) if (context := _context(parent)) else otel.INVALID_SPAN
    elif parent is None and found:
        parent = otel.INVALID_SPAN
    if parent is not None:
        around = otel.set_span_in_context(parent)
    return otel.get_tracer(span_names.SCOPE).start_span(
        name,
        around,
        kind=otel.SpanKind[kind],
        attributes=dict(attributes),
        links=[otel.Link(context) for context in found],
        record_exception=False,
        set_status_on_exception=False,
    )


def _context(parent: str) -> Any:
    """Read a ``traceparent``; None if it is none. Anybody who writes to Redis may have written it."""
    found = _TRACEPARENT.fullmatch(parent)
    if found is None:
        return None
    otel = api()
    context = otel.SpanContext(
        int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=otel.TraceFlags(int(found[3], 16))
    )
    return context if context.is_valid else None


def end(span: Any) -> None:
    """End a span, whatever an exporter makes of it."""
    with suppress(Exception):
        span.end()


def fail(span: Any, what: str) -> None:
    """Let a span say that it went wrong, and in which way: one word, never the text of an exception."""
    span.set_attribute(span_names.ERROR, what)
    span.set_status(api().StatusCode.ERROR)


@contextmanager
def within(operation: Operation, destination: str, kind: str, parent: str | None = None) -> Iterator[Any]:
    """Make a span of messaging the current one. Yields the span, or None where there is no trace.

    Args:
        operation: what is done.
        destination: queue or stream, ``""`` for several.
        kind: as for `begin`.
        parent: the ``traceparent`` of a span elsewhere; None for the current span.
    """
    otel = api()
    if otel is None or not (traceparent() if parent is None else parent):
        yield None
        return
    name, attributes = (
        span_names.name_of(operation, destination),
        span_names.of_messaging(operation, destination),
    )
    span = begin(name, kind, attributes, parent=parent)
    with otel.use_span(span, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except Exception as error:
            fail(span, type(error).__name__)
            raise
        finally:
            end(span)
