"""Opt-outs, erasures and money at once: whatever is done in whatever order, the books of Redis agree.

People are texted alone, in shared calls, together and in a campaign; they write STOP, and are erased; money
runs out and comes back; a worker claims, gets every kind of answer, or dies; somebody pauses, cancels, sends
again. After each step what is counted must be what the records say, and the records what the bodies say.
"""

from collections import Counter
from contextlib import suppress
from typing import Any

import msgspec
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from producers import CampaignCancelled, OverBudget, RequestIdConflict
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.queueing import chunks
from producers.settings import ProducerSettings
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.marketing import Marketing
from tests.support.pseudonyms import pseudonyms
from tests.support.random_model import run_model
from tests.support.spending import DAY, budgets
from tests.support.stoppable import listed
from tests.support.template_sends import number
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.operator.decisions import Decisions
from worker.operator.money_decisions import set_budget
from worker.person.erasing import Erasure
from worker.person.named import Person

PEOPLE = 4
WHO = st.integers(0, PEOPLE - 1)
UNDER_WAY, PARKED = {"queued", "sending"}, {"rejected", "failed", "unknown"}
ENDS = {"accepted", "expired", "cancelled", *PARKED}
OUTCOMES = {
    "accepted": Accepted(None, cost="0.07"),
    "refused": Refused("121"),
    "of_one": Refused("103"),
    "later": Deferred("429"),
    "lost": Unknown("read_timeout"),
}


class World(RuleBasedStateMachine):
    """One account, one campaign, one worker."""

    server_url: str

    @initialize()
    def begin(self) -> None:
        self.redis = redis.Redis.from_url(self.server_url)
        self.redis.flushall()
        self.redis.hset(KEYS.prices, "sms_premium:33", "0.05")
        self.market = Marketing(self.redis, self.server_url, budget_day="1000")
        self.hand = HandWorker(self.redis, queue="marketing", budgets=budgets(budget_day="0.3"))
        self.claims: list[Any] = []
        self.taken: set[str] = set()
        self.stopped: set[str] = set()
        self.open: dict[str, bytes] = {}
        self.sent = 0

    @rule(who=WHO, shared=st.booleans())
    def send_one(self, who: int, shared: bool) -> None:
        self.sent += 1
        self.market.send(who, f"m{self.sent}", shared=shared)

    @rule(first=st.integers(0, PEOPLE - 2))
    def send_several(self, first: int) -> None:
        self.sent += 1
        self.market.send(range(first, PEOPLE), f"m{self.sent}")

    @rule(people=st.integers(1, PEOPLE), budget=st.sampled_from([None, "0.12", "5"]))
    def run_campaign(self, people: int, budget: str | None) -> None:
        whom = [number(each) for each in range(people)]
        with suppress(OverBudget, CampaignCancelled, RequestIdConflict):
            self.market.sms.send_campaign(
                "Promo STOP au 30101", whom, campaign_id="c", sender="Bistro", budget=budget
            )

    @rule(how=st.sampled_from(["pause_campaign", "resume_campaign", "resume_campaign", "cancel_campaign"]))
    def decide(self, how: str) -> None:
        getattr(self.market.sms, how)("c")

    @rule(who=WHO)
    def stop(self, who: int) -> None:
        self.market.stop(who)
        self.stopped.add(number(who))

    @rule(who=WHO)
    def erase(self, who: int) -> None:
        person = Person(number(who), pseudonyms(self.redis).all_of(number(who)))
        Erasure(self.redis, RedisSettings(), person, "ben", None).run()
        self.stopped.add(number(who))

    @rule(limit=st.sampled_from(["100000", "400000", "default"]))
    def set_limit(self, limit: str) -> None:
        drive(set_budget(KEYS, "account", limit, "ops"), self.redis)

    @rule()
    def time_passes(self) -> None:
        delayed = self.redis.zrange(self.hand.names.delayed, 0, -1)
        if delayed:
            self.redis.zadd(self.hand.names.delayed, dict.fromkeys(delayed, 1))

    @rule()
    def take(self) -> None:
        for claim in self.hand.take():
            body = self.open.get(gateway_id(claim))
            assert body in (None, claim.body), "what may be at the gateway has changed"
            assert body or not self.stopped.intersection(numbers_of(claim)), "a first POST to who wants none"
            self.claims.append(claim)

    @rule(how=st.sampled_from([*OUTCOMES, "dies"]), arrives=st.booleans())
    def answer(self, how: str, arrives: bool) -> None:
        if not self.claims:
            return
        claim = self.claims.pop(0)
        name = gateway_id(claim)
        if how in {"lost", "dies", "accepted"}:
            self.open[name] = claim.body
        if how == "dies":
            self.hand.lose(claim)
        elif name in self.taken:
            self.hand.finish(claim, OUTCOMES["lost"] if how == "lost" else Duplicate("120"))
        else:
            self.hand.finish(claim, OUTCOMES[how])
        if how == "accepted" or (arrives and how in {"lost", "dies"}):
            self.taken.add(name)

    @rule()
    def send_again(self) -> None:
        for request_id in map(bytes.decode, self.redis.zrange(KEYS.parked, 0, 0)):
            decisions = Decisions(ProducerSettings(), "ops")
            if drive(decisions.replay(request_id), self.redis) is not None:
                drive(decisions.resolve(request_id, "send-again"), self.redis)

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "redis"):
            records = self.records()
            self.money_is_reserved_for_what_has_not_ended(records)
            self.what_is_held_is_counted(records)
            self.records_are_as_large_as_their_bodies(records)
            self.the_campaign_counts_everybody_once(records)

    def records(self) -> dict[str, dict[str, str]]:
        start = len(KEYS.record(""))
        return {key.decode()[start:]: self.fields(key) for key in self.redis.scan_iter(KEYS.record("*"))}

    def fields(self, key: bytes | str) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.redis.hgetall(key).items()}

    def money_is_reserved_for_what_has_not_ended(self, records: dict[str, dict[str, str]]) -> None:
        charged = [each for each in records.values() if "charged" in each]
        assert {each["state"] for each in charged} <= {"sending"}
        reserved = int(self.fields(KEYS.spend("account", DAY)).get("reserved", 0))
        assert reserved == sum(int(each["estimate"]) for each in charged)
        open_slices = [
            int(each["estimate"])
            for each in records.values()
            if each.get("campaign") and each["state"] in UNDER_WAY | {"unknown"}
        ]
        assert int(self.fields(KEYS.campaign("c")).get("reserved", 0)) == sum(open_slices)

    def what_is_held_is_counted(self, records: dict[str, dict[str, str]]) -> None:
        held = [each for each in records.values() if "held" in each]
        counted = Counter(f"{each['held']}:{each['held_until']}:{each['zones']}" for each in held)
        assert self.fields(KEYS.held) == {name: str(count) for name, count in counted.items()}
        aside = {name for name, each in records.items() if "aside" in each}
        assert {each.decode() for each in self.redis.zrange(KEYS.aside("budget"), 0, -1)} == aside
        assert all(records[name]["state"] == "queued" for name in aside)
        for member in listed(self.redis):
            assert records[member.partition(" ")[2]]["state"] in UNDER_WAY

    def records_are_as_large_as_their_bodies(self, records: dict[str, dict[str, str]]) -> None:
        for name, record in records.items():
            body: Any = self.redis.get(KEYS.body(name))
            if name.startswith("@") or body is None or "erase" in record:
                continue
            to = msgspec.json.decode(body)["recipients"]
            assert len(to) == int(record.get("recipients", 1)) == len(record["to"].split()), record

    def the_campaign_counts_everybody_once(self, records: dict[str, dict[str, str]]) -> None:
        campaign = self.fields(KEYS.campaign("c"))
        slices = [each for each in records.values() if each.get("campaign") and each["state"] in UNDER_WAY]
        ended = sum(int(campaign.get(state, 0)) for state in ENDS)
        under_way = sum(int(each.get("recipients", 1)) for each in slices)
        assert int(campaign.get("recipients", 0)) == ended + under_way

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.all_of_it_ends()
            self.market.sms.close()
            self.redis.close()

    def all_of_it_ends(self) -> None:
        """Nothing is lost, nothing is held for ever, and nothing is left of what was held."""
        drive(set_budget(KEYS, "account", "0", "ops"), self.redis)
        self.market.sms.resume_campaign("c")
        for claim in self.claims:
            self.open[gateway_id(claim)] = claim.body
            self.hand.lose(claim)
        self.claims.clear()
        for _ in range(20):
            self.time_passes()
            self.take()
            while self.claims:
                self.answer("accepted", arrives=True)
            self.the_books_agree()
            if self.hand.is_idle():
                break
        assert self.hand.left() == []
        assert {each["state"] for each in self.records().values()} <= ENDS | {"split"}
        assert listed(self.redis) == []
        assert not self.redis.exists(KEYS.held, KEYS.aside("budget"))


def test_the_books_agree_whatever_meets_whatever(redis_server, monkeypatch):
    monkeypatch.setattr(chunks, "SLICE", 2)
    machine = type("Here", (World,), {"server_url": redis_server.url})
    run_model(machine, examples=8, steps=20)
