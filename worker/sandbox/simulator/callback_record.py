"""What is known about one POST of a callback."""

from typing import Any

import msgspec

from worker.sandbox.simulator.events import Kind


class CallbackRecord(msgspec.Struct, kw_only=True):
    """One POST of a callback, or one that was not made.

    Attributes:
        kind: Kind of its events.
        url: Where it went, query included.
        events: Fields of each event, as posted.
        body: The exact body.
        attempt: 1, or more for a repeat after a failure.
        outcome: ``delivered`` (2xx in time), ``failed``, ``lost`` (on purpose), ``off`` (URL switched off).
        http_status: None when no answer came in time.
        ms: Real milliseconds until the answer, or until giving up.
        connected: Whether the server took the connection; false also of one that was not posted.
        violations: What the answer did that Octopush forbids: ``body``, ``status``, ``slow``,
            ``unreachable``.
    """

    kind: Kind
    url: str
    events: list[dict[str, Any]]
    body: str = ""
    attempt: int = 1
    outcome: str = ""
    http_status: int | None = None
    ms: float = 0.0
    answer_bytes: int = 0
    connected: bool = False
    violations: list[str] = []
