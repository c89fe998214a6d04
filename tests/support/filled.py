"""A Redis full of what a busy year leaves behind, written directly: for what must not cost more by it.

    fill(client, replies=50_000, sends=50_000)

Everything lies where the scripts put it and looks like theirs, but nothing was ever sent. A few hundred
thousand of either kind take a few seconds.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import redis

from producers.contract.keys import Keys
from producers.contract.pseudonyms import Pseudonyms, read_key

#: Written in one script; a script that takes longer keeps Redis from answering anybody.
_AT_ONCE: Final = 5_000
#: What conversations are named with; Redis keeps it.
_KEY: Final = base64.b64encode(b"the key of a Redis full of tests").decode()
PSEUDONYMS: Final = Pseudonyms([read_key(_KEY)])
#: Campaigns, opt-outs, actions and callbacks in quarantine, each at most.
OTHERS: Final = 5_000
#: Who reads the replies.
GROUP: Final = "bookings"
#: What is forwarded by a forwarder of this name.
FORWARDER: Final = "bookings"

_FILL: Final = Path(__file__).with_suffix(".lua").read_text("utf-8")


def fill(client: redis.Redis, *, replies: int, sends: int, namespace: str = "sms") -> None:
    """Write so many replies and sends, and what belongs to them; each number a multiple of 100.

    Args:
        client: of an empty Redis.
        replies: on the stream, by country, some in conversations.
        sends: of every hundred 90 accepted, 4 parked, 3 waiting, 2 scheduled, 1 running.
        namespace: hash tag of the keys.
    """
    keys = Keys(namespace)
    kept = {"made": _KEY, "made_id": PSEUDONYMS.key_id, "ids": PSEUDONYMS.key_id}
    client.hset(keys.pseudonyms, mapping=kept)
    first_ms = int(client.time()[0]) * 1000 - 250 * max(replies, sends)
    _write(client, keys, "replies", replies, first_ms)
    _write(client, keys, "sends", sends, first_ms)
    _write(client, keys, "others", min(OTHERS, sends), first_ms, GROUP)
    client.xgroup_create(keys.stream("replies"), GROUP, "0")
    client.xreadgroup(GROUP, "one", {keys.stream("replies"): ">"}, count=1_000)
    client.zadd(keys.forwarders, {FORWARDER: first_ms})
    client.hset(keys.forward(FORWARDER), mapping={"place": "https://bistro.example", "streams": "replies"})
    client.hset(keys.counts, mapping=_counts(sends))
    client.hset(keys.prices, "sms_premium:33", "0.049")
    client.zadd(keys.apps, {f"app-{each}": first_ms + each for each in range(50)})
    gate = {"code": "777", "since": first_ms, "shut": {"sender": "Bistro"}}
    client.hset(keys.gates, "777", json.dumps(gate))


def _counts(sends: int) -> Mapping[str, int]:
    hundreds = sends // 100
    return {"enqueued": sends, "accepted": 90 * hundreds, "rejected": 3 * hundreds, "unknown": hundreds}


def _write(client: redis.Redis, keys: Keys, what: str, count: int, first_ms: int, *further: str) -> None:
    for start in range(0, count, _AT_ONCE):
        end = min(start + _AT_ONCE, count)
        talks = [PSEUDONYMS.of(_number(i)) for i in range(start, end, 20)] if what == "replies" else further
        client.eval(_FILL, 1, keys.prefix, what, start, end, first_ms, *talks)


def _number(i: int) -> str:
    """The same number as in the script."""
    return f"+336{12_000_000 + i % 5_000_000:08d}"
