"""``octopush-worker send --dry-run``: what a text becomes and costs, and whether it would be refused."""

import json

import pytest
from click.testing import CliRunner

from producers.contract.keys import Keys
from producers.queueing.preview import Preview
from worker.cli import main

KEYS = Keys()
TEXT = "Bonjour {first_name}, -20% ce soir chez Bistro. STOP au 30101"
NUMBER = "+33612345678"


@pytest.fixture
def dry_run(redis_url, redis_client, monkeypatch):
    """Run the command in this process; nothing may be queued by it."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.041000")

    def run(*arguments: object, sender: str = "Bistro"):
        given = ["send", "--sender", sender, "--dry-run", *map(str, arguments)]
        result = CliRunner().invoke(main, given)
        assert redis_client.dbsize() == 1
        return result

    return run


@pytest.fixture
def listed(tmp_path):
    def write(*names: str):
        path = tmp_path / "list.csv"
        rows = [f"+336120000{i:02d};{name}" for i, name in enumerate(names)]
        path.write_text("\n".join(["phone_number;first_name", *rows]), "utf-8")
        return path

    return write


def test_a_campaign_is_shown_with_what_it_costs_and_what_makes_it_dear(dry_run, listed):
    result = dry_run("--csv", listed("Léa", "cœur" * 10, "Zoë"), "--text", TEXT)

    assert result.exit_code == 0, result.output
    for line in (
        "recipients 3 in 1 message",
        "segments   4, as we count them",
        "each gets  1 to 2 segments, 1 in the middle, UCS-2 for some or all",
        "cost       0.16",
        "UCS-2      because of values of first_name: œ in 1 of 3 texts",
        "saving     TEXT_OPTIMIZE=1 would save 1 segment",
    ):
        assert line in result.output.splitlines()


def test_one_message_is_shown_like_a_campaign_of_one(dry_run):
    result = dry_run("--to", NUMBER, "--text", "Bonjour & bienvenue STOP au 30101")

    assert result.exit_code == 0, result.output
    assert "recipients 1 in 1 message" in result.output
    assert "each gets  1 segment, GSM-7" in result.output


def test_a_text_alone_is_shown_for_somebody_whom_nobody_knows(dry_run):
    result = dry_run("--text", TEXT)

    assert result.exit_code == 0, result.output
    assert "each gets  1 to 3 segments, 1 in the middle, GSM-7" in result.output
    assert "cost       0.04, at worst 0.12" in result.output
    assert "campaign" not in result.output


@pytest.mark.parametrize(
    ("text", "sender", "why"),
    [
        ("Sale", "Bistro", 'refused    text: must have the mention "STOP au 30101"'),
        ("Sale stop au 30101", "Bistro", "refused    text: must have the mention exactly so"),
        ("x" * 1225 + " STOP au 30101", "Bistro", "refused    text: must be 1 to 1224 characters"),
        ("ж" * 540 + " STOP au 30101", "Bistro", "refused    text: takes 9 segments"),
        ("Sale STOP au 30101", "INFO", "refused    sender: must name you"),
        ("Sale STOP au 30101", "12345", "refused    sender: must not be digits only"),
    ],
)
@pytest.mark.parametrize("to", [["--to", NUMBER], []])
def test_what_would_be_refused_is_said_and_ends_with_1(dry_run, text, sender, why, to):
    result = dry_run(*to, "--text", text, sender=sender)

    assert (result.exit_code, why in result.output) == (1, True), result.output


def test_programs_get_the_whole_preview_as_one_object(dry_run, listed):
    result = dry_run("--csv", listed("Léa", "œ"), "--text", TEXT.removesuffix(" STOP au 30101"), "--json")

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert set(told["preview"]) == set(Preview.__dataclass_fields__)
    assert told["preview"]["cost"] == "0.082"
    assert told["preview"]["flips"] == [{"where": "first_name", "characters": "œ", "recipients": 1}]
    assert list(told["preview"]["problems"]) == ["text"]
    assert (told["dry_run"], told["recipients"], told["segments"], told["rows"]) == (True, 2, 2, 2)


def test_a_recipient_who_gets_too_much_is_a_bad_row_and_ends_with_1(dry_run, listed):
    result = dry_run("--csv", listed("Léa", "œ"), "--text", "x" * 600 + TEXT)

    assert result.exit_code == 1
    assert "line 3: +336******01 text: takes 10 segments, and must take at most 8" in result.output
    assert (
        dry_run("--csv", listed("Léa", "œ"), "--text", "x" * 600 + TEXT, "--bad-rows", "leave-out").exit_code
        == 0
    )


def test_settings_of_the_owner_count(dry_run, monkeypatch):
    monkeypatch.setenv("STOP_MENTION_ADD", "1")
    monkeypatch.setenv("SEGMENTS_MAX", "1")

    assert dry_run("--to", NUMBER, "--text", "x" * 146).exit_code == 0
    assert dry_run("--to", NUMBER, "--text", "x" * 147).exit_code == 1


def test_whoever_may_not_be_texted_is_refused_and_a_text_alone_concerns_nobody(dry_run, monkeypatch):
    monkeypatch.setenv("ALLOWED_NUMBERS", "+33612345679")
    result = dry_run("--to", NUMBER, "--text", "Hello STOP au 30101")

    assert (result.exit_code, "is not among ALLOWED_NUMBERS" in result.output) == (1, True)
    assert NUMBER not in result.output
    assert "line 1" not in result.output
    assert "this would be refused: the number cannot be texted\n" in result.output
    assert dry_run("--text", "Hello STOP au 30101").exit_code == 0


def test_a_mention_in_an_alert_is_a_warning_and_no_refusal(dry_run):
    result = dry_run("--to", NUMBER, "--text", "Your table STOP au 30101", "--purpose", "alert")

    assert (result.exit_code, "warning    text: has the mention of marketing" in result.output) == (0, True)


def test_it_needs_no_redis_and_says_that_its_price_is_assumed(dry_run, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    result = dry_run("--to", NUMBER, "--text", "Sale STOP au 30101")

    assert result.exit_code == 0
    assert "cost       0.25, at a price that is assumed" in result.output
    assert "Redis did not answer: no price is known" in result.output
    monkeypatch.setenv("PRICE_UNKNOWN", "refuse")
    unknown = dry_run("--to", NUMBER, "--text", "Sale STOP au 30101")
    assert (
        "cost       unknown: no price was learnt, and PRICE_UNKNOWN=refuse would refuse it" in unknown.output
    )


def test_one_number_is_sent_to_once_however_often_the_command_is_given(redis_url, redis_client, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_url)
    given = ["send", "--to", NUMBER, "--text", "Sale STOP au 30101", "--sender", "Bistro"]

    first, again = (CliRunner().invoke(main, given) for _ in range(2))

    assert "queued now" in first.output
    assert "had been queued before; it is not sent again" in again.output
    assert redis_client.llen(KEYS.queue("marketing").ready) == 1
    other = CliRunner().invoke(main, [*given[:2], "+33612345679", *given[3:]])
    assert "queued now" in other.output


@pytest.mark.parametrize("lists", [[], ["--to", NUMBER, "--csv", "list"]])
def test_who_is_texted_is_said_in_one_way(lists, listed):
    path = str(listed("Léa"))
    given = [path if each == "list" else each for each in lists]

    result = CliRunner().invoke(main, ["send", *given, "--text", TEXT, "--sender", "Bistro"])

    assert (result.exit_code, "name the recipients with --csv or with --to" in result.output) == (2, True)
