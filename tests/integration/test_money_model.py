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
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from producers import Producer, Recipient
from producers.contract.steps import drive
from producers.errors import CampaignCancelled, OverBudget, RequestIdConflict
from producers.queueing import campaigns
from producers.rules.money import MICRO
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import CallbacksByHand
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.money_books import Books
from tests.support.pseudonyms import pseudonyms
from tests.support.spending import budgets
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.ledger.claims import Claim
from worker.operator.decisions import Decisions
from worker.operator.money_decisions import set_budget
from worker.operator.suppressions import Suppressions
from worker.person.erasing import Erasure
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
            for number in range((len(whom) + campaigns.SLICE - 1) // campaigns.SLICE):
                some = whom[campaigns.SLICE * number : campaigns.SLICE * (number + 1)]
                zones = {each[:4] == "+262" for each in some}
                assert slices[str(number)] in (0, len(zones)), "a slice is queued whole or not at all"

    def queued(self, campaign: str) -> list[str]:
        head = KEYS.record(campaign + ".")
        found = sorted(self.client.scan_iter(head + "*"))
        return [each.decode().removeprefix(KEYS.record("")) for each in found]

    @rule(which=st.integers(0, 1), limit=st.sampled_from(["default", "0", "500000"]))
    def set_campaign_budget(self, which: int, limit: str) -> None:
        """Let an operator change what a campaign may cost."""
        drive(set_budget(KEYS, f"campaign:spring{which}", limit, "ops"), self.client)

    @rule(which=st.integers(0, 1))
    def cancel_campaign(self, which: int) -> None:
        """Cancel what has not left of a campaign."""
        self.sms[0].cancel_campaign(f"spring{which}")

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

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def finish(self, data: Any, outcome: Any) -> None:
        """Let a claim end."""
        worker, claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        if isinstance(outcome, Accepted):
            self.tickets += 1
            outcome = dataclasses.replace(outcome, ticket=f"sms_{self.tickets}")
            if not is_call(claim.entry.id):
                outcome = dataclasses.replace(outcome, contacts=None)
        worker.finish(claim, outcome)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def die(self, data: Any) -> None:
        """Let a worker die in the middle of an attempt."""
        worker, claim = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        worker.lose(claim)

    @precondition(lambda self: any(is_call(claim.entry.id) for _, claim in self.claims))
    @rule()
    def give_back(self) -> None:
        """Undo the claim of a shared call: Redis might forget it."""
        worker, claim = next(each for each in self.claims if is_call(each[1].entry.id))
        self.claims.remove((worker, claim))
        worker.ledger._give_back_call(dataclasses.replace(claim, in_doubt=False))
        worker.lose_entry(claim.entry)

    @precondition(lambda self: self.names)
    @rule(which=NAMED)
    def cancel(self, which: int) -> None:
        """Cancel a message, if it still waits."""
        self.sms[0].cancel(self.names[which % len(self.names)])

    @precondition(lambda self: self.names)
    @rule(which=NAMED)
    def send_again(self, which: int) -> None:
        """Let a person decide that a message that was rejected leaves again."""
        drive(self.decisions.replay(self.names[which % len(self.names)]), self.client)

    @precondition(lambda self: self.names)
    @rule(which=NAMED, decision=st.sampled_from(["as-accepted", "send-again"]))
    def resolve(self, which: int, decision: str) -> None:
        """Let a person decide about a message of which nobody knows."""
        drive(self.decisions.resolve(self.names[which % len(self.names)], decision), self.client)

    @rule(who=WHO, lifts=st.booleans())
    def suppress(self, who: int, lifts: bool) -> None:
        """Let somebody want no more SMS, or want them again."""
        if lifts:
            drive(self.suppressions.lift(PEOPLE[who], "asked"), self.client)
        else:
            drive(self.suppressions.add(PEOPLE[who], "asked"), self.client)

    @rule(who=st.integers(0, 1))
    def erase(self, who: int) -> None:
        """Erase a person."""
        person = Person(PEOPLE[who], pseudonyms(self.client).all_of(PEOPLE[who]))
        Erasure(self.client, ProducerSettings(), person, "ops", None).run()

    @rule(who=WHO)
    def receipt(self, who: int) -> None:
        """Let a receipt prove that somebody has a text of which nobody knows."""
        self.tickets += 1
        self.callbacks.bring(delivered(f"sms_{self.tickets:013x}", PEOPLE[who], 0))

    @precondition(lambda self: self.names)
    @rule(which=NAMED, place=st.integers(0, 3), euros=st.sampled_from(["0", "0.03", "0.0612345", "39"]))
    def name_price(self, which: int, place: int, euros: str) -> None:
        """Let a receipt name what a segment has cost, in a unit that may be another one."""
        name = self.names[which % len(self.names)]
        record = self.books.records.get(name, {})
        to = record.get("to", "").split()
        if "ticket" not in record or not to:
            return
        if euros != "39":
            self.books.correct(name, place % len(to), euros)
        known = pseudonyms(self.client)
        [number] = [each for each in PEOPLE if known.of(each) == to[place % len(to)]]
        self.dates += 1
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
    monkeypatch.setattr(campaigns, "SLICE", 2)
    machine = type("MoneyHere", (Money,), {"client": redis_client, "url": redis_url})
    chosen = settings(
        max_examples=15,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    run_state_machine_as_test(machine, settings=chosen)
