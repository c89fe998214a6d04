"""What can never leave is refused when it is sent, at a time that the tests give."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from producers import InvalidMessage, Message
from producers.messages.message import freeze
from producers.messages.recipient import Recipient
from producers.rules.settings import RulesSettings

FRENCH, REUNION, TAHITI, BELGIAN = "+33612345678", "+262692123456", "+68987123456", "+32470123456"
#: A Wednesday; 29 March 2027 is Easter Monday.
WEDNESDAY, SATURDAY_NIGHT, EASTER_MONDAY = "2027-03-31T10:00", "2027-03-27T21:00", "2027-03-29T10:00"
OFF = RulesSettings(marketing_hours_fr="off", marketing_hours_other="off")


def paris(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Paris"))


def problems(at: str, to=FRENCH, rules: RulesSettings | None = None, **options) -> dict[str, str]:
    options = {"sender": "Bistro", **options}
    try:
        freeze(Message(to, "Sale STOP au 30101", **options), rules=rules or RulesSettings(), now=paris(at))
    except InvalidMessage as error:
        return dict(error.fields)
    return {}


def test_a_time_to_live_that_is_over_before_the_opening_is_refused_with_the_hour_and_the_reason():
    said = problems(EASTER_MONDAY, ttl=timedelta(hours=22))
    assert said == {"ttl": "is over before it may leave: held until Tue 08:00, Easter Monday"}
    assert problems(EASTER_MONDAY, ttl=timedelta(hours=22, seconds=1)) == {}
    assert problems(WEDNESDAY, ttl=timedelta(minutes=1)) == {}

    said = problems(SATURDAY_NIGHT, REUNION, ttl=timedelta(hours=1))
    assert said["ttl"].endswith("held until Tue 08:00 in RE, Sunday, then Easter Monday")


def test_a_time_to_live_counts_from_the_date_of_a_message():
    options = {"ttl": timedelta(hours=1), "send_at": paris("2027-04-01T08:00")}
    assert problems(SATURDAY_NIGHT, **options) == {}
    assert list(problems(WEDNESDAY, **options | {"send_at": paris("2027-04-01T20:00")})) == ["ttl"]


@pytest.mark.parametrize("schedule", ["queue", "gateway"])
def test_a_date_of_which_nobody_knows_the_hours_is_refused(schedule):
    date = datetime.max.replace(tzinfo=ZoneInfo("America/Los_Angeles"))

    assert problems(WEDNESDAY, send_at=date, schedule=schedule) == {"send_at": "must be before the year 9990"}


@pytest.mark.parametrize("at", [WEDNESDAY, SATURDAY_NIGHT])
def test_a_time_to_live_may_be_as_long_as_there_is(at):
    assert problems(at, ttl=timedelta.max) == {}


def test_a_recipient_in_a_zone_that_is_none_is_refused_by_position():
    nowhere = Recipient(FRENCH, zone="XX")
    for to in ([nowhere], [Recipient(BELGIAN), nowhere]):
        for options in ({}, {"ttl": timedelta(hours=1)}):
            [(name, why)] = problems(WEDNESDAY, to, **options).items()
            assert name == f"recipients[{len(to) - 1}].zone"
            assert why.startswith("must be FR, ")


def test_the_margin_before_a_closing_leaves_no_time():
    assert problems("2027-03-31T19:49", ttl=timedelta(hours=1)) == {}
    said = problems("2027-03-31T19:50", ttl=timedelta(hours=1))
    assert said["ttl"].endswith("held until Thu 08:00, closes at 20:00")


def test_recipients_who_share_no_hour_are_refused():
    said = problems(WEDNESDAY, [FRENCH, TAHITI])
    assert said == {"recipients": "share no hour within 10 days at which marketing may leave: FR PF"}
    assert problems("2027-01-13T10:00", [FRENCH, TAHITI]) == {}
    assert problems(WEDNESDAY, [FRENCH, REUNION, BELGIAN]) == {}


def test_a_recipient_whose_zone_never_opens_is_refused():
    said = problems(WEDNESDAY, BELGIAN, RulesSettings(marketing_hours_other="05:00-05:15"), zone="US")
    assert said == {"recipients": "have no hour within 10 days at which marketing may leave: US"}


def test_a_date_that_the_gateway_keeps_must_be_within_hours():
    late = {"schedule": "gateway", "send_at": paris(EASTER_MONDAY)}
    said = problems(SATURDAY_NIGHT, **late)
    assert said == {"send_at": "is outside the hours of marketing: held until Tue 08:00, Easter Monday"}
    assert problems(SATURDAY_NIGHT, **late | {"send_at": paris("2027-03-30T09:00:30")}) == {}
    assert problems(SATURDAY_NIGHT, **late | {"schedule": "queue"}) == {}


def test_a_date_in_the_past_means_now():
    late = {"schedule": "gateway", "send_at": paris(EASTER_MONDAY)}
    assert problems(WEDNESDAY, **late) == {}


def test_alerts_and_marketing_without_hours_may_leave_whenever():
    options = {"ttl": timedelta(minutes=1), "schedule": "gateway", "send_at": paris(EASTER_MONDAY)}
    assert problems(SATURDAY_NIGHT, [FRENCH, TAHITI], purpose="alert", **options) == {}
    assert problems(SATURDAY_NIGHT, [FRENCH, TAHITI], OFF, **options) == {}


@pytest.mark.parametrize("wrong", [{"ttl": 1}, {"send_at": "soon"}, {"schedule": "later"}, {"zone": "XX"}])
def test_what_is_wrong_otherwise_is_told_with_it_and_the_hours_are_not_asked_of_rubbish(wrong):
    assert set(problems(EASTER_MONDAY, sender="INFO", **wrong)) == {"sender", *wrong}
    said = problems(EASTER_MONDAY, [FRENCH, "rubbish"], sender="INFO", ttl=timedelta(hours=1))
    assert set(said) == {"sender", "recipients[1].phone_number", "ttl"}


def test_a_zone_that_was_given_counts_and_the_zone_of_a_recipient_more():
    assert problems("2027-03-26T10:00", FRENCH, zone="FR-AM", ttl=timedelta(hours=1)) != {}
    one = Recipient(FRENCH, zone="FR")
    assert problems("2027-03-26T10:00", [one], zone="FR-AM", ttl=timedelta(hours=1)) == {}
