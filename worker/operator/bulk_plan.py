"""What a replay of all that match would do: how many messages, what they cost, which are too late."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from producers.contract.keys import Keys
from producers.contract.steps import Commands, Steps
from worker.inquiry.parked import Group
from worker.inquiry.price import HEAD, TAIL, estimate, tariff_of, weigh

#: Messages that are looked at one by one; of more only their number is known.
EXAMINED: Final = 10_000
#: Messages read in one round trip.
_BLOCK: Final = 500

_FIELDS: Final = ("segments", "expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would happen.

    Attributes:
        total: messages that match.
        examined: of these, looked at one by one; the rest of the attributes counts among these.
        cost: what they may cost in the account's currency; those of known price, and no expired ones.
        unpriced: messages whose price nobody knows.
        expired: messages whose time to live has passed: sent again, they end as expired and cost nothing.
        lost: messages that cannot be sent again, since their record or text is gone.
    """

    total: int
    examined: int
    cost: Decimal
    unpriced: int
    expired: int
    lost: int


def preview(keys: Keys, groups: Sequence[Group], now_ms: int) -> Steps[Preview]:
    """Look at what is parked in some groups; at most 24 round trips and one for each group.

    Args:
        keys: key names.
        groups: of states from which messages may be sent again.
        now_ms: by Redis's clock. What is parked later is left out.
    """
    parked = [keys.parked_group(group.state, group.code) for group in groups]
    counts: list[int] = []
    if parked:
        counts = yield Commands([("ZCOUNT", key, "-inf", now_ms) for key in parked])
    told: list[tuple[str, int]] = []
    examined = expired = lost = 0
    for key, count in zip(parked, counts, strict=True):
        for start in range(0, min(count, EXAMINED - examined), _BLOCK):
            size = min(_BLOCK, count - start, EXAMINED - examined)
            [ids] = yield Commands([("ZRANGE", key, start, start + size - 1)])
            for (segments, expires), head, tail in (yield from _read(keys, ids)):
                examined += 1
                late = expires is not None and int(float(expires)) <= now_ms
                lost += not tail
                expired += late and bool(tail)
                if tail and not late:
                    told.append((tariff_of(head, tail), int(segments or 1)))
    costs = yield from estimate(keys, *weigh(told))
    return Preview(
        total=sum(counts),
        examined=examined,
        cost=costs.cost,
        unpriced=costs.unpriced,
        expired=expired,
        lost=lost,
    )


def write_groups(groups: Sequence[Group]) -> str:
    """Write which groups a job is about, for `read_groups`."""
    return msgspec.json.encode([(group.state, group.code) for group in groups]).decode()


def read_groups(written: str) -> list[tuple[str, str]]:
    """Read states and codes that a job is about."""
    return msgspec.json.decode(written, type=list[tuple[str, str]])


def _read(keys: Keys, ids: Sequence[bytes]) -> Steps[list[tuple[Any, bytes, bytes]]]:
    if not ids:
        return []
    commands: list[Sequence[str | int]] = []
    for each in ids:
        request_id = each.decode("utf-8", "replace")
        body = keys.body(request_id)
        commands += [
            ("HMGET", keys.record(request_id), *_FIELDS),
            ("GETRANGE", body, 0, HEAD - 1),
            ("GETRANGE", body, -TAIL, -1),
        ]
    found = yield Commands(commands)
    return list(zip(found[::3], found[1::3], found[2::3], strict=True))
