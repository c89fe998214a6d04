"""One soak by time: send at a steady pace, break, let days pass, wait until nothing waits."""

import itertools
import math
import random
import shutil
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import redis

from producers import OverBudget, Producer, QueueUnavailable
from tests.soak.crowd import SENDER, Batch, Crowd, Text
from tests.soak.days import DAY, FIRST_OF_MANY, LATE_DAY, Leaps, begins
from tests.soak.endurance.estate import Estate
from tests.soak.endurance.harvest import Harvest
from tests.soak.endurance.judge import Judge
from tests.soak.endurance.readers import Readers
from tests.soak.endurance.samples import Samples
from tests.soak.endurance.visitors import Visitors
from tests.soak.ledger import Ledger
from tests.soak.place import PRICE
from tests.soak.run import STATES
from tests.soak.stops import Stops

#: Texts in a second, without those of the API, and seconds that a day of the soak takes.
RATE: Final = 25.0
DAY_S: Final = sum(stage.lasts for stage in DAY)
#: What may be spent in a day, as a part of what its marketing costs: after a Sunday some of it waits.
_BUDGET: Final = 1.25
_MARKETING: Final = 0.8
#: Seconds between two things that are broken, at least and at most.
_PAUSES_S: Final = (6.0, 25.0)
#: The part of the time in which all processes come and go. After it only the first worker and the primaries
#: do: all others can be measured.
_UNREST: Final = 0.4
#: Seconds that a leap of the clock waits at most for a machine that is late.
_LATE_S: Final = 60.0
#: Seconds after the last text in which everything must have come to an end.
_PATIENCE_S: Final = 420.0
#: Seconds for which an application repeats what it sent before a primary was replaced.
_REPEATED_S: Final = 20.0


class Endurance:
    """One run. Call `run` in a thread that lives as long as the soak.

    Args:
        seconds: for which texts are sent.
        seed: of all chance.
        into: receives ``endurance.csv``, ``endurance.svg`` and ``endurance.txt``, and in ``run`` logs and the
            servers' files, in place of those of the last run.
    """

    def __init__(self, seconds: float, seed: int, into: Path) -> None:
        self._seconds, self._rng, self._into = seconds, random.Random(seed), into
        self._budget = _BUDGET * _MARKETING * RATE * DAY_S * PRICE
        data_dir = into.absolute() / "run"
        shutil.rmtree(data_dir, ignore_errors=True)
        data_dir.mkdir(parents=True)
        self._estate = Estate(data_dir, seed, self._budget)
        self._leaps = Leaps(time.time())
        self._still = threading.Lock()
        self._sent, self._done, self._enough = threading.Event(), threading.Event(), threading.Event()
        self._texts: list[Text] = []
        self._lately: list[tuple[float, Batch]] = []
        self._repeated = 0
        #: Seconds for which the clock stood still: no time passes for the application, either.
        self._stood_still_s = 0.0
        self._wrong_on_the_way: list[str] = []

    def run(self) -> bool:
        """Do it; whether all is well."""
        started = time.monotonic()
        with ExitStack() as over:
            over.enter_context(self._estate)
            # Whoever was started sees the clock of today until now; nothing was sent yet.
            self._leap(begins(0, DAY[0], FIRST_OF_MANY))
            self._harvest = Harvest(self._estate.client, self._leaps)
            self._ledger = Ledger(self._estate.client)
            self._stops = Stops(self._estate.callback_url, random.Random(self._rng.random()))
            self._samples = Samples(self._estate.lives, self._estate.figures)
            self._readers = Readers(self._estate.settings())
            ports = ("API_PORT", "CONSOLE_PORT", "METRICS_PORT")
            self._visitors = Visitors(*(self._estate.url(each) for each in ports), self._note)
            threads = [threading.Thread(target=each) for each in (self._send_all, self._let_days_pass)]
            helpers = (self._stops, self._harvest, self._samples, self._readers, self._visitors)
            for each in (*helpers, *threads):
                each.start()
            try:
                self._break_and_watch(started)
            finally:
                self._done.set()
                for thread in threads:
                    thread.join()
                self._stops.finish()
                self._visitors.stop()
                self._readers.stop()
                self._samples.stop()
                self._harvest.stop()
            judge = Judge(
                self._estate,
                self._leaps,
                self._ledger,
                self._harvest,
                self._stops,
                self._samples,
                self._readers,
                self._visitors,
                self._texts,
                self._budget,
                self._wrong_on_the_way,
                self._into,
            )
            return judge.judge(time.monotonic() - started)

    def end_early(self) -> None:
        """Send no more: `run` judges what was sent until now."""
        self._enough.set()

    # The days.

    def _let_days_pass(self) -> None:
        for day in itertools.count():
            for stage in LATE_DAY if self._sent.is_set() else DAY:
                due = time.monotonic()
                self._wait_for_repeats()
                with self._still:
                    self._estate.catch_up(_LATE_S)
                    self._stood_still_s += time.monotonic() - due
                    self._leap(begins(day, stage, FIRST_OF_MANY))
                if self._done.wait(stage.lasts):
                    return

    def _wait_for_repeats(self) -> None:
        """Let no hours pass before the application has repeated what a primary may have forgotten.

        What is queued within minutes of a new primary shares no call: longer than applications wait.
        """
        ends = time.monotonic() + _LATE_S
        while self._repeated < len(self._estate.forgetting) and time.monotonic() < ends:
            if self._done.wait(0.2):
                return

    def _leap(self, at: float) -> None:
        shift = math.ceil(at - time.time())
        self._estate.redis_set.clock.leap(shift)
        self._leaps.leapt(shift)

    # The application.

    def _note(self, texts: Iterable[Text]) -> None:
        texts = [*texts]
        self._texts += texts
        self._harvest.expect({each.request_id for each in texts if each.kind != "refused"})

    def _send_all(self) -> None:
        """Repeat each batch with the same ids until the queue has it, and what Redis may have forgotten."""
        # What has a time to live is not refused by the application's clock, which is another.
        off = {"MARKETING_HOURS_FR": "off"}
        usual, hurried = (Producer(settings=self._estate.settings(**each)) for each in ({}, off))
        ends, next_at, stood_s = time.monotonic() + self._seconds, time.monotonic(), self._stood_still_s
        try:
            for batch in Crowd(10_000_000, self._rng).batches():
                if self._done.is_set() or self._enough.is_set() or time.monotonic() > ends:
                    break
                for number, when in batch.refusing:
                    self._stops.will_write(number, when)
                self._note(batch.texts)
                self._send(batch, usual, hurried)
                self._lately.append((time.time(), batch))
                next_at += len(batch.texts) / RATE + self._stood_still_s - stood_s
                stood_s = self._stood_still_s
                while not self._done.wait(min(1.0, max(0.0, next_at - time.monotonic()))):
                    self._repeat(usual, hurried)
                    if time.monotonic() >= next_at or self._enough.is_set():
                        break
            self._sent.set()
            self._samples.note_the_end()
            self._visitors.fall_silent()
            while not self._done.wait(1.0):
                self._repeat(usual, hurried)
        finally:
            self._sent.set()
            usual.close()
            hurried.close()

    def _send(self, batch: Batch, usual: Producer, hurried: Producer) -> None:
        self._until_taken(lambda: usual.send_many(batch.messages))
        self._until_taken(lambda: hurried.send_many(batch.hurried))
        if batch.campaign is not None:
            name, people = batch.campaign
            text = next(
                each.text
                for each in batch.texts
                if each.number == people[0] and each.request_id.startswith(name)
            )
            with suppress(OverBudget):
                self._until_taken(
                    lambda: usual.send_campaign(
                        text, people, sender=SENDER, campaign_id=name, budget=batch.budget
                    )
                )

    def _until_taken(self, send: Any) -> None:
        while not self._done.is_set():
            with suppress(QueueUnavailable):
                send()
                return
            self._estate.damage["sends repeated"] += 1
            self._done.wait(0.2)

    def _repeat(self, usual: Producer, hurried: Producer) -> None:
        """Send again what a primary may have forgotten that was replaced, once all know the new one."""
        for begins_at, ends_at in self._estate.forgetting[self._repeated :]:
            if time.time() < ends_at:
                return
            self._harvest.forget(begins_at - _REPEATED_S)
            self._visitors.repeat(begins_at - _REPEATED_S, ends_at)
            for at, batch in self._lately:
                if begins_at - _REPEATED_S <= at <= ends_at:
                    self._send(batch, usual, hurried)
            self._repeated += 1
        self._lately = [(at, batch) for at, batch in self._lately if at > time.time() - 120]

    # What happens meanwhile.

    def _break_and_watch(self, started: float) -> None:
        quiet, ends, next_line = 0, math.inf, 0.0
        rng = random.Random(self._rng.random())
        next_break = time.monotonic() + 15
        while quiet < 3 and time.monotonic() < ends:
            self._done.wait(1)
            now = time.monotonic()
            if now >= next_break and not self._sent.is_set():
                self._break_something(rng, now - started)
                next_break = time.monotonic() + rng.uniform(*_PAUSES_S)
            self._start_what_ended(now - started)
            if now >= next_line:
                next_line = now + 10
                with suppress(redis.RedisError):
                    quiet = quiet + 1 if self._look(now - started) else 0
            if self._sent.is_set() and ends == math.inf:
                ends = time.monotonic() + _PATIENCE_S

    def _break_something(self, rng: random.Random, seconds: float) -> None:
        rested = seconds > _UNREST * self._seconds
        try:
            self._estate.break_something(rng, only_the_first_worker=rested, still=self._still)
        except (RuntimeError, TimeoutError, redis.RedisError) as problem:
            # For the judge: what comes after it may still say something.
            self._wrong_on_the_way.append(f"after {seconds:.0f} s: {type(problem).__name__} {problem}")

    def _start_what_ended(self, seconds: float) -> None:
        for name in self._estate.crew.ended():
            self._wrong_on_the_way.append(f"{name} ended by itself after {seconds:.0f} s")
            with suppress(RuntimeError):  # it has ended again, and is started again in a second
                self._estate.crew.start(name)

    def _look(self, seconds: float) -> bool:
        """Print the balance; whether nothing waits any more."""
        counts = self._ledger.counts()
        waiting = counts["enqueued"] - sum(counts[state] for state in STATES)
        states = " + ".join(f"{state} {counts[state]}" for state in STATES)
        print(f"{seconds:5.0f} s: queued {counts['enqueued']} = {states} + waiting {waiting}", flush=True)  # noqa: T201 - a tool for the terminal
        all_repeated = self._repeated == len(self._estate.forgetting)
        over = self._sent.is_set() and waiting == 0 and self._harvest.waiting == 0 and all_repeated
        return over and self._stops.is_quiet and self._estate.is_idle()
