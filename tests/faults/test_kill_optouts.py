"""SIGKILL at every step of an opt-out, and of what leaves without somebody: nobody is texted after a STOP.

As the matrix of single sends: each case has a namespace and numbers of its own, a worker that dies at one
exact point, then a healthy one. The handsets' counts are the judge.
"""

import json
from concurrent.futures import Future
from contextlib import ExitStack

import pytest
import redis

from producers import Message, Producer, Recipient
from producers.settings import ProducerSettings
from tests.faults.test_kill_shared import CASE_S, Place, run_selected
from tests.support.doomed import CALLBACK_POINTS, REPEAT_POINTS
from tests.support.installation import ANY_HOUR, ENDS, new_id, new_number
from tests.support.keys import AllKeys
from tests.support.stop_now import stop, stop_now
from tests.support.waiting import until
from worker.sandbox.redis_server import RedisServer

TEXT, TEMPLATE = "Sale STOP au 30101", "Sale {param1} STOP au 30101"
PEOPLE = 6
#: Who of them writes STOP.
WHO = 3
#: Points at which a message to several is claimed, written anew without him, posted and recorded.
THAW_POINTS = (
    *("before:claim@1", "after:claim@1", "http:request_headers_sent@1", "http:answer_read@1"),
    *("before:finish@1", "after:finish@1"),
)
#: Points of a shared call that was surely not taken, and that is composed anew without him.
ANEW_POINTS = tuple(
    f"{side}:{script}@{run}"
    for script, run in (("compose", 4), ("compose", 6), ("claim", 2), ("finish", 2), ("end_members", 1))
    for side in ("before", "after")
)
#: Points at which a POST is in doubt for whoever comes after the kill.
DOUBT_POINTS = ("after:claim@1", "http:request_headers_sent@1", "http:answer_read@1", "before:finish@1")

CASES = [
    # An opt-out asks for no send that it answers, where all have one scope.
    *(("callback", point) for point in CALLBACK_POINTS if "correlate" not in point),
    *(("reply", point) for point in CALLBACK_POINTS),
    *(("several", point) for point in THAW_POINTS),
    *(("shared", point) for point in ANEW_POINTS),
    *(("late", point) for point in DOUBT_POINTS),
    *(("late several", point) for point in DOUBT_POINTS),
    # The second POST of an attempt: he writes STOP while nobody knows whether it may leave.
    *(("late repeat", point) for point in REPEAT_POINTS),
]


class Case:
    """Messages, one person who writes STOP, a worker that dies and one that lives."""

    def __init__(self, place: Place, kind: str, point: str) -> None:
        self.place, self.kind, self.point = place, kind, point
        self.name = f"optout-{kind}-{point}".translate(str.maketrans(" :@._", "-----"))
        self.keys = AllKeys("o" + self.name)
        self.client = redis.Redis(port=place.server.port)
        self.settings = ProducerSettings.from_env(
            {**ANY_HOUR, "REDIS_URL": place.server.url, "SMS_NAMESPACE": self.keys.namespace}
        )
        self.numbers = [new_number() for _ in range(PEOPLE)]
        self.ids = [new_id("optout") for _ in self.numbers]
        self.sms = Producer(settings=self.settings)

    @property
    def who(self) -> str:
        """The number of who writes STOP."""
        return self.numbers[WHO]

    def prepare(self) -> None:
        """Let the gateway refuse a first POST for now: of a shared call so that it was surely not taken."""
        if self.kind == "shared":
            self.place.gateway.admin.fault("429", times=1, match={"number": self.numbers[0]})
        if self.kind == "late repeat":
            self.place.gateway.admin.fault("503_before", times=1, match={"number": self.who})

    def run(self) -> None:
        """Send, let the worker die, and wait until a healthy one has done all there is to do."""
        with ExitStack() as work:
            work.callback(self.sms.close)
            self._send()
            doomed = self.place.worker(self.name, self.keys.namespace, self.point)
            work.callback(doomed.kill)
            if self.kind == "several":
                assert stop_now(self.client, self.settings, self.who)
            doomed.start()
            if self.kind == "shared":
                until(lambda: self.client.hget(self.keys.counts, "enqueued") and self._was_refused(), CASE_S)
                assert stop_now(self.client, self.settings, self.who)
            until(lambda: not doomed.is_running, CASE_S)
            assert doomed.wait() != 0, "the worker ended without passing its point"
            if self.kind.startswith("late"):
                assert stop_now(self.client, self.settings, self.who)
            healthy = self.place.worker(self.name, self.keys.namespace, None)
            work.callback(healthy.kill)
            healthy.start()
            until(self._is_over, CASE_S)

    def _send(self) -> None:
        options = {"sender": "Bistro", "purpose": "wholesale"}
        if self.kind in ("callback", "reply"):
            # What waits until long after this test: an opt-out cancels it, and nothing else ends it.
            later = {"send_at": "2100-01-01T10:00:00+01:00"}
            self.sms.send(self.who, TEXT, request_id=self.ids[WHO], **options, **later)
            self._bring(stop(self.who) if self.kind == "callback" else _reply(self.who))
        elif self.kind in ("several", "late several"):
            self.sms.send(self.numbers, TEXT, request_id=self.ids[WHO], **options)
        elif self.kind in ("late", "late repeat"):
            self.sms.send(self.who, TEXT, request_id=self.ids[WHO], **options)
        else:
            to = [Recipient(number, param1=f"{place}") for place, number in enumerate(self.numbers)]
            self.sms.send_many(
                [Message(t, TEMPLATE, request_id=i, **options) for t, i in zip(to, self.ids, strict=True)]
            )

    def _bring(self, event: dict[str, str]) -> None:
        fields = {"kind": "", "raw": json.dumps(event), "received": 1}
        self.client.hset(self.keys.callback("c"), mapping=fields)
        self.client.rpush(self.keys.queue("callbacks").ready, "c")

    def _was_refused(self) -> bool:
        requests = self.place.gateway.admin.requests()
        return any(each.fault and self.numbers[0] in each.numbers for each in requests)

    def _is_over(self) -> bool:
        sent = self.ids if self.kind == "shared" else [self.ids[WHO]]
        return {self.sms.status(each).state for each in sent} <= ENDS and all(
            self._is_idle(queue) for queue in ("alert", "marketing", "callbacks")
        )

    def _is_idle(self, queue: str) -> bool:
        names = self.keys.queue(queue)
        left = self.client.llen(names.ready) + self.client.zcard(names.delayed)
        left += self.client.zcard(names.leases) + self.client.scard(names.ending)
        return left == 0 and not list(self.client.scan_iter(f"{self.keys.prefix}gather*"))

    # What it came to.

    def shown(self) -> list[int]:
        """How often the handset of each shows it."""
        delivered = self.place.gateway.admin.delivered()
        return [sum(n for (_, to), n in delivered.items() if to == each) for each in self.numbers]

    def end(self) -> tuple[str, str | None]:
        """State and code of the message to who wrote STOP."""
        status = self.sms.status(self.ids[WHO])
        return status.state, status.code

    def told(self) -> list[tuple[str, str]]:
        """What stands on ``optouts``: how many messages it cancelled, and which."""
        entries = self.client.xrange(self.keys.stream("optouts"))
        return [(each[b"cancelled"].decode(), each[b"cancelled_ids"].decode()) for _, each in entries]

    def announced(self) -> int:
        """How often the end of the message stands on ``statuses``."""
        entries = self.client.xrange(self.keys.stream("statuses"))
        return sum(each[b"request_id"].decode() == self.ids[WHO] for _, each in entries)


def _reply(number: str) -> dict[str, str]:
    dated = {"reception_date": "2026-01-31 14:05:09", "sim_card_number": "38015"}
    return {"number": number, "text": "Stop svp", **dated}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """One server and one gateway for the whole matrix."""
    with RedisServer(tmp_path_factory.mktemp("optouts-redis"), fsync="always") as server:
        made = Place(server, tmp_path_factory.mktemp("optouts"))
        yield made
        made.gateway.stop()


@pytest.fixture(scope="module")
def results(place, request) -> dict[tuple[str, str], tuple[Future, Case]]:
    """Run the cases that were selected."""
    yield from run_selected(request, lambda kind, point: Case(place, kind, point))


def of(*kinds: str) -> pytest.MarkDecorator:
    cases = [case for case in CASES if case[0] in kinds]
    return pytest.mark.parametrize("case", cases, ids="-".join)


def finished(results: dict[tuple[str, str], tuple[Future, Case]], case: tuple[str, str]) -> Case:
    future, made = results[case]
    future.result()
    return made


@pytest.mark.timeout(600)
@of("callback", "reply")
def test_an_opt_out_and_what_it_cancels_are_published_once_and_together(case, results):
    made = finished(results, case)
    assert made.told() == [("1", made.ids[WHO])]
    assert (made.end(), made.announced()) == (("cancelled", "suppressed"), 1)
    assert made.client.hlen(made.keys.suppressed) == 1
    assert made.client.xlen(made.keys.stream("replies")) == (case[0] == "reply")


@pytest.mark.timeout(600)
@of("several", "shared")
def test_the_others_get_it_once_and_who_wrote_stop_never(case, results):
    made = finished(results, case)
    assert made.shown() == [int(place != WHO) for place in range(PEOPLE)]
    assert made.end() == (("accepted", None) if case[0] == "several" else ("cancelled", "suppressed"))


@pytest.mark.timeout(600)
@of("late", "late repeat")
def test_what_may_be_at_the_gateway_is_not_posted_again(case, results):
    made = finished(results, case)
    assert made.end() == ("unknown", "suppressed_in_doubt")
    posts = [each for each in made.place.gateway.admin.requests() if made.who in each.numbers]
    assert len(posts) <= (2 if made.point.endswith("@2") else 1)
    assert made.shown()[WHO] == len([each for each in posts if each.outcome == "accepted"])


@pytest.mark.timeout(600)
@of("late several")
def test_what_may_be_at_the_gateway_is_settled_for_the_others_with_the_same_bytes(case, results):
    made = finished(results, case)
    posts = [each for each in made.place.gateway.admin.requests() if made.who in each.numbers]
    assert made.shown() == [1] * PEOPLE
    assert len({each.sha256 for each in posts if each.sha256}) == 1
    assert made.client.hget(made.keys.counts, "optout_race") == b"1"
