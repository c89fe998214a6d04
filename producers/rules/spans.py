"""Spans of time, [from, to) in epoch milliseconds: when several are open at once. Pure."""

from collections.abc import Iterator, Sequence

Span = tuple[int, int]


def common(streams: Sequence[Iterator[Span]]) -> Iterator[Span]:
    """Find when all are open.

    Args:
        streams: spans of each, one after the other in time, none touching the next.

    Yields:
        Spans in order, up to the end of the stream that ends first.
    """
    now = [next(stream, None) for stream in streams]
    while spans := [span for span in now if span is not None]:
        if len(spans) < len(streams):
            return
        opens, closes = max(span[0] for span in spans), min(span[1] for span in spans)
        if opens < closes:
            yield opens, closes
        # What closes first is over: nothing later can be common with it.
        now = [
            next(stream, None) if span and span[1] == closes else span
            for stream, span in zip(streams, now, strict=True)
        ]
