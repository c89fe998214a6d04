"""``octopush-worker hours``: what it says to people and to programs, and how it ends."""

import json

import pytest
from click.testing import CliRunner, Result

from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from tests.support.commands_page import fields
from worker.cli import main

NUMBER = "+262692123456"
WEEKEND = "after 20:00, then Sunday, then Easter Monday, RE"


def run(*arguments: str, **environ: str) -> Result:
    # The hours as they are where nobody has chosen any: for tests they are off.
    unset = dict.fromkeys(("MARKETING_HOURS_FR", "MARKETING_HOURS_OTHER"))
    return CliRunner().invoke(main, ["hours", *arguments], env={**unset, **environ})


def test_it_says_zone_time_reason_rule_and_sources():
    assert run(NUMBER, "--at", "2027-03-27T17:30:00Z").stdout.splitlines() == [
        "+262*******56 is in RE, Réunion (Indian/Reunion)",
        f"Sat 27 Mar 2027 21:30 +0400: closed until Tue 30 Mar 2027 08:00 +0400: {WEEKEND}",
        "  rule    strict: 08:00 to 20:00, no Sundays, no holidays",
        "  source  octopush.com/info/sms-api/sms-en-masse/envoyer-un-sms-en-differe (undated, certainty A)",
        "  source  Easter Monday, RE: Code du travail L3133-1 (2016, certainty A)",
    ]


def test_it_says_until_when_it_is_open():
    said = run("+33612345678", "--at", "2026-11-25T12:00", MARKETING_HOURS_FR="charter2026").stdout

    until = "open until Wed 25 Nov 2026 21:30 +0100; nothing leaves from 21:20 on"
    assert f"Wed 25 Nov 2026 12:00 +0100: {until}\n" in said
    assert "  rule    charter2026: 08:00 to 21:30\n" in said
    assert "af2m.org/" in said


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("19:49", "open until Wed 25 Nov 2026 20:00 +0100; nothing leaves from 19:50 on"),
        ("19:50", "open until Wed 25 Nov 2026 20:00 +0100, but nothing leaves any more since 19:50"),
    ],
)
def test_within_the_margin_it_says_that_nothing_leaves_any_more(at, told):
    assert run("+33612345678", "--at", f"2026-11-25T{at}").stdout.splitlines()[1].endswith(f": {told}")


def test_a_date_without_an_offset_is_read_in_paris():
    assert run("+33612345678", "--at", "2026-11-25T08:00").stdout.count("open until") == 1
    assert run("+33612345678", "--at", "2026-11-25T07:59").stdout.count("before 08:00") == 1


def test_of_many_clocks_it_names_one_and_the_reason_names_the_one_that_keeps_it_closed():
    said = run("+12025550123", "--at", "2026-11-25T12:00:00-05:00").stdout

    assert "US (29 time zones, shown by America/New_York)" in said
    assert "closed until Wed 25 Nov 2026 13:00 -0500: before 08:00 in " in said


def test_without_a_date_it_means_now():
    assert run(NUMBER).exit_code == 0


def test_it_gives_programs_all_of_it():
    done = run(NUMBER, "--at", "2026-12-20T09:00:00+04:00", "--json")
    told = json.loads(done.stdout)

    assert set(told) - {"v"} == fields("hours")
    assert told["number"] == "+262*******56"
    assert (told["zone"], told["open"], told["at"]) == ("RE", False, "2026-12-20T05:00:00Z")
    assert told["until"] == "2026-12-21T04:00:00Z"
    assert told["causes"][0]["source"]["name"] == "Code du travail L3422-2"
    assert told["fingerprint"] == Hours(RulesSettings()).fingerprint


def test_a_zone_that_is_given_counts():
    assert "FR-AM, Alsace-Moselle" in run("+33612345678", "--zone", "FR-AM").stdout
    assert json.loads(run("+870773111632", "--zone", "BE", "--json").stdout)["zone"] == "BE"


def test_a_national_number_is_read_in_the_default_region():
    assert "is in GP+" in run("0690123456", DEFAULT_REGION="FR").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["+33690123456"], "write +590 in place of +33"),
        (["+33639012345"], "write +262 in place of +33"),
        (["nobody"], "NUMBER must be international"),
        (["+870773111632"], "NUMBER is of no country"),
        (["+33612345678", "--zone", "fr"], "--zone must be FR, FR-AM"),
        (["+33612345678", "--at", "9999-01-01"], "--at must be of the years"),
    ],
)
def test_what_is_wrong_is_said_without_the_number(arguments, says):
    done = run(*arguments)

    assert done.exit_code == 1
    assert says in done.stderr
    assert arguments[0].lstrip("+") not in done.stderr


def test_a_wrong_setting_is_named():
    done = run(NUMBER, MARKETING_HOURS_FR="always", EXTRA_HOLIDAYS="x")

    assert done.exit_code == 1
    assert "MARKETING_HOURS_FR" in done.stderr
    assert "EXTRA_HOLIDAYS" in done.stderr
