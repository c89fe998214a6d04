"""Pages of the console with a million replies and sends kept, and what ten open consoles cost others.

Redis is filled directly (`tests.support.filled`), then every page is asked many times, also deep in its
lists, of a console as an operator starts it. Round trips are counted once per page, in a console within this
process. Redis times each command itself (its slow log); only the console asks it meanwhile.

Then, on a Redis with as many replies, ten browsers poll a page each every five seconds, as open pages do by
themselves. Callbacks and alerts are measured by turns without and with them: only the ratios say something
about them.
"""

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from tests.benchmarks.own_alerts import pick_up_ms
from tests.benchmarks.own_callbacks import post, send
from tests.benchmarks.own_stand import Stand, backlog_size, percentile
from tests.benchmarks.report import BenchmarkError, Context, Row
from tests.support.console_client import OPERATOR, TOKENS, ConsoleClient, console_settings
from tests.support.console_paths import paths
from tests.support.counted import counted
from tests.support.filled import fill
from tests.support.web_server import ConsoleServer

#: How often each page is asked; less often in a quick run.
ASKED: Final = 100
#: Bounds of a page, and of a Redis command that it runs.
ROUND_TRIPS_MAX: Final = 60
PAGE_P99_MS: Final = 150
COMMAND_MS: Final = 5
#: Open consoles, and seconds between two polls of one.
CONSOLES: Final = 10
POLL_S: Final = 5.0
#: How much larger a p99 may be while consoles are open: two runs alike differ by as much.
RATIO_MAX: Final = 1.5
#: Alerts per turn, and callbacks per second and turn.
ALERTS: Final = 150
CALLBACKS_PER_S, CALLBACKS = 500, 5_000
#: What open consoles show.
_OPEN: Final = (
    "/",
    "/replies",
    "/sends",
    "/sends?tab=waiting",
    "/failures",
    "/campaigns",
    "/optouts",
    "/feeds",
)
#: Indexes that exist for the pages: their keys without the prefix.
_INDEXES: Final = ("replies:by:*", "replies:countries", "parked*", "campaigns")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one page cost: ms of each answer, round trips, and ms of the slowest Redis command."""

    path: str
    took_ms: Sequence[float]
    round_trips: int
    slowest_ms: float


def run(context: Context) -> list[Row]:
    """Fill, ask, then measure others beside open consoles."""
    size = backlog_size(context)
    with Stand(context, gateway_ms=0) as stand:
        began = time.monotonic()
        fill(stand.redis, replies=size, sends=size)
        context.say(f"{size:,} replies and as many sends in {time.monotonic() - began:.0f} s")
        stand.wait_for_rewrite()
        memory = _index_bytes(stand)
        with _console(stand) as url:
            asked = [_ask(context, stand, url, path) for path in paths(stand.redis)]
            # What was filled in looks like sends under way: no worker may find them.
            stand.redis.flushall()
            rows = _beside_others(context, stand, url)
    return [
        *_rows(asked, f"{size:,} kept"),
        Row("indexes for the pages, per reply", memory / size, "bytes"),
        *rows,
    ]


@contextmanager
def _console(stand: Stand) -> Iterator[str]:
    environ = {**stand.environ, "CONSOLE_TOKENS": TOKENS, "STREAM_MAXLEN": "2000000"}
    with ConsoleServer(stand.data_dir / "console.log", environ) as server:
        yield server.url


@contextmanager
def _browser(url: str) -> Iterator[httpx.Client]:
    """Open a browser in which an operator is logged in.

    Raises:
        BenchmarkError: nobody could log in.
    """
    same = {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=url, timeout=30, trust_env=False, headers=same) as browser:
        status = browser.post("/login", data={"token": OPERATOR}).status_code
        if status != HTTPStatus.SEE_OTHER:
            raise BenchmarkError(f"the login was answered {status}")
        yield browser


def _ask(context: Context, stand: Stand, url: str, path: str) -> Asked:
    """Ask for one page again and again.

    Raises:
        BenchmarkError: the page was not answered.
    """
    with ConsoleClient(console_settings(stand.server.url)) as within:
        within.log_in(OPERATOR)
        within.get(path)
        with counted() as sent:
            within.get(path)
    stand.redis.config_set("slowlog-log-slower-than", 200)
    with _browser(url) as browser:
        browser.get(path)
        stand.redis.slowlog_reset()
        took_ms = []
        for _ in range(min(ASKED, context.messages // 100)):
            began = time.perf_counter()
            status = browser.get(path).status_code
            took_ms.append(1000 * (time.perf_counter() - began))
            if status not in {200, 303, 422}:
                raise BenchmarkError(f"{path} was answered {status}")
    slow = [entry["duration"] for entry in stand.redis.slowlog_get(128)]
    found = Asked(path, took_ms, sent.round_trips, max(slow, default=0) / 1000)
    context.say(
        f"{path[:60]:60}  p50 {statistics.median(took_ms):6.1f} ms  p99 {percentile(took_ms, 99):6.1f} ms"
        f"  {found.round_trips:2} round trips  slowest command {found.slowest_ms:.2f} ms"
    )
    return found


def _rows(asked: Sequence[Asked], kept: str) -> list[Row]:
    def worst(key: str) -> Asked:
        return max(asked, key=lambda each: _FIGURES[key](each))

    rows = []
    for name, (unit, bound) in _BOUNDS.items():
        page = worst(name)
        rows.append(Row(f"{name}, {kept}: {page.path[:50]}", _FIGURES[name](page), unit).at_most(bound))
    medians = [statistics.median(each.took_ms) for each in asked]
    rows.append(Row(f"a page, p50 over all {len(asked)}, {kept}", statistics.median(medians), "ms"))
    return rows


_FIGURES: Final = {
    "page with the longest p99": lambda each: percentile(each.took_ms, 99),
    "page with the most round trips": lambda each: float(each.round_trips),
    "page with the slowest Redis command": lambda each: each.slowest_ms,
}
_BOUNDS: Final = {
    "page with the longest p99": ("ms", PAGE_P99_MS),
    "page with the most round trips": ("", ROUND_TRIPS_MAX),
    "page with the slowest Redis command": ("ms", COMMAND_MS),
}


def _index_bytes(stand: Stand) -> float:
    """Sum what the indexes take that exist for the pages."""
    keys = [key for each in _INDEXES for key in stand.redis.scan_iter(stand.keys.prefix + each, count=10_000)]
    return sum(stand.redis.memory_usage(key) or 0 for key in keys)


def _beside_others(context: Context, stand: Stand, url: str) -> list[Row]:
    """Measure callbacks and alerts by turns, without and with open consoles."""
    fill(stand.redis, replies=backlog_size(context), sends=0)
    stand.wait_for_rewrite()
    stand.worker.start()
    stand.start_web()
    turns, callbacks = 2 * context.rounds, min(CALLBACKS, context.messages)
    pairs = send(stand, callbacks * (turns + 1))
    # Connections are open and code is compiled before anything is measured.
    post(stand, pairs[callbacks * turns :], CALLBACKS_PER_S / 4)
    pick_up_ms(stand, 30, 0, "warm")
    answers: dict[bool, list[float]] = {False: [], True: []}
    alerts: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(turns):
        are_open = turn % 2 == 1
        with _polling(url) if are_open else _nothing():
            some = pairs[turn * callbacks : (turn + 1) * callbacks]
            answers[are_open].append(percentile(post(stand, some, CALLBACKS_PER_S).answer, 99))
            alerts[are_open].append(
                percentile(pick_up_ms(stand, min(ALERTS, callbacks), 0, f"turn{turn}"), 99)
            )
        who = f"{CONSOLES} consoles open" if are_open else "none open"
        context.say(
            f"{who}: callbacks p99 {answers[are_open][-1]:.1f} ms, alerts p99 {alerts[are_open][-1]:.1f} ms"
        )
    rows = []
    for name, took in (("POST of a callback to 200, p99", answers), ("pick-up of an alert, p99", alerts)):
        ratio = statistics.median(took[True]) / statistics.median(took[False])
        rows.append(Row.of(name, took[False], "ms", who="no console open"))
        rows.append(Row.of(name, took[True], "ms", who=f"{CONSOLES} consoles open"))
        rows.append(Row(f"{name}: {CONSOLES} consoles against none", ratio, "times").at_most(RATIO_MAX))
    return rows


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _polling(url: str) -> Iterator[None]:
    """Keep consoles open that ask every few seconds, as the script of a page does."""
    stopping = threading.Event()
    failed: list[int] = []

    def keep_open(number: int, browser: httpx.Client) -> None:
        path, etag = _OPEN[number % len(_OPEN)], ""
        # They do not ask all at once.
        stopping.wait(POLL_S * number / CONSOLES)
        while not stopping.is_set():
            answer = browser.get(path, headers={"X-Live": "1", "If-None-Match": etag})
            etag = answer.headers.get("ETag", "")
            if answer.status_code not in {200, 304}:
                failed.append(answer.status_code)
            stopping.wait(POLL_S)

    with ExitStack() as browsers:
        threads = [
            threading.Thread(
                target=keep_open, args=(number, browsers.enter_context(_browser(url))), daemon=True
            )
            for number in range(CONSOLES)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
    if failed:
        raise BenchmarkError(f"open consoles were answered {sorted(set(failed))}")
