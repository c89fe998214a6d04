"""The memory of an outbox and a real Redis: an application that does the same sees the same."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from producers import Feed, Message, Producer, QueueUnavailable, Recipient, check_campaign
from producers.settings import ProducerSettings
from producers.testing.memory import Memory
from producers.testing.outbox import SmsOutbox
from tests.support.installation import ANY_HOUR
from tests.support.two_worlds import RealMemory, Teller
from worker.sandbox.redis_server import RedisServer

NUMBERS = [f"+3361200000{digit}" for digit in range(4)]
IDS = [f"m{digit}" for digit in range(4)]
CAMPAIGNS = ["c0", "c1"]
STREAMS = ["replies", "receipts", "optouts", "statuses", "alarms"]
MARKETING = {"sender": "Bistro", "purpose": "wholesale"}
ALERT = {"sender": "Bistro", "purpose": "alert"}
NEWS = "News for {first_name}. STOP au 30101"
#: Rules of an owner, each of which lets scripts do something else.
RULES = st.sampled_from(
    [
        {},
        {"DUPLICATE_WINDOW_S": "600"},
        {"OPTOUT_BLOCKS_ALERTS": "1"},
        {"PRICE_UNKNOWN": "0.10", "BUDGET_DAY": "1000"},
        {"OPTOUT_SCOPE": "sender"},
        {"KEEP_TEXTS": "0"},
    ]
)

which = st.sampled_from
CAMPAIGN = st.tuples(st.just("campaign"), which(CAMPAIGNS), st.lists(which([*NUMBERS, "+33"]), max_size=4))
SEND = st.tuples(st.just("send"), which(IDS), which(NUMBERS), st.integers(0, 5))
COME_BACK = st.one_of(
    st.tuples(st.just("reply"), which(NUMBERS), which(["Oui", "STOP", "START"]), st.integers(1, 2)),
    st.tuples(st.just("stop"), which(NUMBERS)),
    st.tuples(
        st.just("receipt"), which(NUMBERS), which(["DELIVERED", "NOT_DELIVERED", "BLACKLISTED_NUMBER"])
    ),
)
LOOK = st.one_of(
    st.tuples(st.just("conversation"), which(NUMBERS)),
    st.tuples(st.just("campaign_status"), which(CAMPAIGNS)),
    st.tuples(st.just("read"), which(STREAMS), st.booleans()),
    st.tuples(st.just("preview"), which(NUMBERS)),
)
OTHERS = st.one_of(
    st.tuples(st.just("send_many"), st.lists(st.tuples(which(IDS), which(NUMBERS)), min_size=1, max_size=3)),
    st.tuples(st.just("send_badly"), st.integers(0, 3)),
    st.tuples(st.just("send_unsurely"), which(IDS), which(NUMBERS), st.booleans()),
    st.tuples(which(["pause", "resume", "cancel_campaign"]), which(CAMPAIGNS)),
    st.tuples(st.just("cancel"), which([*IDS, "c0.0"])),
    st.tuples(which(["work", "work_in_vain"])),
)
STEPS = st.one_of(SEND, SEND, CAMPAIGN, COME_BACK, OTHERS, OTHERS, LOOK)
VARIANTS = [
    {"text": "Ready", **ALERT},
    {"text": "Ready", "with_replies": True, "context": {"booking": 7}, **ALERT},
    {"text": NEWS, **MARKETING},
    {"text": "Later", "send_at": "2030-01-01T10:00:00Z", "ttl": timedelta(hours=1), **ALERT},
    {"text": "Ça coûte 5 €", "type": "sms_low_cost", "ttl": timedelta(hours=2), **ALERT},
    {"text": "Hello {first_name}", **ALERT},
]
BAD = [{"sender": "12"}, {"text": ""}, {"context": object()}, {"request_id": "not an id!"}]


class Application:
    """An application on one of the two, and the persons that it texts.

    Args:
        outbox: where its SMS go.
        rules: of the owner, as variables.
    """

    def __init__(self, outbox: SmsOutbox, rules: dict[str, str]) -> None:
        self.outbox = outbox
        self.sms = Producer(settings=ProducerSettings.from_env({**ANY_HOUR, **rules}))
        self.feeds = {stream: Feed(stream, group="app", settings=ProducerSettings()) for stream in STREAMS}
        self.teller = Teller()

    def do(self, step):
        """Take a step, and tell what it came to."""
        name, *arguments = step
        return name, self.teller.tell(lambda: getattr(self, name)(*arguments))

    def send(self, request_id, number, variant):
        options = {"sender": "Bistro", **VARIANTS[variant]}
        to = Recipient(number, first_name="Ann") if "{" in options["text"] else number
        return self.sms.send(to, request_id=request_id, **options)

    def send_many(self, pairs):
        return self.sms.send_many([Message(to, "Ready", request_id=each, **ALERT) for each, to in pairs])

    def send_badly(self, variant):
        return self.sms.send(NUMBERS[0], **{"text": "Ready", **ALERT, **BAD[variant]})

    def send_unsurely(self, request_id, number, queued):
        self.outbox.fail_next(QueueUnavailable, queued=queued)
        return self.sms.send(number, "Ready", request_id=request_id, **ALERT)

    def campaign(self, campaign_id, numbers):
        people = [Recipient(number, first_name="Ann") for number in numbers]
        left_out = []
        options = {"campaign_id": campaign_id, "on_invalid": lambda *why: left_out.append(str(why[2]))}
        check = check_campaign(NEWS, people, on_invalid=lambda *_: None, **MARKETING)
        return check, self.sms.send_campaign(NEWS, people, **options, **MARKETING), left_out

    def preview(self, number):
        return self.sms.preview(NEWS, [Recipient(number, first_name="Ann")], **MARKETING)

    def pause(self, campaign_id):
        return self.sms.pause_campaign(campaign_id)

    def resume(self, campaign_id):
        return self.sms.resume_campaign(campaign_id)

    def cancel_campaign(self, campaign_id):
        return self.sms.cancel_campaign(campaign_id)

    def campaign_status(self, campaign_id):
        return self.sms.campaign_status(campaign_id)

    def status(self, request_id):
        return self.sms.status(request_id)

    def cancel(self, request_id):
        return self.sms.cancel(request_id)

    def conversation(self, number):
        return self.sms.conversation(number)

    def work(self):
        self.outbox.run_worker()

    def work_in_vain(self):
        with self.outbox.away():
            self.outbox.run_worker()

    def reply(self, number, text, times):
        return self.outbox.reply(number, text, times=times)

    def stop(self, number):
        return self.outbox.stop(number)

    def receipt(self, number, status):
        return self.outbox.receipt(number, status)

    def read(self, stream, all_of_it):
        feed = self.feeds[stream]
        return [event for event in feed] if all_of_it else next(feed, None)  # noqa: C416 - a feed counts

    def sent(self):
        return self.outbox.sent


def story(memory: Memory, rules: dict[str, str], steps: list[tuple]) -> list:
    """Let an application take these steps, and tell what each came to; then how everything stands."""
    with SmsOutbox(memory) as outbox:
        application = Application(outbox, rules)
        told = [application.do(step) for step in steps]
        told += [application.do(("status", each)) for each in [*IDS, "c0.0", "c1.0"]]
        told += [application.do(("campaign_status", each)) for each in CAMPAIGNS]
        told += [application.do(("read", each, True)) for each in STREAMS]
        return [*told, application.do(("sent",))]


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Iterator[RealMemory]:
    # Nothing is to survive here: no write waits for the disk.
    with RedisServer(tmp_path_factory.mktemp("real"), fsync="no") as server:
        yield RealMemory(server.url)


def test_an_application_sees_the_same_in_memory_and_on_a_real_redis(real):
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(rules=RULES, steps=st.lists(STEPS, min_size=12, max_size=24))
    def agree(rules, steps):
        real.client.flushall()
        assert story(Memory(), rules, steps) == story(real, rules, steps)

    agree()
