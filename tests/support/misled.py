"""A real worker with a gateway that misleads it, judged by the handsets.

    with Misled(data_dir) as misled:
        [case] = misled.run([Scenario("alone", (Step(True, "said", 500, 500, body_of(500)),))])
        assert case.wrong == []

All scenarios of a run are under way together, each with numbers, ids and a marker in its text of its own.
"""

import itertools
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

import redis

from producers import Message, Recipient
from tests.support.installation import ENDS, Installation, new_id, new_number
from tests.support.misleading import STEP, Scenario, draw_scenario, smaller
from tests.support.passing_time import PassingTime
from worker.account.gates import Gates
from worker.account.throttle import Throttle
from worker.sandbox.redis_server import RedisServer
from worker.sandbox.simulator.journal import RequestRecord

#: Recipients of a shared call, or of a slice.
MEMBERS = 5
#: Calls that a step may meet if it refuses them for good: they come in ever smaller parts.
PARTS = 12
#: How long the worker waits for an answer: one that comes on a loaded machine must be heard.
READ_TIMEOUT_S = "3"
#: Ends that promise that no handset shows the text.
NEVER_SHOWN = frozenset({"rejected", "expired", "cancelled", "failed"})
#: Seconds in which everything must have ended; time passes faster for what waits.
PATIENCE_S = 90.0

_markers = itertools.count(1)


@dataclass
class Case:
    """A scenario under way.

    Attributes:
        scenario: what the gateway does.
        marker: part of its text, which no other case has.
        ids: its request_ids.
        numbers: of each of them, whom it goes to.
        states: of each of them, as it was seen last.
        shown: how often which handset shows it.
        wrong: what it came to that it never may.
    """

    scenario: Scenario
    marker: str
    ids: list[str]
    numbers: list[list[str]]
    states: list[str] = field(default_factory=list)
    shown: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def recipients(self) -> set[str]:
        """Everybody it goes to."""
        return set(itertools.chain.from_iterable(self.numbers))

    def __str__(self) -> str:
        ends = ", ".join(f"{state} {count}" for state, count in Counter(self.states).items())
        return f"{'; '.join(self.wrong) or 'well'}\n{self.scenario}\n  ended: {ends}"


class Misled:
    """Redis that keeps every write, gateway and one worker.

    Args:
        data_dir: for logs and the server's files.
    """

    def __init__(self, data_dir: Path) -> None:
        self._exit = ExitStack()
        self._data_dir = data_dir

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            # Messages share calls only where no write can be lost.
            server = starting.enter_context(RedisServer(self._data_dir / "redis", fsync="always"))
            made = Installation(self._data_dir, server.url, OCTOPUSH_READ_TIMEOUT_S=READ_TIMEOUT_S)
            self.installation = starting.enter_context(made)
            self.redis = starting.enter_context(redis.Redis(port=server.port))
            self.time = PassingTime(self.redis, made.keys)
            starting.enter_context(self.time)
            made.gateway.balance(1e9)
            self._throttle = Throttle(self.redis, made.keys)
            self._gates = Gates(self.redis, made.keys)
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def run(
        self,
        scenarios: Sequence[Scenario],
        *,
        duplicate_code: int = 120,
        kills: int = 0,
        rng: random.Random | None = None,
    ) -> list[Case]:
        """Play scenarios together and judge what they came to.

        Args:
            scenarios: what the gateway does.
            duplicate_code: what it calls a repeated id.
            kills: how often the worker is killed on the way.
            rng: decides when.
        """
        gateway, rng = self.installation.gateway, rng or random.Random(0)
        gateway.clear_faults()
        gateway.settings(duplicate_code=duplicate_code)
        cases = [self._prepared(scenario) for scenario in scenarios]
        before = len(gateway.requests())
        for case in cases:
            self._send(case)
        for case in cases:
            if case.scenario.cancels:
                self.installation.producer.cancel(case.ids[0])
        for _ in range(kills):
            time.sleep(rng.uniform(0.05, 1.5))  # a kill comes at any moment
            self._kill()
        self._wait(cases)
        requests, shown = gateway.requests()[before:], gateway.delivered_texts()
        for case in cases:
            case.shown.update({to: times for (to, text), times in shown.items() if case.marker in text})
            case.wrong = [*_judged(case, requests, killed=kills > 0), *_given_up(case, requests)]
        return cases

    def smallest(self, case: Case) -> Case:
        """Play ever smaller scenarios, alone, as long as they go wrong as well; return the last that did."""
        for scenario in smaller(case.scenario):
            [again] = self.run([scenario])
            if again.wrong:
                return self.smallest(again)
        return case

    def _prepared(self, scenario: Scenario) -> Case:
        marker = f"m{next(_markers)}x"
        match = {"text_contains": marker}
        part = {"serves": scenario.serves, "tells_contacts": scenario.tells}
        for number, step in enumerate(scenario.steps, 1):
            fault = step.fault(number) | part
            times = PARTS if step.refuses_for_good else 1
            self.installation.gateway.fault(None, times=times, match=match, **fault)
        if scenario.serves < 1:
            self.installation.gateway.fault(None, match=match, label="rest", **part)
        if scenario.kind == "shared":
            numbers = [[new_number()] for _ in range(MEMBERS)]
            return Case(scenario, marker, [new_id("misled") for _ in numbers], numbers)
        count = 1 if scenario.kind == "alone" else MEMBERS
        name = new_id("c")[:20]
        request_id = name if scenario.kind == "alone" else f"{name}.0"
        return Case(scenario, marker, [request_id], [[new_number() for _ in range(count)]])

    def _send(self, case: Case) -> None:
        producer, scenario = self.installation.producer, case.scenario
        options: dict[str, Any] = {"sender": "Bistro", "purpose": "alert"}
        options["ttl"] = None if scenario.ttl_s is None else timedelta(seconds=scenario.ttl_s)
        text = f"Code {{param1}} {case.marker}"
        to = [[Recipient(each, param1=each[-4:]) for each in numbers] for numbers in case.numbers]
        if scenario.kind == "campaign":
            campaign = case.ids[0].removesuffix(".0")
            producer.send_campaign(text, to[0], campaign_id=campaign, **options)
        else:
            ids = case.ids
            producer.send_many(
                [Message(t, text, request_id=i, **options) for t, i in zip(to, ids, strict=True)]
            )

    def _kill(self) -> None:
        worker = self.installation.worker
        worker.kill()
        self.time.lose_workers()
        worker.start()

    def _wait(self, cases: Sequence[Case]) -> None:
        """Wait until all have ended; an operator releases what only an operator may."""
        deadline = time.monotonic() + PATIENCE_S
        while not self._all_ended(cases) and time.monotonic() < deadline:
            if self._throttle.current_hold() is not None:
                self._throttle.release("tester")
            for gate in self._gates.current():
                self._gates.open(gate.name, "tester")
            time.sleep(0.1)

    def _all_ended(self, cases: Sequence[Case]) -> bool:
        with self.redis.pipeline(transaction=False) as pipeline:
            for case in cases:
                for request_id in case.ids:
                    pipeline.hget(self.installation.keys.record(request_id), "state")
            found = iter([(state or b"gone").decode() for state in pipeline.execute()])
        for case in cases:
            case.states = [next(found) for _ in case.ids]
        return all(state in ENDS for case in cases for state in case.states)


def _judged(case: Case, requests: Sequence[RequestRecord], *, killed: bool) -> list[str]:
    """Compare what the ledger says with what the handsets show."""
    wrong, played = [], as_played(case, requests)
    if twice := sum(times > 1 for times in case.shown.values()):
        wrong.append(f"{twice} handsets show it twice")
    for state, numbers in zip(case.states, case.numbers, strict=True):
        seen = sum(case.shown[number] > 0 for number in numbers)
        if state not in ENDS:
            wrong.append(f"stuck: {state}")
        if state in NEVER_SHOWN and seen:
            wrong.append(f"{state}, but shown")
        may_be_unshown = case.scenario.may_be_unshown(killed=killed)
        if state == "accepted" and seen < len(numbers) and not may_be_unshown:
            wrong.append("accepted, but not shown")
        if state == "unknown" and not played.may_be_unknown(killed=killed):
            wrong.append("unknown, though the answers left no doubt")
    return sorted(set(wrong))


def as_played(case: Case, requests: Sequence[RequestRecord]) -> Scenario:
    """Leave out the steps that nobody came to: on a busy machine a time to live ends before them."""
    steps = [_step(each) for each in requests if set(each.numbers) & case.recipients]
    return replace(case.scenario, steps=case.scenario.steps[: max(steps, default=0)])


def _given_up(case: Case, requests: Sequence[RequestRecord]) -> list[str]:
    """Find an id that was given up for another although a POST under it may have been taken.

    A handset need not have seen anything of it: had the gateway taken the call, it would have.
    """
    unproven: dict[str, set[str]] = {}
    for record in requests:
        numbers, name = set(record.numbers), record.request_id or ""
        if not numbers & case.recipients:
            continue
        if any(other != name and theirs & numbers for other, theirs in unproven.items()):
            return ["a fresh id after an answer that was no proof"]
        if not _proves(case.scenario, record):
            unproven[name] = numbers
    return []


def _proves(scenario: Scenario, record: RequestRecord) -> bool:
    """Whether the answer to a POST proves that it was not taken."""
    step = _step(record)
    return step > 0 and scenario.steps[step - 1].is_proof


def _step(record: RequestRecord) -> int:
    """Tell which step of its scenario a POST met, from 1; 0 behind the last one."""
    fault = record.fault or ""
    return int(fault.removeprefix(STEP)) if fault.startswith(STEP) else 0


class Found(NamedTuple):
    """What a long game came to.

    Attributes:
        played: scenarios so far.
        wrong: the first case that went wrong, in its smallest form; None if all was well.
    """

    played: int
    wrong: Case | None


def play(data_dir: Path, *, seconds: float, seed: int, at_once: int = 50) -> Found:
    """Draw scenarios and play them, many at once and with kills, until time is up or one goes wrong.

    The same seed draws the same scenarios; when kills strike depends on the machine.
    """
    rng, played, ends = random.Random(seed), 0, time.monotonic() + seconds
    with Misled(data_dir) as misled:
        while time.monotonic() < ends:
            scenarios = [draw_scenario(rng) for _ in range(at_once)]
            code, kills = rng.choice((120, 182)), rng.choice((0, 1, 2))
            cases = misled.run(scenarios, duplicate_code=code, kills=kills, rng=rng)
            played += len(cases)
            if wrong := [case for case in cases if case.wrong]:
                return Found(played, misled.smallest(wrong[0]))
    return Found(played, None)
