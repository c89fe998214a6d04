"""What arrived at the gateway: every request with the hash of its bytes, and every accepted call."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from worker.sandbox.simulator.campaign import Campaign


class RequestRecord(msgspec.Struct, kw_only=True):
    """One request to the gateway port.

    Attributes:
        endpoint: ``send``, ``balance``, ``cancel``, ``parameters``, ``edit``; ``unread`` when it was
            cut before the body was read.
        at: Seconds since the epoch on the simulator's clock.
        connection: Serial number of the TCP connection it came over.
        request_id: None when absent, or when the body could not be read.
        sha256: Hash of the exact body bytes, in hexadecimal.
        outcome: ``accepted``, ``simulated``, ``refused``, ``duplicate``, ``claimed`` (request_id used up,
            nothing sent), ``answered`` (balance, cancel), or ``dropped`` (not processed); empty while the
            request is being processed.
        code: Code of the refusal, if any.
        fault: The label of the injected fault, or its answer when it has no label; None without a fault.
        numbers: The usable recipients of a send.
    """

    endpoint: str
    at: float
    connection: int
    request_id: str | None = None
    sha256: str = ""
    body_bytes: int = 0
    outcome: str = ""
    code: int | str | None = None
    ticket: str | None = None
    fault: str | None = None
    numbers: Sequence[str] = ()


class Journal:
    """Requests and accepted calls in the order they came."""

    def __init__(self) -> None:
        self.requests: list[RequestRecord] = []
        self.campaigns: dict[str, Campaign] = {}
        self.connections_opened = 0
        self._posts: Counter[str] = Counter()

    def arrived(self, endpoint: str, at: float, connection: int, body: bytes) -> RequestRecord:
        """Record a request; its body is empty when it was not read."""
        record = RequestRecord(
            endpoint=endpoint,
            at=at,
            connection=connection,
            sha256=hashlib.sha256(body).hexdigest(),
            body_bytes=len(body),
        )
        self.requests.append(record)
        return record

    def identified(self, record: RequestRecord, request_id: str | None) -> int:
        """Note the request_id of a request, and return the number of the request under it, from 1.

        A request without a request_id always has the number 1.
        """
        record.request_id = request_id
        if request_id is None:
            return 1
        self._posts[request_id] += 1
        return self._posts[request_id]

    def accepted(self, request_id: str | None = None) -> list[Campaign]:
        """List the accepted calls, only those of a request_id if one is given."""
        return [c for c in self.campaigns.values() if request_id in (None, c.request_id)]

    def attempts(self, request_id: str | None = None) -> dict[str, dict[str, Any]]:
        """Summarise the sends by request_id; sends without one are under the empty text.

        Returns:
            For each request_id: ``posts`` (how many arrived), ``sha256`` (how many of them had which hash of
            the body) and ``outcomes`` (how many of them had which outcome).
        """
        sends: dict[str, list[RequestRecord]] = {}
        for record in self.requests:
            if record.endpoint == "send" and request_id in (None, record.request_id):
                sends.setdefault(record.request_id or "", []).append(record)
        return {
            key: {
                "posts": len(records),
                "sha256": Counter(record.sha256 for record in records),
                "outcomes": Counter(record.outcome for record in records),
            }
            for key, records in sends.items()
        }

    def total_posts(self) -> int:
        """Count the sends that arrived, those cut before their body was read included."""
        return sum(record.endpoint in ("send", "unread") for record in self.requests)

    def reset(self) -> None:
        """Forget everything."""
        self.requests.clear()
        self.campaigns.clear()
        self._posts.clear()
        self.connections_opened = 0
