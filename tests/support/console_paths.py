"""Every page of the console on a Redis that `tests.support.filled` has filled, also deep in its lists."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

import redis

from producers.contract.keys import Keys
from tests.support.filled import FORWARDER, GROUP, PSEUDONYMS
from worker.console.pages import PAGES
from worker.inquiry.paging import Member, write_place

#: Paths with a part that tells what they are about, and such parts.
_ABOUT: Final = {
    "/sends/{request_id}": ("send-0", "send-91", "send-95", "send-97", "send-99"),
    "/campaigns/{campaign_id}": ("campaign-7",),
    "/feeds/{stream}/poison": ("replies",),
    "/forward/{name}": (FORWARDER,),
}
#: What is asked of lists, besides their beginning.
_QUERIES: Final = {
    "/replies": (
        *("country=FR", "country=ZZ", "match=none", "q=table+7", "q=nobody+wrote+this"),
        *("country=FR&q=nobody+wrote+this", "from=2020-01-01&to=2020-01-02"),
    ),
    "/sends": (
        *("tab=running", "tab=waiting&queue=marketing", "tab=waiting&before=9950", "tab=scheduled"),
        *("tab=ended", "id=sms_1", "id=nobody"),
    ),
    "/failures": ("state=rejected&code=122",),
    "/optouts": ("tab=now",),
    "/feeds/replies/poison": (f"group={GROUP}",),
}


def paths(client: redis.Redis, namespace: str = "sms") -> list[str]:
    """List the addresses: each page, its filters, and places deep in its lists."""
    keys = Keys(namespace)
    plain = [page.path for page in PAGES if page.method == "GET"]
    found = [path for path in plain if "{" not in path]
    for path in plain:
        found += [re.sub(r"\{\w+\}", each, path) for each in _ABOUT.get(path, ())]
    found.append(f"/conversations/{PSEUDONYMS.of('+33612000000')}")
    found.append(f"/optouts/{_middle(client, keys.stream('optouts'))}")
    found = [path for path in found if not path.endswith((".csv", ".jsonl"))]
    return [*found, *_asked(found), *_deep(client, keys)]


def _asked(found: list[str]) -> Iterator[str]:
    for path, queries in _QUERIES.items():
        if path in found:
            yield from (f"{path}?{query}" for query in queries)


def _deep(client: redis.Redis, keys: Keys) -> Iterator[str]:
    """Address the middle of long lists: there the cost of a page that counts from one end is highest."""
    for path, key in (("/sends?tab=scheduled&queue=marketing", keys.queue("marketing").delayed),):
        yield f"{path}&{_before_sorted(client, key)}"
    yield f"/failures?{_before_sorted(client, keys.parked)}"
    yield f"/campaigns?{_before_sorted(client, keys.campaigns)}"
    yield f"/sends?tab=running&{_before_sorted(client, keys.attempt_leases)}"
    yield f"/sends?tab=ended&before={_middle(client, keys.stream('statuses'))}"
    oldest = _middle(client, keys.stream("replies"))
    yield f"/replies?before={oldest}"
    yield f"/replies?country=FR&before={oldest}"
    yield f"/money?before={_middle(client, keys.stream('alarms'))}"
    cursor, _ = client.hscan(keys.suppressed, count=100)
    yield f"/optouts?tab=now&before={cursor}"


def _middle(client: redis.Redis, stream: str) -> str:
    """Name an entry deep in a stream."""
    entry: bytes = client.xrange(stream, count=100)[-1][0]
    return entry.decode()


def _before_sorted(client: redis.Redis, key: str) -> str:
    middle = client.zcard(key) // 2
    [(name, score)] = client.zrange(key, middle, middle, withscores=True)
    return urlencode({"before": write_place(Member(name.decode(), score))})
