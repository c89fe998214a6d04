"""Opt-outs against a plain model of the world: no first POST holds a number whose opt-out was processed.

The world sends marketing alone, in shared calls and to several at once, now or later; people write STOP and
START; a worker fetches, composes, claims, gets every kind of answer, or dies. Judged is what would be POSTed:
a request_id that was never posted before goes to nobody who is suppressed, one that may be at the gateway
keeps its bytes, and what waits for one person only, who is suppressed, is over.
"""

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support.hand_worker import gateway_id, numbers_of
from tests.support.marketing import Marketing
from tests.support.random_model import run_model
from tests.support.template_sends import number
from worker.gateway.outcomes import Accepted, Deferred, Refused, Unknown

PEOPLE = st.integers(0, 3)
OUTCOMES = {
    "accepted": Accepted("sms_1"),
    "later": Deferred("500"),
    "refused": Refused("103"),
    "unknown": Unknown("read_timeout"),
}


class World(RuleBasedStateMachine):
    """Four people, one worker, one Redis."""

    server_url: str

    @initialize()
    def begin(self):
        self.redis = redis.Redis.from_url(self.server_url)
        self.redis.flushall()
        self.market = Marketing(self.redis, self.server_url)
        self.stopped: set[int] = set()
        #: Bytes that may be at the gateway, by their name there.
        self.open: dict[str, bytes] = {}
        self.batch = None
        self.claims: list = []
        self.alone: dict[str, int] = {}
        self.seconds = 0

    def teardown(self):
        if hasattr(self, "market"):
            self.market.sms.close()
            self.redis.close()

    def dated(self) -> str:
        self.seconds += 1
        return f"2026-01-31 14:{self.seconds // 60:02}:{self.seconds % 60:02}"

    @rule(who=PEOPLE, shared=st.booleans(), later=st.booleans())
    def send_one(self, who, shared, later):
        request_id = f"m{len(self.alone)}"
        options = {"send_at": "2100-01-01T10:00:00+01:00"} if later else {}
        self.market.send(who, request_id, shared=shared, **options)
        self.alone[request_id] = who

    @rule(first=st.integers(0, 2))
    def send_several(self, first):
        self.seconds += 1
        self.market.send(range(first, 4), f"s{self.seconds}")

    @rule(who=PEOPLE, by_reply=st.booleans())
    def stop(self, who, by_reply):
        if by_reply:
            self.market.write(who, "Stop svp", reception_date=self.dated())
        else:
            self.market.stop(who, stop_date=self.dated())
        self.stopped.add(who)
        self.nothing_waits_for(who)

    @rule(who=PEOPLE)
    def start(self, who):
        self.market.write(who, "START", reception_date=self.dated())
        self.stopped.discard(who)

    @rule()
    def fetch(self):
        self.batch = self.batch or self.market.hand.fetch()

    @rule()
    def compose(self):
        if self.batch:
            self.market.hand.ledger.compose(self.batch)

    @rule()
    def claim(self):
        claims = self.market.hand.claim(self.batch) if self.batch else []
        self.batch = None
        for claim in claims:
            self.judge(claim)
        self.claims += claims

    @rule(outcome=st.sampled_from([*OUTCOMES, "dies"]))
    def answer(self, outcome):
        if not self.claims:
            return
        claim = self.claims.pop(0)
        if outcome == "dies":
            self.open[gateway_id(claim)] = claim.body
            self.market.hand.lose(claim)
            return
        if outcome == "unknown":
            self.open[gateway_id(claim)] = claim.body
        self.market.hand.finish(claim, OUTCOMES[outcome])

    def judge(self, claim):
        body, to = self.open.get(gateway_id(claim)), set(numbers_of(claim))
        stopped = {number(who) for who in self.stopped}
        assert body in (None, claim.body), "what may be at the gateway has changed"
        if body is None:
            to = set(numbers_of(claim))
            assert not to & {number(who) for who in self.stopped}, (
                "a first POST to somebody who wants no more"
            )
        else:
            assert len(to) > 1 or not to & stopped, "another POST to somebody who wants no more"

    def nothing_waits_for(self, who):
        for request_id, each in self.alone.items():
            status = self.market.sms.status(request_id)
            assert (
                each != who
                or status.state != "queued"
                or self.redis.hget(f"{{sms}}:record:{request_id}", "call")
            ), "it waits still"


def test_no_first_post_holds_a_number_whose_opt_out_was_processed(redis_server):
    class Here(World):
        server_url = redis_server.url

    run_model(Here, examples=40, steps=25)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("before", [True, False])
def test_a_stop_twice_or_before_its_send_comes_to_the_same(redis_client, redis_url, times, before):
    market = Marketing(redis_client, redis_url)
    for step in ("stop", "send") if before else ("send", "stop"):
        for _ in range(times if step == "stop" else 1):
            market.stop(0) if step == "stop" else market.send(0, "a")

    assert market.state("a") == ("cancelled", "suppressed")
    assert market.hand.take() == []
    market.sms.close()
