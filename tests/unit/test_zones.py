"""In which zone a number is, and by which clocks a zone lives."""

import importlib.resources
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from producers.contract.phone import to_e164
from producers.rules.clocks import clock, clocks_by_country, tzdata_version
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from producers.rules.zones import FRENCH, clocks_of, holidays_of, known_zone, zone_of
from tests.support.vectors import vectors

AT = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(("number", "zone"), vectors("zones").items())
def test_a_number_tells_its_zone(number, zone):
    assert zone_of(to_e164(number)) == zone


@pytest.mark.parametrize("region", ["RE", "YT"])
def test_reunion_and_mayotte_never_get_each_others_numbers(region):
    patterns = "|".join(_patterns(region))
    beginnings = (f"{digits:05}0123" for digits in range(20_000, 100_000))
    numbers = [number for number in beginnings if re.fullmatch(patterns, number)]

    assert len(numbers) > 100
    assert {zone_of(f"+262{number}") for number in numbers} == {region}


def _patterns(region: str) -> Iterator[str]:
    """Yield what the mobiles, landlines and internet numbers of a region look like."""
    plan = phonenumbers.PhoneMetadata.metadata_for_region(region)
    for kind in (plan.mobile, plan.fixed_line, plan.voip):
        yield kind.national_number_pattern


@pytest.mark.parametrize("number", ["+33690123456", "+33639012345"])
def test_an_overseas_number_under_33_is_refused_with_the_right_prefix(number):
    right = "+590" if "690" in number else "+262"
    with pytest.raises(ValueError, match=rf"write \{right} in place of \+33$"):
        to_e164(number)


def test_a_number_of_no_country_needs_a_zone():
    with pytest.raises(ValueError, match="is of no country: its zone must be given"):
        zone_of("+870773111632")


@pytest.mark.parametrize("zone", [*FRENCH, "BE", "US", "XK"])
def test_zones_that_there_are_can_be_given(zone):
    assert known_zone(zone) == zone


@pytest.mark.parametrize("zone", ["", "fr", "FR ", "ZZ", "FR-57", "Europe/Paris", None, 33, ["FR"]])
def test_other_zones_are_refused(zone):
    with pytest.raises(ValueError, match="must be FR, FR-AM, GP"):
        known_zone(zone)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_country_that_has_numbers_has_clocks_and_opens_within_four_days(region):
    assert all(clock(each).key == each for each in clocks_of(region))
    opens = Hours(RulesSettings()).next_open(region, AT)
    assert opens
    assert opens - AT < timedelta(days=4)


def test_a_country_counts_with_all_of_its_clocks():
    assert set(clocks_of("ES")) == {"Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"}
    assert {"America/New_York", "Pacific/Honolulu"} <= set(clocks_of("US"))


MOBILES = [
    mobile
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (mobile := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE))
]


@pytest.mark.parametrize("mobile", MOBILES, ids=lambda mobile: f"+{mobile.country_code}")
def test_a_mobile_counts_with_the_clocks_of_all_regions_whose_it_may_be(mobile):
    zone = zone_of(phonenumbers.format_number(mobile, phonenumbers.PhoneNumberFormat.E164))

    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[mobile.country_code]:
        if phonenumbers.is_valid_number_for_region(mobile, region):
            assert _offsets(clocks_of(region)) <= _offsets(clocks_of(zone))


def _offsets(timezones: Iterable[str]) -> set[tuple[timedelta | None, ...]]:
    """Tell clocks apart by what they show through a year."""
    days = [AT + timedelta(days=day) for day in range(0, 364, 7)]
    return {tuple(day.astimezone(clock(each)).utcoffset() for day in days) for each in timezones}


def test_the_clocks_come_from_the_package_and_say_their_version():
    import tzdata

    assert tzdata_version() == tzdata.IANA_VERSION
    assert clocks_by_country()["FR"] == ("Europe/Paris",)


#: What an application does that has not installed the package.
WITHOUT_PACKAGE = """
import sys
sys.modules["tzdata"] = None
from producers import ConfigError, Producer
from producers.rules.clocks import clock, clocks_by_country, tzdata_version
try:
    Producer("redis://127.0.0.1:1")
except ConfigError as error:
    print(error)
else:
    print(clock("Europe/Paris"), *clocks_by_country()["FR"], tzdata_version())
"""


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (set(), f"Europe/Paris Europe/Paris {tzdata_version()}"),
        ({"tzdata.zi"}, "Europe/Paris Europe/Paris unknown"),
        ({"zone.tab"}, "PYTHONTZPATH: leads to no time zones: install tzdata"),
    ],
)
def test_an_application_without_the_package_has_the_clocks_of_its_system(tmp_path, missing, said):
    system = tmp_path / "zoneinfo"
    with importlib.resources.as_file(importlib.resources.files("tzdata") / "zoneinfo") as zones:
        shutil.copytree(zones, system, ignore=lambda _, names: missing & {*names})
    environ = {"PYTHONTZPATH": f"{tmp_path}:{system}"}
    command = [sys.executable, "-c", WITHOUT_PACKAGE]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert said in done.stdout, done.stderr


def test_guadeloupe_without_an_island_keeps_the_holidays_of_all_three():
    assert holidays_of("GP+") == ("GP+", "GP", "MF", "BL")
    assert holidays_of("FR-AM") == ("FR-AM", "FR")
    assert holidays_of("BE") == ("BE",)
