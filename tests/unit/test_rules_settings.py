"""The settings of the hours: what is refused, and that it is refused by name and without its value."""

import pytest

from producers.contract.redis_url import RedisUrl
from producers.errors import ConfigError
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from worker.settings import WorkerSettings


def test_without_settings_marketing_is_kept_to_the_strictest_hours():
    settings = RulesSettings.from_env({})

    assert str(settings.french) == "strict: 08:00 to 20:00, no Sundays, no holidays"
    assert str(settings.elsewhere) == "other countries: 08:00 to 20:00, no Sundays"
    assert settings.close_margin_ms == 600_000
    assert not settings.extra


@pytest.mark.parametrize("hours", ["05:00-23:59", "08:00-08:11", "strict", "charter2026", "off"])
def test_hours_that_can_be_kept_are_taken(hours):
    RulesSettings.from_env({"MARKETING_HOURS_FR": hours})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            ("MARKETING_HOURS_FR", value)
            for value in ("04:59-20:00", "08:00-24:00", "08:00-08:00", "20:00-08:00")
        ],
        *[
            ("MARKETING_HOURS_FR", value)
            for value in ("8:00-20:00", "08:00", "08:60-20:00", "Strict", "08:00–20:00")
        ],
        *[("MARKETING_HOURS_FR", value) for value in ("١٨:00-20:00", "08:00-20:00\n0", "1", "none")],
        *[
            ("MARKETING_HOURS_OTHER", value)
            for value in ("strict", "charter2026", "04:00-20:00", "23:59-23:59")
        ],
        *[("MARKETING_SUNDAYS_FR", value) for value in ("2", "maybe")],
        *[("MARKETING_HOLIDAYS_FR", value) for value in ("-1", "none")],
        *[("MARKETING_CLOSE_MARGIN_S", value) for value in ("29", "3601", "0", "60.5")],
        *[
            ("EXTRA_HOLIDAYS", value)
            for value in ("2026-12-24", "RE:2026-02-29", "ZZ:2026-12-24", "re:2026-12-24")
        ],
        *[
            ("EXTRA_HOLIDAYS", value)
            for value in ("RE:20261224", "RE:2026-12-24;FR:2026-12-24", "RE 2026-12-24")
        ],
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(name, value):
    with pytest.raises(ConfigError) as caught:
        RulesSettings.from_env({name: value})
    assert list(caught.value.problems) == [name]


def test_no_value_is_shown():
    names = ["MARKETING_HOURS_FR", "MARKETING_SUNDAYS_FR", "MARKETING_HOURS_OTHER", "EXTRA_HOLIDAYS"]
    with pytest.raises(ConfigError) as caught:
        RulesSettings.from_env(dict.fromkeys(names, "SECRET"))
    assert list(caught.value.problems) == names
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["MARKETING_HOURS_FR", "MARKETING_HOURS_OTHER"])
def test_hours_that_the_margin_uses_up_are_refused(name):
    with pytest.raises(ConfigError, match="must be longer than MARKETING_CLOSE_MARGIN_S"):
        RulesSettings.from_env({name: "08:00-08:10"})
    RulesSettings.from_env({name: "08:00-08:10", "MARKETING_CLOSE_MARGIN_S": "599"})


def test_settings_in_code_are_held_to_the_same():
    with pytest.raises(ConfigError, match="MARKETING_CLOSE_MARGIN_S"):
        RulesSettings(marketing_hours_fr="08:00-08:10")


@pytest.mark.parametrize("kind", [ProducerSettings, WorkerSettings])
def test_who_has_settings_of_rules_and_of_redis_is_held_to_both(kind):
    account = {"OCTOPUSH_API_LOGIN": "a@b", "OCTOPUSH_API_KEY": "k"}
    read = kind.from_env(account | {"MARKETING_HOURS_FR": "charter2026", "REDIS_URL": "redis://:secret@host"})
    assert str(read.redis_url) == "redis://host:6379/0"
    assert str(read.french).startswith("charter2026")
    with pytest.raises(ConfigError, match="MARKETING_CLOSE_MARGIN_S"):
        kind.from_env(account | {"MARKETING_HOURS_FR": "08:00-08:10"})


def test_all_that_is_wrong_with_two_bases_is_said_at_once():
    assert isinstance(ProducerSettings(redis_url="redis://host").redis_url, RedisUrl)
    with pytest.raises(ConfigError) as caught:
        ProducerSettings(marketing_hours_other="08:00-08:10", redis_url="host")
    assert list(caught.value.problems) == ["MARKETING_HOURS_OTHER", "REDIS_URL"]


def test_extra_holidays_are_read_by_zone():
    read = RulesSettings.from_env({"EXTRA_HOLIDAYS": "RE:2026-12-24, FR-AM:2028-02-29,RE:2026-12-26,"}).extra

    assert {zone: sorted(map(str, days)) for zone, days in read.items()} == {
        "RE": ["2026-12-24", "2026-12-26"],
        "FR-AM": ["2028-02-29"],
    }
