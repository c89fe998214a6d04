"""Callbacks against a plain model of their origins: whatever happens, none is bound wrongly.

Sends alone, to several, and in shared calls, some of which can be answered, go through attempts that are
accepted, lost, refused or put off, and their workers may die. Callbacks come late, early, again, with the
ticket that the gateway gave, with another account's, or with none.
"""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from producers import Message, Producer, Recipient
from tests.support.callbacks_by_hand import CallbacksByHand, reply
from tests.support.hand_worker import HandWorker
from tests.support.origin_model import Asked, Origins, Send
from tests.support.random_model import run_model
from worker.callbacks import inbound
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.ledger.claims import Claim
from worker.queue.entries import is_call

NUMBERS = ["+33612000001", "+33612000002"]
#: Nobody sends to this one.
STRANGER = "+33612000009"
FATES = ["accepted", "accepted", "lost", "lost", "not taken now", "refused", "duplicate"]
#: Dates that the gateway may give to a reply: none, about now, and from before anything was sent.
DATES = st.sampled_from([None, None, timedelta(0), timedelta(days=1)])
#: Whom a message goes to, whether it may share a call, and whether it can be answered.
MESSAGES = st.tuples(
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=2, unique=True),
    st.sampled_from(["alone", "template"]),
    st.sampled_from([True, True, False]),
)
SHORTS = st.sampled_from(["", "38015", "38016"])
#: Who answers, with which ticket (one of ours by age), when (now, or a moment by age), with what date.
ANSWERS = st.tuples(
    st.sampled_from([*NUMBERS, NUMBERS[0], STRANGER]),
    st.sampled_from(["none", "none", "none", "none", 0, 0, 1, 2, "foreign", "shapeless"]),
    st.sampled_from([0, 0, 1, 2, 3]),
    DATES,
    SHORTS,
)
PARIS = ZoneInfo("Europe/Paris")


class World(RuleBasedStateMachine):
    """One Redis, workers moved by hand, and the gateway's callbacks."""

    server_port: int

    @initialize(sends=st.lists(st.tuples(MESSAGES, st.sampled_from(FATES)), min_size=1, max_size=4))
    def begin(self, sends):
        self.redis = redis.Redis(port=self.server_port)
        self.redis.flushall()
        self.sms = Producer(client=self.redis)
        self.hand = HandWorker(self.redis, share_max=2)
        self.callbacks = CallbacksByHand(self.redis, self.hand.ledger)
        self.origins = Origins()
        self.by_entry: dict[str, Send] = {}
        self.claims: list[Claim] = []
        self.tickets: list[str] = []
        self.moments = [self.tick()]
        self.sent = self.told = 0
        self.waiting: list[tuple[Asked, str]] = []
        self.expected: dict[str, tuple[str, str]] = {}
        self.seen: list[tuple[Asked, dict[str, object]]] = []
        # An answer in a world without sends would show nothing.
        for each in sends:
            self.send_and_attempt(*each)

    def teardown(self):
        if hasattr(self, "redis"):
            self.redis.close()

    def tick(self) -> int:
        """Let Redis's clock go on, so that nothing happens at the same time."""
        begun = now = self.callbacks.now_ms()
        while now == begun:
            now = self.callbacks.now_ms()
        return now

    @rule(message=MESSAGES)
    def send(self, message):
        self._send(*message)

    @rule(message=MESSAGES, fate=st.sampled_from(FATES))
    def attempt_one_more(self, message, fate):
        self.send_and_attempt(message, fate)

    def send_and_attempt(self, message, fate):
        self._send(*message)
        self.begin_attempts()
        for _ in range(len(self.claims)):
            self._end_attempt(self.claims.pop(), fate)

    def _send(self, numbers, kind, two_way):
        self.sent += 1
        options = {"sender": "Bistro", "purpose": "alert", "with_replies": two_way}
        if kind == "alone":
            name = f"a{self.sent}"
            self._queue(name)
            self.sms.send(numbers, "Hi", request_id=name, context=name, **options)
            self.by_entry[name] = Send(dict.fromkeys(numbers, name), two_way, alone=True)
            return
        for place, number in enumerate(numbers):
            name = f"t{self.sent}.{place}"
            self._queue(name)
            recipient = Recipient(number, param1=name)
            self.sms.send_many([Message(recipient, "{param1}", request_id=name, context=name, **options)])
            self.by_entry[name] = Send({number: name}, two_way, alone=True)

    def _queue(self, name: str) -> None:
        self.origins.queued.append(name)
        self.tick()

    @rule()
    def begin_attempts(self):
        begun = self.tick()
        for claim in self.hand.claim(self.hand.fetch()):
            send = self._send_of(claim)
            if send not in self.origins.sends:
                self.origins.sends.append(send)
            if send.busy_since is not None:  # its worker died
                send.state, send.open = "doubt", True
            elif send.state != "doubt":
                send.state = "running"
            send.first, send.busy_since = send.first or begun + 1, self.tick()
            self.claims.append(claim)
        self.moments.append(self.tick())

    def _send_of(self, claim: Claim) -> Send:
        if not is_call(claim.entry.id):
            return self.by_entry[claim.entry.id]
        members = {r["phone_number"]: r["param1"] for r in json.loads(claim.body)["recipients"]}
        two_way = self.by_entry[next(iter(members.values()))].two_way
        send = self.by_entry.setdefault(claim.entry.id, Send(members, two_way, alone=False))
        send.members = members
        return send

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(data=st.data(), fate=st.sampled_from(FATES))
    def end_attempt(self, data, fate):
        self._end_attempt(self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1))), fate)

    def _end_attempt(self, claim, fate):
        send, doubt = self._send_of(claim), claim.in_doubt
        ticket = f"sms_{len(self.tickets)}"
        outcome = {
            "accepted": Accepted(ticket),
            "lost": Unknown("read_timeout"),
            "not taken now": Deferred("http_429"),
            "refused": Refused("110"),
            "duplicate": Duplicate("120"),
        }[fate]
        self.hand.finish(claim, outcome)
        send.busy_since = None
        if fate in {"accepted", "lost"}:
            self.tickets.append(ticket)
        if fate == "accepted":
            send.state, send.ticket, send.adopted = "accepted", ticket, False
            send.open = send.open and not doubt
        elif fate == "lost" or (fate == "not taken now" and doubt):
            send.state, send.open = "doubt", True
        elif fate == "not taken now":
            send.state = "queued"
        elif fate == "refused" and not doubt:
            send.state = "rejected"
        else:
            proven = send.adopted or (fate == "duplicate" and doubt)
            send.state = "accepted" if proven else "unknown"
            send.open = send.open or (send.ticket is None and (fate == "refused" or doubt))
        self.moments.append(self.tick())

    @precondition(lambda self: getattr(self, "claims", ()))
    @rule(data=st.data())
    def worker_dies(self, data):
        """Its lease runs out: the next claim finds the send in doubt."""
        self.hand.lose(self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1))))

    @rule(answers=st.lists(ANSWERS, min_size=2, max_size=8))
    def answer(self, answers):
        for each in answers:
            self._answer(*each)

    def _answer(self, number, named, ago, date, short):
        self.told += 1
        ticket = {"foreign": f"sms_x{self.told}", "shapeless": "ticket"}.get(str(named))
        if isinstance(named, int) and self.tickets:
            ticket = self.tickets[-1 - named % len(self.tickets)]
        at = self.moments[-ago % len(self.moments)] if ago else self.tick()
        event = reply(number, f"{self.told}", ticket, sim_card_number=short)
        written = at
        if date is not None:
            dated = datetime.fromtimestamp(at / 1000, UTC) - date
            event["reception_date"] = dated.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:%S")
            written = min(at, int(dated.timestamp()) * 1000 + 60_000)
        asked = Asked(number, ticket, at, written, short)
        self.seen.append((asked, event))
        self._bring(asked, event)

    @precondition(lambda self: getattr(self, "seen", ()))
    @rule(data=st.data())
    def answer_comes_again(self, data):
        asked, event = data.draw(st.sampled_from(self.seen))
        self._bring(asked, event)

    @rule()
    def look_again(self):
        self._settle(self.callbacks.look_again, patient=True)

    @rule()
    def patience_ends(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inbound, "PATIENCE_S", -1e9)
            self._settle(self.callbacks.look_again, patient=False)

    def _bring(self, asked: Asked, event: dict[str, object]) -> None:
        self.waiting.append((asked, str(event["text"])))
        self._settle(lambda: self.callbacks.bring(event, at_ms=asked.received), patient=True)

    def _settle(self, process, *, patient: bool) -> None:
        """Process what waits, here and in the model, and compare what was published until now."""
        process()
        left = []
        for asked, text in self.waiting:
            found = self.origins.of(asked, patient=patient)
            if found is None:
                left.append((asked, text))
            else:
                self.expected.setdefault(text, found)
        self.waiting = left
        published = {}
        for entry in self.callbacks.entries():
            assert json.loads(entry["context"] or '""') == entry["request_id"]
            published.setdefault(entry["text"], (entry["match"], entry["request_id"]))
        assert published == self.expected
        assert len(self.callbacks.waiting) == len(self.waiting)


@pytest.mark.timeout(300)
def test_callbacks_are_bound_to_their_origins(redis_server):
    class Machine(World):
        server_port = redis_server.port

    run_model(Machine, examples=40, steps=20)
