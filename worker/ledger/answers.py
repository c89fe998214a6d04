"""What the scripts of the ledger answer. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from worker.ledger.claims import Claim, Over, Wait
from worker.ledger.correlation import Correlation
from worker.queue.entries import Entry

#: Milliseconds for which a record of a newer version is left to newer workers.
NEWER_RECORD_MS: Final = 5_000
#: Milliseconds for which a send is left to the workers of the account that the namespace belongs to.
FOREIGN_MS: Final = 5_000


def read_claim(entry: Entry, reply: Sequence[Any], queue: str) -> Claim | Wait | Over:
    """Read what the claim of one send came to.

    Raises:
        ValueError: nobody knows that answer.
    """
    match reply:
        case [b"claimed", token, body, in_doubt, left_ms, confirmed, earlier_posts, trace, links]:
            return Claim(
                entry=entry,
                queue=queue,
                token=token,
                body=body,
                in_doubt=in_doubt == 1,
                ttl_s=None if left_ms < 0 else left_ms / 1000,
                confirmed=confirmed == 1,
                earlier_posts=earlier_posts,
                trace=_text(trace),
                links=_text(links),
            )
    return _read_wait(reply) or _read_over(reply)


def _read_wait(reply: Sequence[Any]) -> Wait | None:
    match reply:
        case [b"wait", ms]:
            return Wait(max(1, ms))
        case [b"compose"] | [b"zones", _]:
            return Wait(1)
        case [b"newer"]:
            return Wait(NEWER_RECORD_MS, newer=True)
        case [b"foreign"]:
            return Wait(FOREIGN_MS, foreign=True)
    return None


def _read_over(reply: Sequence[Any]) -> Over:
    """Read why nothing is left to do. What nobody knows ends no entry: that would lose the message."""
    match reply:
        case [b"over", state]:
            return Over(state.decode())
        case [b"ended", state, code]:
            return Over(state.decode(), just_now=True, code=code.decode())
        case [b"gone" | b"paused" | b"aside" | b"held" as verdict]:
            return Over(verdict.decode())
    raise ValueError(f"claim.lua returned {reply!r}, which nobody knows")


def _text(found: bytes) -> str:
    """Read what stands beside a message. If somebody has damaged it, the message and its neighbours go on."""
    return found.decode("utf-8", "replace")


def read_states(reply: Sequence[bytes]) -> list[str | None]:
    """Read the states of records; None for a claim that a later one owns."""
    return [None if state == b"fenced" else state.decode() for state in reply]


def read_correlations(replies: Sequence[Sequence[bytes]]) -> list[Correlation]:
    """Read which send each callback is about."""
    return [
        Correlation(None, pending=verdict == b"pending")
        if verdict in {b"pending", b"foreign"}
        else Correlation(_text(origin[0]), verdict.decode(), _text(origin[1]), _text(origin[2]))  # type: ignore[arg-type]
        for verdict, *origin in replies
    ]
