"""A day at a bistro: what the pages show in browser tests and on screenshots, made by real processes.

    with ExampleDay(directory, redis_server.url) as day:
        browser.goto(day.console.url)

A worker sends to a simulated gateway, handsets answer, callbacks come back, a person has to decide. All of it
lies in a namespace of its own.
"""

import json
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import httpx

from producers import Feed, Message, Producer
from producers.contract.steps import drive
from producers.rules.money import MICRO
from producers.settings import ProducerSettings
from tests.support.console_client import TOKENS
from tests.support.forwarding import HandForwarder
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.installation import Installation
from tests.support.web_server import ConsoleServer
from worker.forwarding.outcomes import Delivered, Later, Refused
from worker.operator.bulk import Bulk
from worker.operator.consents import Consent, Consents
from worker.operator.money_decisions import set_budget
from worker.operator.suppressions import Suppressions

#: The guest whose conversation is shown, and others.
GUEST: Final = "+33612345678"
OTHERS: Final = tuple(f"+336123456{n:02}" for n in range(10, 40))
#: Whom strangers have codes sent to.
STRANGERS: Final = tuple(f"+336999800{n:02}" for n in range(10))
_AGREED: Final = datetime(2026, 2, 14, 11, 30, tzinfo=UTC)
#: Who writes what harms, if it is not made harmless.
ATTACKER: Final = "+33699999999"

_ANSWERS: Final = (
    "Oui, parfait !",
    "YES",
    "On sera 5 finalement, c'est possible ?",
    "Non désolé",
    "Merci, à ce soir",
    "OK",
    "Pouvez-vous me rappeler s'il vous plaît ? Nous avons une allergie aux noix à table.",
)


class ExampleDay:
    """The processes, and the data that they have made.

    Args:
        directory: receives the output of the processes.
        redis_url: where Redis listens.
        hostile: whether somebody writes the corpus of hostile texts, too.
    """

    def __init__(self, directory: Path, redis_url: str, *, hostile: bool = False) -> None:
        self.installation = Installation(
            directory, redis_url, web=True, namespace="sms", BUDGET_DAY="500", SMS_APP="bookings"
        )
        self._log = directory / "console.log"
        self._hostile = hostile
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.installation)
            environ = {**self.installation.environ, "CONSOLE_TOKENS": TOKENS, "CONSOLE_SENDER": "Bistro"}
            self.console = starting.enter_context(ConsoleServer(self._log, environ))
            self._talk()
            self._ask_for_codes()
            self._send_others()
            self._use_up_the_budget()
            self._need_a_person()
            self._read()
            self._forward()
            if self._hostile:
                self._attack()
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    def conversation(self) -> str:
        """Path of the guest's conversation."""
        return f"/conversations/{self.installation.producer.conversation(GUEST).key}"

    @property
    def opted_out(self) -> str:
        """Path of the conversation with somebody who wrote STOP."""
        return f"/conversations/{self.installation.producer.conversation(OTHERS[20]).key}"

    @property
    def opt_out(self) -> str:
        """Path of an opt-out that has cancelled a message."""
        entries = self.installation.redis.xrange(self.installation.keys.stream("optouts"))
        [entry] = [entry for entry, fields in entries if fields[b"cancelled"] == b"1"]
        return f"/optouts/{entry.decode()}"

    @property
    def attack(self) -> str:
        """Path of the attacker's conversation."""
        return f"/conversations/{self.installation.producer.conversation(ATTACKER).key}"

    @property
    def job(self) -> str:
        """Path of a preview of all that is rejected or failed."""
        steps = Bulk(self.installation.settings).plan(None, None, "ben@console")
        return f"/failures/jobs/{drive(steps, self.installation.redis)}"

    def replies(self, number: int) -> None:
        """Wait until so many replies are on the stream."""
        stream = self.installation.keys.stream("replies")
        self.installation.wait_for(lambda: self.installation.redis.xlen(stream) >= number)

    def wait_for_reply(self, text: str) -> None:
        """Wait until a reply with this text is the newest on the stream."""
        stream = self.installation.keys.stream("replies")

        def is_newest() -> bool:
            [(_, fields)] = self.installation.redis.xrevrange(stream, count=1)
            return fields[b"text"].decode() == text

        self.installation.wait_for(is_newest)

    def _talk(self) -> None:
        """Let a guest and the bistro write to each other."""
        place = self.installation
        text = "Bistro: table for 4 tonight at 8 pm. Reply YES to confirm."
        sent = place.send(text, to=GUEST, with_replies=True, request_id="booking-42", context={"booking": 42})
        place.settled(sent)
        place.gateway.reply(GUEST, "YES, see you at 8!\nCould we sit outside?")
        self.replies(1)
        [reply] = place.producer.conversation(GUEST).turns[-1:]
        answer = "With pleasure: table 7, under the lime tree."
        sent = place.send(
            answer, to=GUEST, with_replies=True, request_id="lime-tree", reply_to=reply.event_id
        )
        place.settled(sent)
        place.gateway.reply(GUEST, "Merci beaucoup, à tout à l'heure !")
        self.replies(2)

    def _ask_for_codes(self) -> None:
        """Let strangers ask for codes for many numbers of one block, so that it is blocked."""
        guarded = {**self.installation.environ, "PREFIX_ACTION": "block", "PREFIX_PER_HOUR": "3"}
        about = {"sender": "Bistro", "purpose": "alert"}
        with closing(Producer(settings=ProducerSettings.from_env(guarded))) as sms:
            sms.send_many([Message(number, "Your code is 4711", **about) for number in STRANGERS])

    def _send_others(self) -> None:
        """Let many be asked and some answer, some of them with STOP; send campaigns."""
        place = self.installation
        consent = Consent(_AGREED, _AGREED, "web form", "2026-02")
        people = [(number, consent) for number in (GUEST, *OTHERS)]
        drive(Consents(place.settings).take_over(people), place.redis)
        text = "Bistro: wild garlic is here. STOP au 30101"
        later = {"purpose": "wholesale", "send_at": "2099-03-01T09:00:00Z"}
        place.send(text, to=OTHERS[20], request_id="wild-garlic", **later)
        text = "Bistro: your table tonight, YES or NO?"
        sends = [
            place.send(text, to=number, with_replies=True, request_id=f"booking-{n}")
            for n, number in enumerate(OTHERS, 100)
        ]
        place.all_settled(sends)
        for n, number in enumerate(OTHERS[:20]):
            place.gateway.reply(number, _ANSWERS[n % len(_ANSWERS)])
        for number in OTHERS[20:23]:
            place.gateway.stop(number)
        self.replies(22)
        place.wait_for(lambda: place.redis.xlen(place.keys.stream("optouts")) == 3)
        by_phone = Suppressions(place.settings, "ben@console").add(OTHERS[28], "asked by phone")
        drive(by_phone, place.redis)
        place.send("Bistro: brunch on Sunday!", request_id="brunch", send_at="2099-01-01T09:00:00Z")
        campaign = {"sender": "Bistro", "purpose": "wholesale"}
        numbers = [f"+3361300{n:04}" for n in range(800)]
        text = "Bistro: oysters are back. STOP au 30101"
        place.producer.send_campaign(text, numbers, campaign_id="oysters", **campaign)
        place.wait_for(lambda: place.producer.campaign_status("oysters").complete)
        text, later = "Bistro: the terrace is open. STOP au 30101", "2099-06-01T09:00:00Z"
        place.producer.send_campaign(text, numbers, campaign_id="terrace", send_at=later, **campaign)
        place.producer.pause_campaign("terrace")

    def _use_up_the_budget(self) -> None:
        """Let a campaign wait that costs more than may be spent in a day, whatever the hour is."""
        place = self.installation
        # On a machine that stands still an answer may be lost: then the slice leaves again, some time later.
        place.wait_for(lambda: place.producer.campaign_status("oysters").done, 120)
        drive(set_budget(place.keys, "account", str(60 * MICRO), "ben@console"), place.redis)
        text = f"Bistro: mussels are back. {'As many as you can eat. ' * 14}STOP au 30101"
        numbers = [f"+3361301{n:04}" for n in range(500)]
        about = {"sender": "Bistro", "purpose": "wholesale", "budget": 500}
        place.producer.send_campaign(text, numbers, campaign_id="mussels", **about)
        place.wait_for(lambda: place.producer.campaign_status("mussels").holds)

    def _need_a_person(self) -> None:
        """Let messages end so that a person has to decide, and a callback come that nobody understands."""
        place = self.installation
        sends = []
        for n, code in enumerate((106, 106, 106, 124)):
            place.gateway.fault("refuse", code=code, match={"number": OTHERS[23 + n]})
            sends.append(place.send("Bistro: are you coming?", to=OTHERS[23 + n], request_id=f"asked-{n}"))
        place.gateway.fault("accept_then_silence", match={"number": OTHERS[27]})
        place.all_settled(sends)
        place.send("Bistro: see you tonight", to=OTHERS[27], request_id="tonight")
        place.post_callback(b'{"message_id": "sms_1", "nothing": "that we know"}')
        place.wait_for(lambda: place.redis.xlen(place.keys.stream("quarantine")))

    def _read(self) -> None:
        """Let an application read replies, and give one up."""
        with Feed("replies", "bookings", settings=self.installation.settings, max_deliveries=1) as feed:
            for place, _ in enumerate(feed):
                if place == 4:
                    feed.stop()
        with (
            suppress(ZeroDivisionError),
            Feed(
                "replies", "bookings", settings=self.installation.settings, max_deliveries=1, idle_s=0.01
            ) as feed,
        ):
            for _ in feed:
                raise ZeroDivisionError

    def _forward(self) -> None:
        """Let a forwarder deliver one event, give one up, and have one waiting."""
        forwarder = HandForwarder(self.installation.redis)
        where = "https://shop.bistro.example/webhooks/octopush/replies-and-receipts"
        known = {"receiver": where, "streams": "replies,receipts"}
        self.installation.redis.hset(forwarder.keys.forward(forwarder.name), mapping=known)
        for answer in ("oui-1", "oui-2", "oui-3"):
            forwarder.arrive(answer)
        first, second, third = forwarder.take(3)
        forwarder.settle(first, Delivered())
        forwarder.settle(second, Refused("http_404"))
        forwarder.settle(third, Later("http_503"))

    def _attack(self) -> None:
        """Let somebody write whatever does harm if nobody takes care."""
        place = self.installation
        event = {"number": ATTACKER, "reception_date": "2026-11-26 10:00:00", "message_id": ""}
        with httpx.Client(trust_env=False) as client:
            for text in HOSTILE_TEXTS.values():
                taken = client.post(place.callback_url, content=json.dumps({**event, "text": text}))
                assert taken.status_code == 200
        # Some become one and the same on their way: nobody knows how many replies there will be.
        place.wait_for(lambda: not place.redis.keys(place.keys.callback("*")))
