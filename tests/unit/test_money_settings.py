"""The settings of money: what is refused, by name and without its value; who may be texted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from producers import InvalidMessage, Message
from producers.errors import ConfigError
from producers.messages.message import freeze
from producers.rules.days import day_name, days_around
from producers.rules.money import MoneySettings, micros
from producers.rules.settings import RulesSettings
from worker.settings import WorkerSettings

MAINLAND, GUADELOUPE, REUNION, BELGIAN = "+33612345678", "+590690001234", "+262692123456", "+32470123456"
KEYS = {"OCTOPUSH_API_LOGIN": "me@example.com", "OCTOPUSH_API_KEY": "key"}

EUROS = ("BUDGET_DAY", "BUDGET_APP_DAY", "BUDGET_HARD_DAY", "CREDIT_LOW")
NO_EUROS = ("-1", "-0", "nan", "inf", "1e3", "0.0000001", "١", "1,5", "ten", "1 €", "0x10", "1_000")
WHOLE = ("DUPLICATE_WINDOW_S", "NUMBER_ALERTS_PER_HOUR", "NUMBER_ALERTS_PER_DAY", "PREFIX_PER_HOUR")
WORDS = ("BUDGET_ALERTS", "PREFIX_ACTION")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in EUROS for value in NO_EUROS],
        *[("PRICE_UNKNOWN", value) for value in (*NO_EUROS, "refused", "Refuse", "1000")],
        *[(name, value) for name in WHOLE for value in ("-1", "nan", "1.5", "many", "1e3")],
        *[(name, value) for name in WORDS for value in ("Stop", "Block", "none", "1", "warn,stop")],
        *[("ALLOWED_COUNTRIES", value) for value in ("fr", "ZZ", "FR,*", "FR;RE", "France", ",", " , ")],
        *[
            ("ALLOWED_NUMBERS", value)
            for value in ("0612345678", "+33 6 12 34 56 78", "+33", "x", ",", ", ,")
        ],
        *[("SMS_APP", value) for value in ("Shop", "a" * 33, "a b", "é", "a:b")],
        *[("SMS_ENVIRONMENT", value) for value in ("Production", "a b")],
        ("DUPLICATE_WINDOW_S", "86401"),
    ],
)
def test_what_is_wrong_is_named(name, value):
    with pytest.raises(ConfigError) as refused:
        RulesSettings.from_env({name: value})
    assert set(refused.value.problems) == {name}
    assert name in str(refused.value)


def test_all_that_is_wrong_is_named_at_once():
    wrong = dict.fromkeys(EUROS, "-1") | dict.fromkeys(WHOLE, "x") | dict.fromkeys(WORDS, "maybe")
    for kind, more in ((RulesSettings, {}), (WorkerSettings, KEYS)):
        with pytest.raises(ConfigError) as refused:
            kind.from_env(wrong | more)
        assert set(refused.value.problems) == set(wrong)


@pytest.mark.parametrize(
    "euros", [0.5, True, None, "", " 1", "+1", "1.", ".5", Decimal("NaN"), Decimal(-1), b"1"]
)
def test_what_is_no_amount_is_no_amount(euros):
    with pytest.raises(ValueError, match="must be euros"):
        micros(euros)


@pytest.mark.parametrize(
    ("euros", "found"),
    [("0", 0), ("0.000001", 1), (250, 250_000_000), (Decimal("0.50"), 500_000), ("1", 10**6)],
)
def test_euros_are_whole_micro_euros(euros, found):
    assert micros(euros) == found


def test_nothing_is_counted_unless_it_matters():
    assert not MoneySettings().counts_money
    for chosen in ({"budget_day": "1"}, {"budget_app_day": "1"}, {"budget_hard_day": "1"}):
        assert MoneySettings(**chosen).counts_money
    assert MoneySettings(price_unknown="refuse").counts_money


@pytest.mark.parametrize(
    ("countries", "allowed"),
    [
        ("*", {MAINLAND, GUADELOUPE, REUNION, BELGIAN}),
        ("FR", {MAINLAND}),
        ("FR,BE", {MAINLAND, BELGIAN}),
        ("GP+", {GUADELOUPE}),
        ("MF,RE", {GUADELOUPE, REUNION}),
        ("FR-AM", {MAINLAND}),
        ("US", set()),
    ],
)
def test_a_number_may_be_texted_if_its_country_is_listed(countries, allowed):
    settings = MoneySettings(allowed_countries=countries)
    assert {
        number for number in (MAINLAND, GUADELOUPE, REUNION, BELGIAN) if not settings.reach_problem(number)
    } == allowed


@pytest.mark.parametrize("purpose", ["wholesale", "alert"])
@pytest.mark.parametrize(
    ("to", "refused"), [([MAINLAND, BELGIAN], {1}), ([BELGIAN], {0}), ([MAINLAND], set())]
)
def test_whoever_is_of_another_country_is_refused_beside_others_and_alone(purpose, to, refused):
    message = Message(to, "Hi STOP au 30101", sender="Bistro", purpose=purpose)
    try:
        freeze(message, rules=RulesSettings(allowed_countries="FR"))
        found = set()
    except InvalidMessage as error:
        found = set(error.fields)
    assert found == {f"recipients[{each}].phone_number" for each in refused}


def test_a_zone_that_somebody_gives_allows_nobody():
    rules = RulesSettings(allowed_countries="BE")
    message = Message(MAINLAND, "Hi STOP au 30101", sender="Bistro", zone="BE")
    with pytest.raises(InvalidMessage) as refused:
        freeze(message, rules=rules)
    assert refused.value.fields == {
        "recipients[0].phone_number": "is of a country that ALLOWED_COUNTRIES does not name"
    }


def test_every_number_that_may_not_be_texted_is_named_at_once_with_all_else():
    rules = RulesSettings(allowed_numbers=MAINLAND)
    message = Message([MAINLAND, BELGIAN, REUNION, "+33"], "Hi STOP au 30101", sender="Bistro")
    with pytest.raises(InvalidMessage) as refused:
        freeze(message, rules=rules)
    assert set(refused.value.fields) == {f"recipients[{each}].phone_number" for each in (1, 2, 3)}
    assert "470123456" not in str(refused.value)


def test_a_worker_outside_of_production_needs_a_list_for_the_real_gateway():
    staging = {**KEYS, "SMS_ENVIRONMENT": "staging"}
    with pytest.raises(ConfigError) as refused:
        WorkerSettings.from_env(staging)
    assert set(refused.value.problems) == {"ALLOWED_NUMBERS"}

    WorkerSettings.from_env({**staging, "ALLOWED_NUMBERS": MAINLAND})
    WorkerSettings.from_env({**staging, "OCTOPUSH_BASE_URL": "http://127.0.0.1:9/v1"})
    WorkerSettings.from_env(KEYS)


@pytest.mark.parametrize(
    ("at", "name", "hours"),
    [
        ("2026-11-26T22:59:59+00:00", "20261126", 24),
        ("2026-11-26T23:00:00+00:00", "20261127", 24),
        ("2026-03-29T12:00:00+00:00", "20260329", 23),
        ("2026-10-25T12:00:00+00:00", "20261025", 25),
        ("2028-02-29T12:00:00+00:00", "20280229", 24),
        ("2026-12-31T23:00:00+00:00", "20270101", 24),
    ],
)
def test_a_day_is_one_of_paris_also_when_the_clocks_change(at, name, hours):
    moment = datetime.fromisoformat(at)
    before, today, after = days_around(moment.timestamp())

    assert (today[0], day_name(moment.timestamp())) == (name, name)
    assert today[2] - today[1] == hours * 3_600_000
    assert today[1] <= moment.timestamp() * 1000 < today[2]
    assert (before[2], today[2]) == (today[1], after[1])


def test_days_follow_each_other_minute_by_minute():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for minutes in range(0, 366 * 1440, 97):
        now = (start + timedelta(minutes=minutes)).timestamp()
        [_, (name, begins, ends), _] = days_around(now)
        assert begins <= now * 1000 < ends
        assert name == day_name(now)


def test_a_message_says_what_it_may_cost_at_its_dearest():
    message = Message(
        [MAINLAND, BELGIAN], "@" * 100 + " STOP au 30101", sender="Bistro", auto_optimize_text=False
    )
    assert freeze(message, priced=True).dues == (0, "sms_premium:32", 2, "sms_premium:33", 2)
    assert freeze(message).dues == ()


def test_replies_and_the_look_at_the_blacklist_cost_more_and_a_simulation_nothing():
    def dues(**options: bool) -> tuple[int | str, ...]:
        return freeze(Message(MAINLAND, "Hi STOP au 30101", sender="Bistro", **options), priced=True).dues

    assert dues(with_replies=True) == (30_000, "sms_premium:33", 1)
    assert dues(auto_remove_blacklisted_numbers=True) == (10_000, "sms_premium:33", 1)
    assert dues(simulation_mode=True) == (0,)
