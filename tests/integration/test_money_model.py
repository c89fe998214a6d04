"""Whatever becomes of sends: reserved is what has not ended by its estimate, spent is what was booked.

Two workers of each queue; messages to one, to several and in shared calls, of two applications; campaigns
whose slices lie in two zones. Claims end in all ways there are, workers die, people write STOP, cancel, erase
and send again. After each step the purses of the day, of the applications and of the campaigns are compared
with the records; and nothing that waits for money was claimed beyond a limit.
"""

import dataclasses
from collections import Counter
from typing import Any

import redis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from producers import Producer, Recipient
from producers.contract.steps import drive
from producers.errors import CampaignCancelled, OverBudget, RequestIdConflict
from producers.queueing import chunks
from producers.rules.money import MICRO
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import CallbacksByHand
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.money_books import Books
from tests.support.pseudonyms import pseudonyms
from tests.support.random_model import run_model
from tests.support.spending import budgets
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.ledger.claims import Claim
from worker.operator.decisions import Decisions
from worker.operator.money_decisions import set_budget
from worker.operator.suppressions import Suppressions
from worker.person.erasing import Erasure, Rewrite
from worker.person.named import Person
from worker.queue.entries import is_call

#: Euros of a day, of an application, of all alerts, and of a segment in the mainland and on the island.
LIMIT, APP, HARD = 0.6, 0.3, 0.9
FRENCH, ISLAND = 0.05, 0.08
PEOPLE = [f"+3361234560{n}" for n in range(4)] + [f"+26269212345{n}" for n in range(2)]
TEXT = "Hi STOP au 30101"
COUNTED = ProducerSettings(
    marketing_hours_fr="off",
    marketing_hours_other="off",
    budget_day="1",
    number_alerts_per_hour=0,
    number_alerts_per_day=0,
    prefix_per_hour=0,
)
NOT_COUNTED = dataclasses.replace(COUNTED, budget_day="0")
OUTCOMES = (
    Accepted("t", cost="0.07"),
    Accepted("t"),
    Accepted("t", cost="0.05", contacts=1),
    Refused("110"),
    Refused("181"),
    Deferred("500", proven=True),
    Deferred("500", proven=False),
    Duplicate("109"),
    Unknown("socket_timeout_error"),
)
WHO = st.integers(0, len(PEOPLE) - 1)
NAMED = st.integers(0, 30)
#: How many of them may be erased.
ERASED = 2


class Erasing(Erasure):
    """Erases, and leaves the append-only file alone: to write it anew takes long."""

    def _rewrite(self) -> Rewrite:
        return "none"


def delivered(ticket: str, number: str, second: int) -> dict[str, str]:
    """Write a receipt; its second tells it from others."""
    date = f"2026-01-31 14:{second // 60:02}:{second % 60:02}"
    return {"message_id": ticket, "number": number, "status": "DELIVERED", "delivery_date": date}


class Money(RuleBasedStateMachine):
    """Two workers of each queue of one account, whose claims end in all ways there are."""

    client: redis.Redis
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.client.hset(KEYS.prices, mapping={"sms_premium:33": FRENCH, "sms_premium:262": ISLAND})
        self.sms = [
            Producer(client=self.client, settings=dataclasses.replace(COUNTED, app=app))
            for app in ("", "shop")
        ]
        self.careless = Producer(client=self.client, settings=NOT_COUNTED)
        chosen = budgets(
            budget_day=str(LIMIT), budget_app_day=str(APP), budget_hard_day=str(HARD), budget_alerts="warn"
        )
        self.workers = [
            HandWorker(self.client, queue=queue, budgets=chosen)
            for queue in ("marketing", "alert")
            for _ in range(2)
        ]
        self.callbacks = CallbacksByHand(self.client, self.workers[0].ledger)
        self.decisions = Decisions(ProducerSettings(), "ops")
        self.suppressions = Suppressions(ProducerSettings(), "ops")
        self.claims: list[tuple[HandWorker, Claim]] = []
        self.names: list[str] = []
        self.people: dict[str, list[str]] = {}
        self.books = Books(self.client)
        self.tickets = self.dates = 0

    @initialize(app=st.integers(0, 1))
    def begin(self, app: int) -> None:
        """Let there be something to do."""
        self.send(1, "alert", app)
        self.send(3, "wholesale", app)
        self.send_shared(3, app)
        self.send_campaign(0, [0, 4, 1, 2], "1", counts=True)

    def name(self) -> str:
        self.names.append(f"m{len(self.names)}")
        return self.names[-1]

    def teardown(self) -> None:
        for sms in (*self.sms, self.careless):
            sms.close()

    @rule(people=st.integers(1, 4), purpose=st.sampled_from(["wholesale", "alert"]), app=st.integers(0, 1))
    def send(self, people: int, purpose: str, app: int) -> None:
        """Queue a message to some people of the mainland."""
        self.sms[app].send(PEOPLE[:people], TEXT, sender="Bistro", purpose=purpose, request_id=self.name())

    @rule(people=st.integers(1, 4), app=st.integers(0, 2))
    def send_shared(self, people: int, app: int) -> None:
        """Queue messages that may leave in one call, by an application that counts or does not."""
        for number in PEOPLE[:people]:
            [*self.sms, self.careless][app].send(
                Recipient(number, param1="Zoe"),
                "Hi {param1} STOP au 30101",
                sender="Bistro",
                request_id=self.name(),
            )

    @rule(
        which=st.integers(0, 1),
        people=st.lists(WHO, min_size=1, max_size=6, unique=True),
        budget=st.sampled_from([None, "0.2", "0.4", "1"]),
        counts=st.booleans(),
    )
    def send_campaign(self, which: int, people: list[int], budget: str | None, counts: bool) -> None:
        """Run a campaign, or a part of it again, or another list under its name."""
        name = f"spring{which}"
        whom = self.people.setdefault(name, [PEOPLE[each] for each in people])
        try:
            sms = self.sms[0] if counts else self.careless
            sms.send_campaign(TEXT, whom, campaign_id=name, sender="Bistro", budget=budget)
        except (OverBudget, CampaignCancelled, RequestIdConflict):
            return
        finally:
            slices = Counter(each.split(".")[1] for each in self.queued(name))
            self.names += [each for each in self.queued(name) if each not in self.names]
            for number in range((len(whom) + chunks.SLICE - 1) // chunks.SLICE):
                some = whom[chunks.SLICE * number : chunks.SLICE * (number + 1)]
                zones = {each[:4] == "+262" for each in some}
                assert slices[str(number)] in (0, len(zones)), "a slice is queued whole or not at all"

    def queued(self, campaign: str) -> list[str]:
        head = KEYS.record(campaign + ".")
        found = sorted(self.client.scan_iter(head + "*"))
        return [each.decode().removeprefix(KEYS.record("")) for each in found]

    @rule(which=st.integers(0, 3))
    def claim(self, which: int) -> None:
        """Let one worker claim what there is. What waits for money is never claimed beyond a limit."""
        worker = self.workers[which]
        self.claims += [(worker, claim) for claim in worker.take()]
        self.books.look()
        new = [self.books.records[name] for name in self.books.fresh]
        alerts = worker.queue == "alert"
        in_doubt = any("doubt" in each for each in new)
        if new and not in_doubt:
            assert sum(self.books.purse("account")) <= (HARD if alerts else LIMIT) * MICRO
        if not alerts and not in_doubt and any("app" in each for each in new):
            assert sum(self.books.purse("app:shop")) <= APP * MICRO

    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4))
    def work(self, outcomes: list[Any]) -> None:
        """Let the workers claim what there is, and the oldest claims end."""
        for which in range(len(self.workers)):
            self.claim(which)
        for outcome in outcomes[: len(self.claims)]:
            worker, claim = self.claims.pop(0)
            worker.finish(claim, self.told(claim, outcome))
            self.books.look()

    def told(self, claim: Claim, outcome: Any) -> Any:
        """Give an answer a ticket of its own; only a call may be taken for fewer people."""
        if not isinstance(outcome, Accepted):
            return outcome
        self.tickets += 1
        contacts = outcome.contacts if is_call(claim.entry.id) else None
        return dataclasses.replace(outcome, ticket=f"sms_{self.tickets}", contacts=contacts)

    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4))
    def work_more(self, outcomes: list[Any]) -> None:
        """Work happens more often than anything else."""
        self.work(outcomes)

    @precondition(lambda self: self.claims)
    @rule(which=NAMED, gives_back=st.booleans())
    def lose(self, which: int, gives_back: bool) -> None:
        """Let a worker die in an attempt, or give back a call that Redis might forget."""
        worker, claim = self.claims.pop(which % len(self.claims))
        if gives_back and is_call(claim.entry.id):
            worker.ledger._give_back_call(dataclasses.replace(claim, in_doubt=False), unsure=False)
            worker.lose_entry(claim.entry)
        else:
            worker.lose(claim)

    @rule(
        which=NAMED,
        how=st.sampled_from(
            ["cancel", "replay", "as-accepted", "send-again", "campaign", "limit", "no limit"]
        ),
    )
    def decide(self, which: int, how: str) -> None:
        """Let a person decide about a message, or about a campaign."""
        name, campaign = self.names[which % len(self.names)], f"spring{which % 2}"
        if how == "cancel":
            self.sms[0].cancel(name)
        elif how == "campaign":
            self.sms[0].cancel_campaign(campaign)
        elif "limit" in how:
            euros = "0" if how == "no limit" else str(MICRO // 2)
            drive(set_budget(KEYS, f"campaign:{campaign}", euros, "ops"), self.client)
        elif how == "replay":
            drive(self.decisions.replay(name), self.client)
        else:
            drive(self.decisions.resolve(name, how), self.client)

    @rule(who=WHO, how=st.sampled_from(["suppress", "lift", "erase"]))
    def object(self, who: int, how: str) -> None:
        """Let somebody want no more SMS, want them again, or be erased."""
        number = PEOPLE[who]
        if how == "suppress":
            drive(self.suppressions.add(number, "asked"), self.client)
        elif how == "lift":
            drive(self.suppressions.lift(number, "asked"), self.client)
        elif who < ERASED:
            person = Person(number, pseudonyms(self.client).all_of(number))
            Erasing(self.client, ProducerSettings(), person, "ops", None).run()

    @rule(which=NAMED, place=st.integers(0, 3), euros=st.sampled_from(["0", "0.03", "0.0612345", "39"]))
    def tell(self, which: int, place: int, euros: str) -> None:
        """Let a receipt name what a segment has cost, in a unit that may be another one, or prove a send."""
        name = self.names[which % len(self.names)]
        record = self.books.records.get(name, {})
        to = record.get("to", "").split()
        self.dates += 1
        if "ticket" not in record or not to:
            ticket = f"sms_{self.dates:013x}"
            self.callbacks.bring(delivered(ticket, PEOPLE[which % len(PEOPLE)], self.dates))
            return
        if euros != "39":
            self.books.correct(name, place % len(to), euros)
        known = pseudonyms(self.client)
        [number] = [each for each in PEOPLE if known.of(each) == to[place % len(to)]]
        self.callbacks.bring(delivered(record["ticket"], number, self.dates) | {"unit_price": euros})

    @invariant()
    def sums(self) -> None:
        """Reserved is what has not ended, and spent is what was booked."""
        self.books.look()
        for scope in ("account", "app:shop", "campaign:spring0", "campaign:spring1"):
            reserved, spent = self.books.purse(scope)
            assert reserved == self.books.reserved(scope) >= 0, scope
            assert spent == self.books.spent[scope], scope


def test_purses_hold_what_the_records_say_and_two_workers_never_overspend(
    redis_client, redis_url, monkeypatch
):
    monkeypatch.setattr(chunks, "SLICE", 2)
    machine = type("MoneyHere", (Money,), {"client": redis_client, "url": redis_url})
    run_model(machine, examples=10, steps=20)
