"""``octopush-worker send`` and ``campaign``: what an operator types, sees, kills and types again."""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import redis
from click.testing import CliRunner, Result

from producers import Producer
from producers.contract.keys import Keys
from producers.contract.pseudonyms import fresh_key
from producers.contract.settings import RedisSettings
from tests.support.hand_worker import HandWorker
from tests.support.installation import bare_environment
from tests.support.waiting import until
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.cli import main
from worker.gateway.outcomes import Accepted, Refused

KEYS = Keys()
READY = KEYS.queue("marketing").ready
SEND = ["--text", "Hello STOP au 30101", "--sender", "Bistro"]
MANY = 50_000


def numbers(count: int) -> list[str]:
    return [f"+336{i:08d}" for i in range(12_000_000, 12_000_000 + count)]


@pytest.fixture
def listed(tmp_path):
    """Write a list with a header."""

    def write(rows, header: str = "phone_number") -> Path:
        path = tmp_path / "list.csv"
        path.write_text("\n".join([header, *rows, ""]))
        return path

    return write


@pytest.fixture
def octopush(redis_url, monkeypatch):
    """Run a command in this process."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def texted(redis_client: redis.Redis, ready: str = READY) -> Counter[str]:
    """Count how often each number stands in what is queued."""
    ids = [entry.decode() for entry in redis_client.lrange(ready, 0, -1)]
    bodies = [json.loads(redis_client.get(KEYS.body(request_id))) for request_id in ids]
    return Counter(recipient["phone_number"] for body in bodies for recipient in body["recipients"])


def campaign_id(result: Result) -> str:
    found = re.search(r"^campaign +(\S+)", result.output, re.MULTILINE)
    assert found, result.output
    return found[1]


def test_a_list_is_queued_and_summed_up(octopush, listed, redis_client):
    result = octopush("send", "--csv", listed(numbers(1203)), *SEND)

    assert result.exit_code == 0, result.output
    assert texted(redis_client) == Counter(numbers(1203))
    assert "recipients 1203 in 3 messages" in result.output
    assert "3 messages now, 0 had been queued before" in result.output
    assert re.fullmatch(r"csv-[0-9a-f]{20}", campaign_id(result))


def test_the_same_command_again_goes_on_with_the_same_campaign(octopush, listed, redis_client):
    path = listed(numbers(1203))
    first, again = (octopush("send", "--csv", path, *SEND) for _ in range(2))

    assert campaign_id(first) == campaign_id(again)
    assert "0 messages now, 3 had been queued before" in again.output
    assert texted(redis_client) == Counter(numbers(1203))


def test_a_new_key_of_pseudonyms_gives_no_new_name_to_a_campaign_that_was_begun(
    octopush, listed, redis_client, monkeypatch
):
    path, old, new = listed(numbers(3)), fresh_key(), fresh_key()
    monkeypatch.setenv("PSEUDONYM_KEYS", old)
    first = octopush("send", "--csv", path, *SEND)
    monkeypatch.setenv("PSEUDONYM_KEYS", f"{new},{old}")
    again = octopush("send", "--csv", path, *SEND)
    other = octopush("send", "--csv", listed(numbers(4)), *SEND)

    assert campaign_id(first) == campaign_id(again)
    assert "1 had been queued before" in again.output
    assert campaign_id(other) != campaign_id(first)
    monkeypatch.setenv("PSEUDONYM_KEYS", new)
    refused = octopush("send", "--csv", path, *SEND)
    assert refused.exit_code == 1
    assert "PSEUDONYM_KEYS" in refused.output


def test_a_dry_run_needs_no_redis(octopush, listed, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    result = octopush("send", "--csv", listed(numbers(3)), *SEND, "--dry-run")

    assert result.exit_code == 0, result.output
    assert "recipients 3 in 1 message" in result.output
    assert octopush("send", "--csv", listed(numbers(3)), *SEND).exit_code == 4


@pytest.mark.parametrize(
    "other",
    [["--text", "Other STOP au 30101"], ["--sender", "Brasserie"], ["--ttl", "2h"], ["--purpose", "alert"]],
)
def test_another_text_or_option_is_another_campaign_unless_it_is_named(octopush, listed, other):
    path = listed(numbers(3))
    first = octopush("send", "--csv", path, *SEND)

    assert campaign_id(octopush("send", "--csv", path, *SEND, *other)) != campaign_id(first)
    refused = octopush("send", "--csv", path, *SEND, *other, "--campaign", campaign_id(first))
    assert refused.exit_code == 5
    assert "was begun with another file, text or other options" in refused.output


def test_columns_fill_placeholders(octopush, listed, redis_client):
    path = listed([f"Zoë;{number};8" for number in numbers(2)], "First name;phone_number;param1")

    result = octopush(
        "send", "--csv", path, "--text", "{first_name} {param1} STOP au 30101", "--sender", "Bistro"
    )

    assert result.exit_code == 0, result.output
    (body,) = (json.loads(redis_client.get(key)) for key in redis_client.scan_iter("*:body:*"))
    assert body["recipients"][0] == {"phone_number": numbers(1)[0], "first_name": "Zoë", "param1": "8"}


def test_bad_rows_are_refused_with_their_lines_before_anything_is_queued(octopush, listed, redis_client):
    given = [*numbers(600), "0612345678", numbers(1)[0]]

    result = octopush("send", "--csv", listed(given), *SEND)

    assert result.exit_code == 1
    assert "line 602: 0612****78 phone_number: must be international" in result.output
    assert "line 603: +336******00 phone_number: same number as an earlier recipient" in result.output
    assert "of 602 rows 1 is bad and 1 is repeated; nothing was queued" in result.output
    assert redis_client.dbsize() == 0
    assert not re.search(r"0612345678|\+3361200\d{4}", result.output)


def test_a_dry_run_foretells_a_refusal(octopush, listed):
    path = listed([*numbers(3), numbers(1)[0]])

    foretold = octopush("send", "--csv", path, *SEND, "--dry-run")
    assert foretold.exit_code == 1
    assert "would be refused: of 4 rows 1 is repeated" in foretold.output
    left_out = octopush("send", "--csv", path, *SEND, "--dry-run", "--bad-rows", "leave-out")
    assert (left_out.exit_code, "would be refused" in left_out.output) == (0, False)
    fine = octopush("send", "--csv", listed(numbers(3)), *SEND, "--dry-run")
    assert (fine.exit_code, "would be refused" in fine.output) == (0, False)


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_an_impossible_campaign_id_is_refused_before_the_file_is_read(octopush, listed, dry):
    result = octopush("send", "--csv", listed(numbers(3)), *SEND, "--campaign", "My spring campaign!", *dry)

    assert result.exit_code == 1
    assert result.output == "Error: campaign_id: must be 1 to 24 letters, digits or -_.\n"


def test_reasons_that_are_not_counted_one_by_one_are_not_kept_back(octopush, listed):
    given = [
        "0612345678",
        '"3,36E+10"',
        "0033612345678",
        "612345678",
        "12",
        "12",
        f"{numbers(1)[0]},a,b",
        ",x",
    ]

    shown = octopush("send", "--csv", listed(given, "phone_number,note"), *SEND, "--dry-run").output

    told = re.findall(r"^ {11}\d+ x ", shown, re.MULTILINE)
    assert len(told) == 5
    assert re.search(r"^ {11}… and \d more reasons?$", shown, re.MULTILINE)


def test_what_waits_aside_is_counted_once_whatever_it_waits_for(octopush, listed, redis_client):
    octopush("send", "--csv", listed(numbers(2)), *SEND, "--campaign", "spring")
    redis_client.hset(
        KEYS.gates,
        mapping={
            "credit": '{"code":"104","since":1764000000000,"balance":25,"floors":{}}',
            "777": '{"code":"777","since":1764000000000,"shut":{"sender":"Bistro"}}',
        },
    )
    redis_client.hset(KEYS.campaign("spring"), mapping={"aside:credit": 2, "aside:777": 3})

    shown = octopush("campaign", "status", "spring").output

    assert "aside      5 messages wait: code 777, nobody knows it; sender Bistro\n" in shown
    assert "           and: credit: price unknown, 25.00 left (code 104)\n" in shown


def test_an_address_where_no_redis_answers_is_named_without_its_password(octopush, listed, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:hush@127.0.0.1:1/0")
    for command in (["send", "--csv", listed(numbers(1)), *SEND], ["campaign", "status", "x"]):
        result = octopush(*command)
        assert result.exit_code == 4
        assert "Redis at redis://127.0.0.1:1/0 did not answer" in result.output
        assert "hush" not in result.output


def test_who_wants_no_more_sms_is_named_among_those_who_get_nothing(octopush, listed):
    octopush("suppress", "add", numbers(1)[0], "--reason", "x")

    told = octopush("send", "--csv", listed(numbers(3)), *SEND)
    assert "1 recipient left out: they want no more SMS, or have not agreed to any" in told.output
    stands = octopush("campaign", "status", campaign_id(told))
    assert "cancelled 1," in stands.output
    assert "of those cancelled 1 left out: they want no more SMS" in stands.output
    assert json.loads(octopush("campaign", "status", campaign_id(told), "--json").stdout)["suppressed"] == 1


def test_bad_rows_can_be_left_out(octopush, listed, redis_client):
    given = [*numbers(3), "rubbish", f"{numbers(5)[4]},,extra"]

    result = octopush("send", "--csv", listed(given, "phone_number,note"), *SEND, "--bad-rows", "leave-out")

    assert result.exit_code == 0, result.output
    assert texted(redis_client) == Counter(numbers(3))
    assert "bad rows   2" in result.output
    assert "line 6: row: more cells than the first row" in result.output
    assert "from a file of their own" in result.output


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_every_row_is_accounted_for(octopush, listed, dry):
    given = [
        *numbers(7),
        numbers(1)[0],
        "",
        "rubbish",
        "0612345678",
        '"two\nlines"',
        ",",
        f"{numbers(9)[8]},,x",
    ]

    result = octopush(
        "send", "--csv", listed(given, "phone_number,note"), *SEND, *dry, "--bad-rows", "leave-out"
    )

    assert result.exit_code == 0, result.output
    told = dict(re.findall(r"^(recipients|repeated|bad rows|rows) +(\d+)", result.output, re.MULTILINE))
    assert told == {"recipients": "7", "repeated": "1", "bad rows": "4", "rows": "12"}


def test_a_repeated_row_is_counted_as_such_everywhere(octopush, listed, tmp_path):
    """In the dry run, in what is queued, in a refusal, and in the file of bad rows."""
    path, mend = listed([numbers(1)[0], numbers(1)[0], "rubbish", "+33 6 00"]), tmp_path / "mend.csv"
    line = ["send", "--csv", path, *SEND]

    refused = octopush(*line)
    dry = json.loads(octopush(*line, "--dry-run", "--bad-rows", "leave-out", "--json").stdout)
    told = octopush(*line, "--bad-rows-to", mend)
    queued = json.loads(octopush(*line, "--bad-rows-to", mend, "--json").stdout)

    assert "of 4 rows 2 are bad and 1 is repeated; nothing was queued" in refused.output
    assert (dry["preview"]["repeated"], dry["preview"]["left_out"]) == (1, 3)
    assert [{name: each[name] for name in ("repeated", "bad_rows", "rows")} for each in (dry, queued)] == [
        {"repeated": 1, "bad_rows": 2, "rows": 4}
    ] * 2
    assert "2 bad rows to mend in" in told.output
    assert len(mend.read_text("utf-8").splitlines()) == 1 + 2


def test_national_numbers_are_read_in_a_region(octopush, listed, redis_client, monkeypatch):
    path = listed(["06 12 34 56 78", "0690335941", "+447400123456"])

    assert (
        "a national number needs a country, such as DEFAULT_REGION=FR"
        in octopush("send", "--csv", path, *SEND).output
    )
    assert "or --region FR" in octopush("send", "--csv", path, *SEND).output
    assert "'--region': must be the two" in octopush("send", "--csv", path, *SEND, "--region", "zz").output
    first = octopush("send", "--csv", path, *SEND, "--region", "fr")
    assert first.exit_code == 0
    assert texted(redis_client) == Counter(["+33612345678", "+590690335941", "+447400123456"])
    monkeypatch.setenv("DEFAULT_REGION", "FR")
    again = octopush("send", "--csv", path, *SEND)
    assert "0 messages now, 3 had been queued before" in again.output
    assert campaign_id(first) == campaign_id(again)


def test_a_file_that_is_read_in_another_way_the_next_time_texts_nobody_again(octopush, listed, redis_client):
    path = listed(["+33612345678", "06 87 65 43 21"])
    octopush("send", "--csv", path, *SEND, "--bad-rows", "leave-out")

    again = octopush("send", "--csv", path, *SEND, "--region", "FR")

    assert (again.exit_code, "nothing was queued from the first difference on" in again.output) == (5, True)
    assert texted(redis_client) == Counter(["+33612345678"])


def test_columns_are_mapped_and_shown(octopush, listed, redis_client):
    path = listed([f"Zoë;{number};x" for number in numbers(2)], "Rufname;Téléphone;Nom")
    text = ["--text", "{first_name} {last_name} STOP au 30101", "--sender", "Bistro"]

    missing = octopush("send", "--csv", path, *text).output
    assert "the column first_name is not in the file" in missing
    assert "columns found: Rufname, Téléphone, Nom" in missing
    result = octopush("send", "--csv", path, *text, "--map", "first_name=rufname")
    assert result.exit_code == 0, result.output
    assert "columns    phone_number = Téléphone, first_name = Rufname, last_name = Nom" in result.output
    (body,) = (json.loads(redis_client.get(key)) for key in redis_client.scan_iter("*:body:*"))
    assert body["recipients"][0] == {"phone_number": numbers(1)[0], "first_name": "Zoë", "last_name": "x"}


def test_what_stands_in_a_bad_row_cannot_steer_the_screen(octopush, listed):
    result = octopush("send", "--csv", listed(["\x1b[2Jrubbish"]), *SEND, "--dry-run")

    assert "line 2: \ufffd[2J" in result.output
    assert "\x1b" not in result.output


def test_a_reason_that_came_once_is_said_once(octopush, listed):
    one = octopush("send", "--csv", listed(["x", *numbers(1)]), *SEND, "--dry-run").output
    two = octopush("send", "--csv", listed(["x", "y"]), *SEND, "--dry-run").output

    assert one.count("must be international") == 1
    assert "recipients 1 in 1 message\n" in one
    assert two.count("must be international") == 3


def test_of_many_bad_rows_some_are_shown_and_all_are_counted(octopush, listed):
    result = octopush("send", "--csv", listed(["x"] * 100), *SEND, "--dry-run")

    assert result.exit_code == 1, result.output
    assert len(re.findall(r"^line \d+:", result.output, re.MULTILINE)) == 20
    assert "bad rows   100" in result.output
    assert "100 x phone_number: must be international" in result.output


def test_a_dry_run_counts_and_queues_nothing(octopush, listed, redis_client):
    given = [*numbers(501), "rubbish"]
    text = "x" * 147 + " STOP au 30101"
    result = octopush("send", "--csv", listed(given), "--text", text, "--sender", "Bistro", "--dry-run")

    assert result.exit_code == 1, result.output
    for line in ("recipients 501 in 2 messages", "segments   1002", "bad rows   1", "line 503: "):
        assert line in result.output
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sender", "x"], "sender: must be 3 to 11"),
        (["--text", "Hello {first_name}"], "the column first_name is not in the file, but the text uses it"),
        (["--column", "mobile"], "the column mobile is not in the file"),
        (["--campaign", "with:colon"], "campaign_id: must be 1 to 24"),
        (["--map", "first_name=x"], "the column x is not in the file; columns found: phone_number"),
        (["--map", "name=x"], "names are phone_number, first_name"),
        (["--map", "first_name="], "must be a name, ="),
        (["--map", "first_name=a", "--map", "first_name=b"], "two columns are named for one thing"),
        (["--map", "phone_number=a", "--column", "b"], "two columns are named for one thing"),
        (["--ttl", "soon"], "must be a number and s, m, h or d"),
        (["--at", "tomorrow"], "send_at: must be"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_queued(octopush, listed, redis_client, arguments, says):
    result = octopush("send", "--csv", listed(numbers(3)), *SEND, *arguments)

    assert result.exit_code in {1, 2}
    assert says in result.output
    assert redis_client.dbsize() == 0


def test_wrong_settings_and_an_absent_redis_are_said_plainly(octopush, listed, monkeypatch):
    path = listed(numbers(3))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert "To go on: the same command again" in octopush("send", "--csv", path, *SEND).output
    assert octopush("campaign", "status", "x").exit_code == 4
    monkeypatch.setenv("REDIS_URL", "http://nowhere")
    assert "REDIS_URL" in octopush("send", "--csv", path, *SEND).output


def test_a_time_to_send_at_is_read_in_paris(octopush, listed):
    """So is each date that is typed: docs/commands.md. Both spellings are one option of one campaign."""
    written = [
        ["--at", at, "--campaign", "later"] for at in ("2099-01-31T09:00", "2099-01-31T09:00:00+01:00")
    ]
    path = listed(numbers(3))
    assert "queued     1 message now" in octopush("send", "--csv", path, *SEND, *written[0]).output
    assert "queued     0 messages now" in octopush("send", "--csv", path, *SEND, *written[1]).output
    assert "due        2099-01-31 09:00:00+01:00\n" in octopush("campaign", "status", "later").output
    assert json.loads(octopush("campaign", "status", "later", "--json").stdout)["due_at"][:10] == "2099-01-31"


def test_the_campaign_commands(octopush, listed):
    name = campaign_id(octopush("send", "--csv", listed(numbers(1203)), *SEND))

    assert "recipients 1203, pending 1203" in octopush("campaign", "status", name).output
    assert octopush("campaign", "pause", name).output.startswith("paused")
    assert "PAUSED" in octopush("campaign", "status", name).output
    assert octopush("campaign", "list").output.count("PAUSED") == 1
    assert octopush("campaign", "resume", name).output == "resumed\n"
    cancelled = octopush("campaign", "cancel", name).output
    assert "messages   3 cancelled, too late for 0\ncampaign " in cancelled
    assert "cancelled 1203" in cancelled
    assert "was cancelled" in octopush("campaign", "resume", name).output
    again = octopush("send", "--csv", listed(numbers(1203)), *SEND)
    assert again.exit_code == 5
    assert "was cancelled" in again.output


@pytest.mark.parametrize("command", ["status", "pause", "resume", "cancel"])
def test_an_unknown_campaign_is_said_to_be_unknown(octopush, command):
    result = octopush("campaign", command, "nobody")

    assert (result.exit_code, 'no campaign "nobody"' in result.output) == (3, True)


def test_waiting_ends_when_all_have_ended(octopush, listed, redis_client):
    path = listed(numbers(3))
    name = campaign_id(octopush("send", "--csv", path, *SEND))
    redis_client.hset(KEYS.campaign(name), mapping={"accepted": 3, "cost": "0.15"})

    result = octopush("send", "--csv", path, *SEND, "--wait")

    assert result.exit_code == 0, result.output
    assert "3/3: accepted 3; cost 0.15" in result.output
    assert octopush("campaign", "status", "--wait", name).exit_code == 0


def test_bad_rows_go_to_a_file_that_is_mended_and_sent(octopush, listed, redis_client, tmp_path):
    given = [f"{n};Zoë" for n in numbers(3)] + ["3,36E+10;Léa", f"{numbers(1)[0]};twice", ";Noé"]
    path, bad = listed(given, "Téléphone;Prénom"), tmp_path / "bad.csv"
    command = ["send", *SEND[2:], "--text", "Hi {first_name} STOP au 30101", "--csv"]

    told = octopush(*command, path, "--bad-rows-to", bad)

    assert told.exit_code == 0, told.output
    assert "2 bad rows to mend in" in told.output
    titles, *rows = bad.read_text("utf-8-sig").splitlines()
    assert titles == "problem;Téléphone;Prénom"
    assert [row.partition(";")[2] for row in rows] == ["3,36E+10;Léa", ";Noé"]
    assert rows[0].startswith("phone_number: must be international, such as +33612345678, not the scientific")
    assert octopush(*command, path, "--bad-rows-to", bad).exit_code == 0
    mended = bad.read_text("utf-8-sig").replace("3,36E+10", numbers(9)[8]).replace(";;", f";{numbers(8)[7]};")
    bad.write_text(mended, "utf-8-sig")
    again = octopush(*command, path, "--bad-rows-to", bad)
    assert (again.exit_code, "may have been mended: it stays as it is" in again.output) == (1, True)
    assert bad.read_text("utf-8-sig") == mended
    assert octopush(*command, bad).exit_code == 0
    assert texted(redis_client) == Counter([*numbers(3), numbers(9)[8], numbers(8)[7]])


def test_a_file_for_bad_rows_goes_with_a_list_and_refuses_nothing(octopush, listed, tmp_path):
    bad = tmp_path / "bad.csv"
    for line in (["--to", numbers(1)[0]], ["--csv", listed(numbers(1)), "--bad-rows", "refuse"]):
        assert octopush("send", *line, *SEND, "--bad-rows-to", bad).exit_code == 2
    dry = octopush("send", "--csv", listed(["x"]), *SEND, "--bad-rows-to", bad, "--dry-run", "--json")
    assert json.loads(dry.stdout)["bad_rows_to"] == str(bad)
    assert len(bad.read_text().splitlines()) == 2
    nowhere = octopush("send", "--csv", listed(["x"]), *SEND, "--bad-rows-to", tmp_path / "no" / "bad.csv")
    assert (nowhere.exit_code, "nothing was done" in nowhere.output) == (1, True)


def test_a_list_is_read_from_standard_input_and_is_the_same_campaign(octopush, listed, redis_client):
    path = listed(numbers(3))
    runner = CliRunner()
    piped = runner.invoke(main, ["send", "--csv", "-", *SEND], input=path.read_bytes())

    assert piped.exit_code == 0, piped.output
    assert campaign_id(piped) == campaign_id(octopush("send", "--csv", path, *SEND))
    assert texted(redis_client) == Counter(numbers(3))


ONE = ["send", "--to", "06 12 34 56 78", "--region", "FR", "--text", "8?", "--sender", "Bistro"]


def test_one_message_is_named_and_a_second_time_said_to_be_queued_already(octopush, redis_client):
    line = [*ONE, "--purpose", "alert"]
    told = [octopush(*line), octopush(*line)]
    as_json = json.loads(octopush(*line, "--json").stdout)

    request_id = f"{campaign_id(told[0])}.0"
    assert f"message    {request_id}, queued now\n" in told[0].output
    assert f"message    {request_id}, had been queued before; it is not sent again" in told[1].output
    assert "queued now" not in told[1].output
    assert (as_json["request_id"], as_json["created"], as_json["existing"]) == (request_id, 0, 1)
    assert redis_client.exists(f"{{sms}}:record:{request_id}")


@pytest.mark.parametrize(
    ("outcome", "code", "state", "says"),
    [
        (Accepted("sms_1", cost="0.04"), 0, "accepted", "The gateway accepted it"),
        (Refused("121"), 1, "rejected", "STOP mention missing"),
    ],
    ids=["accepted", "rejected"],
)
def test_one_message_is_waited_for_and_its_end_is_told(octopush, redis_client, outcome, code, state, says):
    line = [*ONE, "--purpose", "alert"]
    octopush(*line)
    worker = HandWorker(redis_client)
    for claim in worker.take():
        worker.finish(claim, outcome)

    told, as_json = octopush(*line, "--wait"), octopush(*line, "--wait", "--json")

    assert (told.exit_code, as_json.exit_code) == (code, code), told.output
    assert re.search(rf"^message    .*{says}", told.output, re.MULTILINE)
    assert json.loads(as_json.stdout)["message"]["state"] == state


def test_replies_are_shown_as_they_come_for_as_long_as_was_said(octopush, redis_client):
    line = [*ONE, "--purpose", "alert", "--with-replies", "--wait", "--replies-for", "1s"]
    name = campaign_id(octopush(*line[:-3]))
    worker = HandWorker(redis_client)
    for claim in worker.take():
        worker.finish(claim, Accepted("sms_1"))
    answer = parse({"number": "+33612345678", "text": "Oui"}, "", datetime.now(UTC), "c")
    for text, request_id in (("Oui", f"{name}.0"), ("Non", "other.0"), ("Peut-être", "")):
        event = msgspec.structs.replace(answer, text=text, request_id=request_id, event_id=text)
        Publisher(redis_client, RedisSettings()).publish([event])

    told, as_json = octopush(*line), octopush(*line, "--json")

    assert told.exit_code == 0, told.output
    assert "Oui" in told.stdout
    assert not re.search(r"Non|Peut|12345678", told.stdout)
    assert [json.loads(each).get("text") for each in as_json.stdout.splitlines()] == [None, "Oui"]
    assert octopush(*ONE, "--replies-for", "1s").exit_code == 2


# Real processes.


def start(path: Path, redis_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "worker.cli", "send", "--csv", str(path), *SEND, "--bad-rows", "leave-out"],
        env={**bare_environment(), "REDIS_URL": redis_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_after_sigkill_the_same_command_queues_the_rest_and_nobody_twice(listed, redis_url, redis_client):
    path, kills = listed(numbers(MANY)), 0
    for slices in (3, 30, 50):
        with start(path, redis_url) as process:
            until(lambda n=slices: redis_client.llen(READY) >= n or process.poll() is not None, 60)
            kills += process.poll() is None
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    cut = redis_client.llen(READY)

    with start(path, redis_url) as process:
        output, _ = process.communicate(timeout=100)

    assert process.returncode == 0, output
    assert kills == 3
    assert 50 <= cut < 100
    assert f"{100 - cut} messages now, {cut} had been queued before" in output
    assert texted(redis_client) == Counter(numbers(MANY))
    assert Producer(redis_url).campaign_status(re.search(r"csv-\w+", output)[0]).recipients == MANY


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_how_to_go_on_and_is_no_success(listed, redis_url, redis_client, number):
    with start(listed(numbers(MANY)), redis_url) as process:
        until(lambda: redis_client.llen(READY) >= 3, 60)
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 130, output
    assert "To go on: the same command again" in output
