"""One soak: send, break, let days pass, wait until nothing waits, judge."""

import itertools
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import redis

from producers import OverBudget, Producer, QueueUnavailable
from tests.soak.crowd import SENDER, Batch, Crowd, Text
from tests.soak.days import DAY, LATE_DAY, Leaps, NoLeaps, begins
from tests.soak.ledger import Ledger
from tests.soak.place import PRICE, Place
from tests.soak.stops import Stops
from tests.soak.verdict import reasons, verdict

STATES: Final = ("accepted", "rejected", "expired", "cancelled", "unknown", "failed")
#: Megabytes by which a worker may grow after its first minute.
GROWTH_MAX_MB: Final = 30
#: Texts that are sent in a second at most, and seconds that all of them take at least: a day should pass.
_RATE, _AT_LEAST_S = 700, 60
#: Part of what all texts cost that may be spent in a day: the others wait for the next one.
_BUDGET: Final = 0.6
#: Seconds after the last text in which everything must have come to an end.
_PATIENCE_S: Final = 300


class Soak:
    """One run.

    Args:
        total: texts, about.
        seed: of all chance.
        data_dir: for logs and the server's files.
    """

    def __init__(self, total: int, seed: int, data_dir: Path) -> None:
        self._total, self._rng = total, random.Random(seed)
        self._budget = _BUDGET * PRICE * total
        self._place = Place(data_dir, seed, self._budget)
        self._ledger = Ledger(self._place.client)
        self._stops = Stops(self._place.callback_url, random.Random(seed))
        self._leaps = (Leaps if self._place.leaping else NoLeaps)(time.time())
        self._texts: list[Text] = []
        self._sent, self._done = threading.Event(), threading.Event()
        self._redis_mb: list[int] = []
        self._worker_mb: list[int] = []

    def run(self) -> bool:
        """Send everything under damage, wait for the end, judge."""
        started = time.monotonic()
        if not self._place.leaping:
            print("hours: not tested, the clock of a server cannot be moved here")  # noqa: T201
        with ExitStack() as over:
            self._leap(begins(0, DAY[0]))
            over.enter_context(self._place)
            self._stops.start()
            rng = random.Random(self._rng.random())
            helpers: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
                (self._send_all, ()),
                (self._place.break_things, (rng, self._done)),
                (self._let_days_pass, ()),
            ]
            threads = [threading.Thread(target=target, args=given) for target, given in helpers]
            for thread in threads:
                thread.start()
            try:
                self._watch()
            finally:
                self._done.set()
                for thread in threads:
                    thread.join()
                self._stops.finish()
            return self._judge(time.monotonic() - started)

    # The days.

    def _let_days_pass(self) -> None:
        for day in itertools.count():
            for stage in LATE_DAY if self._sent.is_set() else DAY:
                self._leap(begins(day, stage))
                if self._done.wait(stage.lasts):
                    return

    def _leap(self, at: float) -> None:
        if self._place.leaping:
            shift = math.ceil(at - time.time())
            self._place.server.leap(shift)  # type: ignore[attr-defined]
            self._leaps.leapt(shift)

    # The application.

    def _send_all(self) -> None:
        """Repeat each batch with the same ids until the queue has it."""
        # What has a time to live is not refused by the application's clock, which is another.
        off = {"MARKETING_HOURS_FR": "off"}
        usual, hurried = (
            Producer(settings=self._place.settings()),
            Producer(settings=self._place.settings(**off)),
        )
        seconds = max(_AT_LEAST_S, self._total / _RATE)
        try:
            for batch in Crowd(self._total, self._rng).batches():
                begun = time.monotonic()
                self._send(batch, usual, hurried)
                pace = seconds * len(batch.texts) / self._total
                if self._done.wait(max(0.0, begun + pace - time.monotonic())):
                    return
        finally:
            self._sent.set()
            usual.close()
            hurried.close()

    def _send(self, batch: Batch, usual: Producer, hurried: Producer) -> None:
        for number, when in batch.refusing:
            self._stops.will_write(number, when)
        self._texts += batch.texts
        self._until_taken(lambda: usual.send_many(batch.messages))
        self._until_taken(lambda: hurried.send_many(batch.hurried))
        if batch.campaign is not None:
            name, people = batch.campaign
            text = next(each.text for each in batch.texts if each.number == people[0])
            with suppress(OverBudget):
                self._until_taken(
                    lambda: usual.send_campaign(
                        text, people, sender=SENDER, campaign_id=name, budget=batch.budget
                    )
                )

    def _until_taken(self, send: Callable[[], object]) -> None:
        while not self._done.is_set():
            with suppress(QueueUnavailable):
                send()
                return
            self._place.damage["sends repeated"] += 1
            self._done.wait(0.2)

    # The end.

    def _watch(self) -> None:
        """Print the balance every few seconds until nothing waits."""
        quiet, ends = 0, math.inf
        while quiet < 2 and time.monotonic() < ends:
            self._done.wait(5)
            with suppress(redis.RedisError):
                counts = self._ledger.counts()
                self._redis_mb.append(self._ledger.megabytes())
                self._worker_mb.append(self._place.resident_mb())
                print(_line(counts), flush=True)  # noqa: T201 - a tool for the terminal
                over = self._sent.is_set() and _waiting(counts) == 0 and self._place.is_idle()
                quiet = quiet + 1 if over and self._stops.is_quiet else 0
            if self._sent.is_set() and ends == math.inf:
                ends = time.monotonic() + _PATIENCE_S

    def _judge(self, seconds: float) -> bool:
        counts, admin = self._ledger.counts(), self._place.simulator.admin
        seen = self._ledger.seen(self._texts, admin, self._stops.answered, self._leaps)
        states = Counter(each.state for each in seen.records.values())
        grown = self._worker_mb[-1] - self._worker_mb[min(12, len(self._worker_mb) - 1)]
        wrong: dict[str, Any] = {
            **verdict(seen, self._budget),
            "counters against records": [s for s in STATES if counts[s] != states[s]],
            "not over": [
                f"{k} {r.state}" for k, r in seen.records.items() if r.state in ("queued", "sending")
            ],
            "a worker has grown": [f"{grown} MB"] if grown >= GROWTH_MAX_MB else [],
        }
        facts: dict[str, Any] = {
            "texts": len(seen.texts),
            "seconds": round(seconds),
            "POSTs": len(seen.posts),
            **self._place.damage,
            "leaps of the clock": len(self._leaps),
            "STOPs answered 200": len(seen.answered),
            "STOPs nobody answered": self._stops.given_up,
            "calls that went on in doubt": counts["optout_race"],
            "MB of Redis at most": max(self._redis_mb),
            "MB of a worker at the end": self._worker_mb[-1],
            **{f"not shown: {reason}": count for reason, count in sorted(reasons(seen).items())},
            **{name: len(each) for name, each in wrong.items()},
        }
        for name, value in facts.items():
            print(f"{name:>45}  {value}")  # noqa: T201 - a tool for the terminal
        for name, each in wrong.items():
            for line in each[:5]:
                print(f"WRONG, {name}: {line}")  # noqa: T201 - a tool for the terminal
        return not any(wrong.values())


def _waiting(counts: Counter[str]) -> int:
    return counts["enqueued"] - sum(counts[state] for state in STATES)


def _line(counts: Counter[str]) -> str:
    ends = " + ".join(f"{state} {counts[state]}" for state in STATES)
    return f"queued {counts['enqueued']} = {ends} + waiting {_waiting(counts)}"
