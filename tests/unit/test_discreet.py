"""What concerns a person shows in no traceback and no log: types of `producers` are written without it."""

import dataclasses
import importlib
import pickle
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

import producers
from producers import Conversation, Delivery, Message, MessageStatus, Recipient, Turn
from producers.contract.discreet import is_discreet
from producers.events import OptOut, Receipt, Reply, Status
from producers.webhooks import Webhook

#: Types that hold nothing of a person, by their modules: figures, ids, settings, keys. A new type is either
#: `discreet`, or somebody has written it down here.
PLAIN = {
    "contract.addresses": {"Addresses"},
    "contract.admission": {"Gate"},
    "contract.assembly": {"_Statement"},
    "contract.asking": {"Told"},
    "contract.clients": {"Timeouts"},
    "contract.console_keys": {"ConsoleKeys"},
    "contract.events": {"Alarm"},
    "contract.forwarder_figures": {"ForwarderFigures"},
    "contract.forwarder_keys": {"ForwarderKeys"},
    "contract.group_lag": {"Lag"},
    "contract.installation_keys": {"InstallationKeys"},
    "contract.keys": {"Keys", "QueueKeys"},
    "contract.kinds": {"Kind"},
    "contract.metric_table": {"MetricRow"},
    "contract.money_figures": {"MoneyFigures"},
    "contract.optout_figures": {"OptoutFigures"},
    "contract.prices": {"Prices"},
    "contract.scripts": {"Script"},
    "contract.settings": {"RedisSettings", "ScrapeSettings", "Settings", "WebSettings"},
    "contract.steps": {"Sleep"},
    "intake.judge": {"Verdict"},
    "intake.spool": {"Fill"},
    "messages.frozen": {"Talk"},
    "messages.options": {"Options"},
    "messages.segments": {"Segmentation"},
    "queueing.answers": {"Conflict", "Sent"},
    "queueing.campaign_check": {"CampaignCheck"},
    "queueing.campaign_status": {"Campaign", "CampaignCancellation", "CampaignStatus", "Hold"},
    "queueing.preview": {"Preview"},
    "queueing.rounds": {"Round"},
    "queueing.tally": {"Flip"},
    "reading.group_reader": {"Counts", "StreamEntry"},
    "reading.membership": {"Membership"},
    "rules.finding": {"Finding"},
    "rules.money": {"MoneySettings"},
    "rules.settings": {"RulesSettings"},
    "settings": {"ProducerSettings"},
    # Whoever debugs a test wants to see what was sent; nobody is texted.
    "testing.queued": {"_Message"},
    "testing.sent_sms": {"SentSms", "Wanted"},
}
NUMBER = "+33612345678"
CANARY = "canary"


def types() -> Iterator[type]:
    """List every type of `producers` whose values write themselves field by field."""
    for found in pkgutil.walk_packages(producers.__path__, "producers."):
        if found.name.startswith("producers.django"):  # needs a project; its rows print their key
            continue
        for kind in vars(importlib.import_module(found.name)).values():
            is_record = isinstance(kind, type) and (
                issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind)
            )
            if is_record and kind.__module__ == found.name:
                yield kind


def test_every_type_is_discreet_or_known_to_hold_nothing_of_a_person():
    plain: dict[str, set[str]] = {}
    for kind in types():
        if not is_discreet(kind):
            plain.setdefault(kind.__module__.removeprefix("producers."), set()).add(kind.__name__)

    assert plain == PLAIN


NOW = datetime(2030, 1, 1, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "event_id": "e1",
    "request_id": "m1",
    "ticket": "t1",
    "number": NUMBER,
    "raw": CANARY,
    "context": {"name": CANARY},
    "text": CANARY,
}
WRITTEN = {name: value for name, value in EVENT.items() if name != "context"}
RECIPIENT = Recipient(NUMBER, first_name=CANARY)
REPLY = Reply(**EVENT, short_number="36123", received_at=NOW, gateway_date=None, country="FR")
TURN = Turn("in", NOW, CANARY, "e1", "m1", context=CANARY)
HOLDING = [
    REPLY,
    OptOut(**WRITTEN, at=NOW),
    Receipt(
        **{name: value for name, value in EVENT.items() if name != "text"},
        status="DELIVERED",
        final=True,
        delivered_at=NOW,
    ),
    Status(
        request_id="m1",
        state="rejected",
        ticket=None,
        code="117",
        message=f"{NUMBER} is no number",
        cost=None,
        segments=1,
        attempt=1,
        at=NOW,
        context=CANARY,
    ),
    Webhook(id="e1", type="sms.reply.received", timestamp=NOW, data=REPLY),
    Webhook(id="e1", type="sms.new", timestamp=NOW, data={"text": CANARY, NUMBER: 1}),
    RECIPIENT,
    Message(NUMBER, CANARY, sender="Bistro", context=CANARY),
    Message([NUMBER, "+33612345679"], CANARY),
    Message(RECIPIENT, CANARY),
    Message([RECIPIENT, RECIPIENT], CANARY),
    Message((each for each in [NUMBER]), CANARY),
    TURN,
    Conversation(NUMBER, "key", (TURN, TURN)),
    MessageStatus(
        *("m1", "accepted", "t1", None, 1, 1, None, None, CANARY, NOW, None, None, NOW, NOW),
        deliveries={NUMBER: Delivery("DELIVERED", final=True, at=NOW, state="delivered")},
    ),
]


@pytest.mark.parametrize("value", HOLDING, ids=lambda value: type(value).__name__)
def test_nothing_personal_shows_in_what_a_traceback_or_a_log_writes(value):
    told = f"{value} {value!r} {[value]} {dict(value.__rich_repr__())!r}"

    assert NUMBER not in told
    assert NUMBER[4:] not in told
    assert CANARY not in told


def test_what_tells_one_value_from_another_shows():
    assert repr(REPLY).startswith(
        "Reply(event_id='e1', request_id='m1', ticket='t1', number='+336******78', text=<6 characters>, "
    )
    assert repr(Message([RECIPIENT], CANARY, request_id="m1")).startswith(
        "Message(recipients=[Recipient(phone_number='+336******78', first_name=<6 characters>, "
    )


def test_values_are_what_they_were():
    assert REPLY.number == NUMBER
    assert pickle.loads(pickle.dumps(REPLY)) == REPLY
    assert msgspec.json.decode(msgspec.json.encode(REPLY), type=Reply) == REPLY
