"""The commands as scripts and people meet them: exit codes, stdout and stderr, JSON, CSV, outages."""

import csv
import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import click
import msgspec
import pytest
import redis
from click.testing import CliRunner, Result

from producers.contract.settings import RedisSettings
from tests.support import commands_page
from tests.support.csv_cells import without_apostrophe
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.hostile_texts import HOSTILE_TEXTS
from tests.support.installation import bare_environment
from tests.support.replies import put_replies, reply
from tests.support.waiting import until
from worker.callbacks.payloads import parse
from worker.callbacks.publisher import Publisher
from worker.cli import main
from worker.gateway.outcomes import Accepted, Duplicate, Refused
from worker.presentation.output import Output
from worker.presentation.visible import visible, whole

NUMBER = "+33612345678"
BEGIN_MS = 1_793_500_000_000
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def run(redis_url) -> Callable[..., Result]:
    """Run a command in this process."""

    def invoke(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(main, list(arguments), env={"REDIS_URL": redis_url, **environment})

    return invoke


@pytest.fixture
def process(redis_url) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a process of its own."""

    def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "worker.cli", *arguments],
            env={**bare_environment(), "REDIS_URL": redis_url, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return start


@pytest.fixture
def messages(redis_client, sms) -> None:
    """Bring messages to several states: their ids say which."""
    worker = HandWorker(redis_client)
    outcomes = {"accepted": Accepted("sms_1"), "rejected": Refused("121"), "unknown": Duplicate("120")}
    for name in outcomes:
        sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id=name, with_replies=True)
    for claim in worker.take():
        worker.finish(claim, outcomes[claim.entry.id])
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="queued")
    sms.send_campaign("Hi STOP au 30101", [NUMBER], campaign_id="spring", sender="Bistro")


def published(client, text: str, request_id: str = "accepted") -> None:
    event = parse(
        {"number": NUMBER, "text": text, "reception_date": "2030-01-31 14:05:09"}, "", datetime.now(UTC), "c"
    )
    Publisher(client, RedisSettings()).publish([msgspec.structs.replace(event, request_id=request_id)])


#: A command line, and how it ends.
ENDS = [
    (["status"], 0),
    (["explain", "queued"], 0),
    (["explain", "nobody"], 3),
    (["show", "accepted"], 0),
    (["show", "nobody"], 3),
    (["replies"], 0),
    (["replies", "--since", "yesterday"], 2),
    (["replies", "--since", "2026-11-02", "--until", "2026-11-01"], 2),
    (["replies", "--country", "France"], 2),
    (["replies", "--csv", "--follow"], 2),
    (["replies", "--until", "2026-11-01", "--follow"], 2),
    (["conversation", NUMBER], 0),
    (["conversation", "+33612345679"], 3),
    (["conversation", "nonsense"], 1),
    (["parked"], 0),
    (["parked", "--state", "accepted"], 2),
    (["resolve", "unknown"], 2),
    (["resolve", "queued", "--as-accepted"], 5),
    (["resolve", "nobody", "--as-accepted"], 3),
    (["resolve", "unknown", "--as-accepted"], 0),
    (["replay", "rejected"], 0),
    (["replay", "rejected", "queued"], 5),
    (["replay", "rejected", "nobody"], 3),
    (["replay", "--state", "failed"], 0),
    (["replay"], 2),
    (["release"], 0),
    (["release", "--breaker", "777"], 3),
    (["limits", "--rate", "-1"], 2),
    (["limits"], 0),
    (["audit"], 0),
    (["campaign", "list"], 0),
    (["campaign", "status", "spring"], 0),
    (["campaign", "status", "nobody"], 3),
    (["campaign", "pause", "spring"], 0),
    (["campaign", "resume", "spring"], 0),
    (["campaign", "cancel", "spring"], 0),
    (["campaign", "cancel", "nobody"], 3),
    (["completion", "zsh"], 0),
    (["completion", "tcsh"], 2),
    (["nothing"], 2),
]


@pytest.mark.parametrize(("arguments", "code"), ENDS, ids=[" ".join(arguments) for arguments, _ in ENDS])
def test_each_command_ends_as_promised_in_words_and_in_json(run, messages, arguments, code):
    if arguments[:2] != ["resolve", "unknown"]:
        words = run(*arguments)
        assert words.exit_code == code, words.output
        assert bool(words.stderr) or code in {0, 3, 5}
    told = run(*arguments, "--json")
    assert told.exit_code == code, told.output
    found = json.loads(told.stdout)
    assert found["v"] == 1
    if arguments[0] == "nothing":
        assert found["error"] == "usage"
        return
    name = " ".join(arguments[: 2 if arguments[0] == "campaign" else 1])
    assert code in commands_page.codes(name)
    if not code and name != "show":  # whose fields are those of the record
        assert set(found) - {"v"} == commands_page.fields(name)
    assert told.stdout.count("\n") == 1
    if code and arguments[0] not in {"explain", "replay"}:
        names = {1: "failed", 2: "usage", 3: "not_found", 5: "forbidden"}
        assert found["error"] == names[code]


def test_a_campaign_that_was_cancelled_is_a_state_that_forbids(run, messages):
    run("campaign", "cancel", "spring")
    assert run("campaign", "pause", "spring").exit_code == 5
    assert run("campaign", "resume", "spring").exit_code == 5


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_a_campaign_that_is_done_is_a_state_that_forbids(run, messages, redis_client, action):
    worker = HandWorker(redis_client, queue="marketing")
    for claim in worker.take():
        worker.finish(claim, Accepted("sms_1"))
    told = run("campaign", action, "spring", "--json")
    assert (told.exit_code, json.loads(told.stdout)["error"]) == (5, "forbidden")
    assert "campaign spring is done: all of it has ended; nothing was changed" in told.stderr
    assert 5 in commands_page.codes(f"campaign {action}")
    assert "spring: done; 1/1: accepted 1" in run("campaign", "list").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        *(["status"], ["explain", "x"], ["show", "x"], ["replies"], ["replies", "--follow"], ["parked"]),
        *(["conversation", NUMBER], ["resolve", "x", "--as-accepted"], ["replay", "--state", "failed"]),
        *(["release"], ["limits"], ["audit"], ["campaign", "list"], ["campaign", "status", "x"]),
    ],
    ids=" ".join,
)
def test_a_redis_that_is_away_is_exit_code_4_and_keeps_its_password(run, arguments):
    told = run(*arguments, "--json", REDIS_URL="redis://:hush@127.0.0.1:1/0")
    assert (told.exit_code, json.loads(told.stdout)["error"]) == (4, "redis_away")
    assert "127.0.0.1:1/0 did not answer" in told.stderr
    assert "hush" not in told.output


def test_a_redis_that_refuses_us_is_no_outage(run, redis_client):
    redis_client.set(KEYS.hold, "not a hash")
    told = run("status")
    assert told.exit_code == 1
    assert "refuses (ResponseError)" in told.stderr


@pytest.mark.parametrize("since", ["1970-01-01", "0001-01-02", "1970-01-01T01:00+01:00"])
def test_replies_are_followed_from_any_date_on(run, redis_client, since):
    published(redis_client, "Oui")
    told = run("replies", "--since", since, "--follow", "--limit", "1")
    assert (told.exit_code, told.stdout.count("Oui")) == (0, 1)


def test_data_goes_to_stdout_and_words_to_stderr(process, messages, redis_client):
    for n in range(3):
        published(redis_client, f"Oui {n}")
    done = process("replies", "--limit", "2")
    assert done.returncode == 0
    assert [line.split("  ")[3] for line in done.stdout.splitlines()] == ["Oui 2", "Oui 1"]
    assert done.stderr == "… and older ones: --limit 20\n"
    nobody = process("resolve", "nobody", "--as-accepted")
    assert (nobody.returncode, nobody.stdout) == (3, "")
    assert nobody.stderr.startswith('Error: nobody knows "nobody": ')
    away = process("status", REDIS_URL=NOWHERE)
    assert (away.returncode, away.stdout) == (4, "")
    usage = process("resolve", "x")
    assert (usage.returncode, usage.stdout) == (2, "")


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_no_encoding_of_the_terminal_stops_a_command(process, redis_client, environment):
    published(redis_client, "Été \u202e \U0001f600", "")
    words, told, table = (
        process("replies", *option, **environment) for option in ([], ["--json"], ["--csv"])
    )
    assert words.returncode == 0, words.stderr
    assert "U+202E" in words.stdout
    assert json.loads(told.stdout)["replies"][0]["text"] == "Été \u202e \U0001f600"
    assert table.stdout.startswith("\ufeff")


def test_numbers_are_masked_until_somebody_reveals_them_which_is_audited(run, messages, redis_client):
    published(redis_client, "Oui")
    commands = [
        ["replies"],
        ["replies", "--csv"],
        ["conversation", NUMBER],
        ["explain", "accepted"],
        ["show", "accepted"],
    ]
    for arguments in commands:
        for extra in ([], ["--json"]) if "--csv" not in arguments else ([],):
            masked = run(*arguments, *extra)
            assert NUMBER not in masked.output, arguments
    assert redis_client.xlen(KEYS.audit) == 0
    for arguments in commands:
        assert NUMBER in run(*arguments, "--reveal").stdout, arguments
    entries = json.loads(run("audit", "--json").stdout)["audit"]
    assert [entry["action"] for entry in entries] == ["reveal"] * 5
    assert NUMBER not in run("audit").output
    assert "replies, text *" not in run("audit").output
    run("replies", "--reveal", "--text", "secret words", "--country", "fr")
    newest = run("audit", "--limit", "1").output
    assert "country FR" in newest
    assert "secret words" not in newest


@pytest.mark.parametrize("line", ["show booked", "replies", f"conversation {NUMBER}"])
def test_a_number_within_a_context_is_masked_as_numbers_are(run, sms, redis_client, line):
    context = {"booking": 42, "tel": NUMBER, "06 12 34 56 78": [33612345678, "not 0712345678"]}
    message = {"sender": "Bistro", "purpose": "alert", "request_id": "booked", "with_replies": True}
    sms.send(NUMBER, "8?", **message, context=context)
    event = parse({"number": NUMBER, "text": "Oui"}, "", datetime.now(UTC), "c")
    answer = msgspec.structs.replace(event, request_id="booked", context=context)
    Publisher(redis_client, RedisSettings()).publish([answer])

    def told(*options: str) -> list[dict]:
        found = json.loads(run(*line.split(), "--json", *options).stdout)
        return [each["context"] for each in found.get("replies") or found.get("turns") or [found]]

    for extra in ([], ["--json"], *([["--csv"]] if line == "replies" else [])):
        assert not re.search("612345678|12 34 56", run(*line.split(), *extra).stdout)
    for each in told():
        assert (each["booking"], each["tel"]) == (42, "+336******78")
        assert "not 0712345678" in each.popitem()[1]
    assert told("--reveal") == [context] * len(told())


@pytest.mark.parametrize("command", ["show", "explain"])
def test_a_number_within_the_words_of_the_gateway_is_masked_as_numbers_are(run, sms, redis_client, command):
    sms.send(NUMBER, "8?", sender="Bistro", purpose="alert", request_id="refused")
    worker = HandWorker(redis_client)
    [claim] = worker.take()
    worker.finish(claim, Refused("117", "0612345678 or 33612345678 is wrong"))
    for extra in ([], ["--json"]):
        assert "is wrong" in (masked := run(command, "refused", *extra).stdout)
        assert "612345678" not in masked
    assert "0612345678 or 33612345678 is wrong" in run(command, "refused", "--reveal").stdout


def test_of_a_message_whose_body_is_gone_all_that_may_be_a_number_is_masked(run, sms, redis_client):
    sms.send(NUMBER, "8?", sender="Bistro", purpose="alert", request_id="booked", context={"tel": NUMBER})
    redis_client.delete(KEYS.body("booked"))
    assert "612345678" not in run("show", "booked", "--json").stdout
    assert NUMBER in run("show", "booked", "--reveal").stdout


def test_nothing_is_revealed_if_it_cannot_be_audited(run, messages, redis_client):
    published(redis_client, "Oui")
    redis_client.set(KEYS.audit, "no stream")
    told = run("replies", "--reveal")
    assert told.exit_code == 1
    assert NUMBER not in told.output


def test_what_is_unknown_is_listed_for_whoever_resolves_it(run, messages):
    told = json.loads(run("parked", "--state", "unknown", "--json").stdout)
    assert [(each["request_id"], each["code"]) for each in told["parked"]] == [("unknown", "120")]
    assert "unknown: unknown 120 since" in run("parked", "--code", "120").output
    assert run("parked", "--code", "999").stdout == ""
    assert json.loads(run("parked", "--limit", "1", "--json").stdout)["more"] is True


def test_status_knows_how_many_workers_live_and_how_long_the_oldest_waits(run, messages, redis_client):
    redis_client.hincrby(KEYS.record("queued"), "queued", -7_200_000)
    assert "workers    NONE alive" in run("status").output
    seconds = redis_client.time()[0]
    redis_client.zadd(KEYS.workers, {"a": seconds * 1000, "b": seconds * 1000, "c": (seconds - 60) * 1000})
    shown = run("status").output
    assert "workers    2 alive\n" in shown
    assert "alert      ready 1, delayed 0, running 0, dead 0; the oldest has waited for 2 h\n" in shown
    told = json.loads(run("status", "--json").stdout)
    assert told["workers"]["alive"] == 2
    assert told["queues"][0]["oldest_s"] >= 7200


def test_a_campaign_has_one_word_in_words_and_in_json(run, messages):
    assert "campaign   spring: sending\n" in run("campaign", "status", "spring").stdout
    assert json.loads(run("campaign", "status", "spring", "--json").stdout)["state"] == "sending"


def test_campaigns_are_listed(run, messages):
    assert "spring: " in run("campaign", "list").output
    [told] = json.loads(run("campaign", "list", "--json").stdout)["campaigns"]
    assert (told["campaign_id"], told["recipients"], told["pending"]) == ("spring", 1, 1)


def test_dates_in_the_wrong_order_are_named(run):
    for command in (["replies"], ["forward", "replay", "shop"]):
        for end in ("2026-11-01T09:30", "2026-11-02"):
            told = run(*command, "--since", "2026-11-03", "--until", end)
            assert told.exit_code == 2
            assert told.stderr.endswith(f"Error: --since 2026-11-03 is not before --until {end}\n")


@pytest.mark.parametrize(
    "line",
    [
        *(
            "replies --match foo",
            "replies --limit",
            "replies --nothing",
            "replies one",
            "show",
            "campaign foo",
        ),
        *("nothing", "forward list one", "forward-http 1 2 3", "completion", "up --workers 0"),
    ],
)
def test_a_line_that_cannot_be_read_is_an_object_for_programs(run, line):
    words = run(*line.split())
    assert (words.exit_code, words.stdout) == (2, "")
    command, *rest = line.split()
    told = run(command, *rest, "--json") if rest != ["--limit"] else run(command, "--json", *rest)
    assert told.exit_code == 2
    assert told.stdout.count("\n") == 1
    found = json.loads(told.stdout)
    assert (found["v"], found["error"]) == (1, "usage")
    assert found["message"] in told.stderr


@pytest.mark.parametrize(
    "line",
    [
        ["show"],
        ["explain"],
        ["replay", "rejected"],
        ["resolve", "--as-accepted"],
        ["blocks", "lift"],
        ["release", "--breaker"],
    ],
)
def test_bytes_of_another_encoding_are_no_name(run, line):
    """Python hands them on as half surrogates, which ended these commands with a traceback."""
    told = run(*line, "caf\udce9", "--json")
    assert (told.exit_code, json.loads(told.stdout)["error"]) == (2, "usage")
    assert "is no text in UTF-8" in told.stderr


def test_what_stands_behind_two_dashes_asks_for_no_object(run):
    assert run("replies", "--match", "foo", "--", "--json").stdout == ""


def test_json_follows_the_command(run):
    told = run("--json", "status")
    assert told.exit_code == 2
    assert "--json follows the command, as in: octopush-worker status --json" in told.stderr
    assert json.loads(told.stdout)["error"] == "usage"


def test_an_empty_list_says_nothing_to_programs(run, redis_client):
    for command in (["campaign", "list"], ["parked"], ["replies"]):
        assert run(*command, "--json").stderr == ""
    assert "no campaigns" in run("campaign", "list").stderr


def test_explain_says_how_many_receipts_it_leaves_out(run, messages, redis_client):
    told = {f"+336{n:08d}": "1|2030-01-31T14:05:09+00:00|DELIVERED" for n in range(12_000_000, 12_000_500)}
    redis_client.hset(KEYS.deliveries("accepted"), mapping=told)
    shown = run("explain", "accepted").stdout
    assert shown.count("  receipt: ") + int(re.search(r"and (\d+) more receipts", shown)[1]) == 500
    assert json.loads(run("explain", "accepted", "--json").stdout)["receipts"] == 500


def test_explain_writes_amounts_as_all_commands_do(run, messages, redis_client):
    redis_client.hset(KEYS.record("accepted"), "cost", "25.0")
    assert "cost 25.00" in run("explain", "accepted").stdout


def test_a_conversation_has_both_directions(run, messages, redis_client):
    published(redis_client, "Oui\nmerci")
    lines = run("conversation", NUMBER).stdout.splitlines()
    assert lines[0] == "conversation with +336******78"
    assert [line.split("  ")[1] for line in lines[1:]] == [">", ">", ">", "<"]
    assert "Oui⟨U+000A⟩merci" in lines[-1]
    told = json.loads(run("conversation", NUMBER, "--limit", "1", "--json").stdout)
    assert [turn["direction"] for turn in told["turns"]] == ["in"]


def test_show_tells_all_of_one_message(run, messages):
    told = json.loads(run("show", "accepted", "--json").stdout)
    assert (told["state"], told["ticket"], told["text"]) == ("accepted", "sms_1", "Hello")
    assert told["recipients"][0]["number"] == "+336******78"


def test_show_says_that_a_two_way_message_leaves_from_a_short_number(run, messages, redis_client):
    assert "Bistro (the gateway shows a short number in its place)" in run("show", "unknown").stdout
    redis_client.hset(KEYS.record("unknown"), "short_number", "12345")
    assert "(the gateway shows the short number 12345 in its place)" in run("show", "unknown").stdout
    assert "in its place" not in run("show", "queued").stdout
    assert json.loads(run("show", "unknown", "--json").stdout)["short_number"] == "12345"


def test_show_writes_words_for_people_and_not_json(run, messages):
    told = run("show", "accepted").stdout
    assert re.search(r"^  queued_at          20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]:00$", told, re.MULTILINE)
    assert '"' not in told


def test_a_national_number_without_its_country_names_the_setting_for_it(run, messages):
    refused = run("conversation", "0612345678")
    assert refused.exit_code == 1
    assert "DEFAULT_REGION=FR" in refused.stderr
    assert "DEFAULT_REGION=FR" in json.loads(run("conversation", "0612345678", "--json").stdout)["message"]
    assert run("conversation", "0612345678", DEFAULT_REGION="FR").exit_code == 0


@pytest.mark.parametrize(
    "line",
    [
        *("replies", "conversation +33612345678", "explain accepted", "explain held", "show accepted"),
        *("status", "parked", "replay rejected", "audit", "campaign list", "campaign status spring"),
    ],
)
def test_every_time_that_is_printed_is_that_of_paris_and_says_so(line, run, messages, sms, redis_client):
    """A day before a leap to summer time, so that no offset is right by chance."""
    published(redis_client, "Oui")
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="held")
    run("replies", "--since", "2026-03-01", "--until", "2026-07-01", "--reveal")
    redis_client.hset(KEYS.hold, mapping={"code": "101", "since": BEGIN_MS})

    shown = run(*line.split()).stdout

    written = re.findall(r"\d{4}-\d\d-\d\d[T ]\S+", shown)
    assert written
    assert all(re.fullmatch(r"\S+ \d\d:\d\d:\d\d\+0[12]:00[:,]?", each) for each in written), written
    assert "UTC" not in shown


# Hostile texts.


@pytest.fixture
def hostile(redis_client) -> list[str]:
    """Put every hostile text that UTF-8 can hold on the stream; return them, the newest first."""
    texts = [whole(text) for text in HOSTILE_TEXTS.values()]
    put_replies(redis_client, [reply(BEGIN_MS + n, text=text) for n, text in enumerate(texts)])
    return texts[::-1]


def test_a_terminal_shows_one_harmless_line_for_each_hostile_text(run, hostile):
    shown = run("replies", "--limit", "500").stdout
    lines = shown.removesuffix("\n").split("\n")
    assert len(lines) == len(hostile)
    for line, text in zip(lines, hostile, strict=True):
        assert visible(text) in line
    assert all(character == "\n" or visible(character) == character for character in shown)


def test_json_and_csv_of_each_hostile_text_hold_it_whole(run, hostile):
    told = json.loads(run("replies", "--limit", "500", "--json").stdout)
    assert [each["text"] for each in told["replies"]] == hostile
    table = run("replies", "--limit", "500", "--csv").stdout_bytes.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [without_apostrophe(row["text"]) for row in rows] == hostile


def test_a_hostile_name_does_no_harm_in_a_message_either(run, redis_client):
    for text in HOSTILE_TEXTS.values():
        if "\x00" in text or not text or text.startswith("-"):
            continue
        codes = {2} if any("\ud800" <= c <= "\udfff" for c in text) else {1, 3}
        for command in ("explain", "show", "resolve"):
            extra = ["--as-accepted"] if command == "resolve" else []
            told = run(command, *extra, "--", text)
            assert told.exit_code in codes, (command, text)
            assert all(c == "\n" or visible(c) == c for c in told.output)


def test_half_surrogates_pass_a_terminal_too(capsys):
    for text in HOSTILE_TEXTS.values():
        Output(as_json=False).show(text)
        Output(as_json=False).say(text)
        Output(as_json=True).give({"text": text})
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == len(HOSTILE_TEXTS)
    assert len(told.out.splitlines()) == 2 * len(HOSTILE_TEXTS)


def test_no_color_is_obeyed(redis_url, redis_client):
    redis_client.hset(KEYS.hold, mapping={"code": "101", "since": 1})
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        told = CliRunner().invoke(main, ["status"], env={"REDIS_URL": redis_url, **environment}, color=True)
        assert ("\x1b[" in told.stdout) == coloured
        assert "HELD" in click.unstyle(told.stdout)


# Following.


@pytest.fixture
def following(redis_url) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Follow replies in a process of its own."""
    started = []

    def start(*arguments: str, url: str = redis_url) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "worker.cli", "replies", "--follow", "--json", *arguments],
                env={**bare_environment(), "REDIS_URL": url},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def test_following_shows_what_comes_and_acknowledges_nothing(following, redis_client):
    stream = KEYS.stream("replies")
    published(redis_client, "before")
    redis_client.xgroup_create(stream, "app", "0")
    process = following("--text", "oui", "--limit", "2")
    until(lambda: any("xread" in each["cmd"] for each in redis_client.client_list()), 30)
    for text in ("Oui 1", "Non", "Oui 2"):
        published(redis_client, text)
    output, _ = process.communicate(timeout=30)
    assert [json.loads(line)["text"] for line in output.splitlines()] == ["Oui 1", "Oui 2"]
    assert process.returncode == 0
    [group] = redis_client.xinfo_groups(stream)
    assert (group["last-delivered-id"], group["pending"]) == (b"0-0", 0)


def test_following_begins_at_a_date(following, redis_client):
    put_replies(redis_client, [reply(BEGIN_MS + n, text=str(n)) for n in range(3)])
    since = datetime.fromtimestamp((BEGIN_MS + 1) / 1000, UTC).isoformat()
    process = following("--since", since, "--limit", "2")
    output, _ = process.communicate(timeout=30)
    assert [json.loads(line)["text"] for line in output.splitlines()] == ["1", "2"]


def test_following_outlives_an_outage_and_misses_nothing(following, own_redis_server):
    with redis.Redis(port=own_redis_server.port) as client:
        published(client, "first")
        process = following("--since", "2026-01-01", "--limit", "2", url=own_redis_server.url)
        assert json.loads(process.stdout.readline())["text"] == "first"
    own_redis_server.stop()
    assert "Redis does not answer" in process.stderr.readline()
    own_redis_server.start()
    with redis.Redis(port=own_redis_server.port) as client:
        until(client.ping, 30)
        published(client, "second")
    assert json.loads(process.stdout.readline())["text"] == "second"
    assert process.wait(30) == 0
    assert "Redis is back" in process.stderr.read()


def test_ctrl_c_ends_following(following, redis_client):
    process = following()
    until(lambda: any("xread" in each["cmd"] for each in redis_client.client_list()), 30)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_a_closed_pipe_is_no_traceback(redis_url, redis_client):
    put_replies(redis_client, [reply(BEGIN_MS + n, text="x" * 500) for n in range(500)])
    done = subprocess.run(
        f"{sys.executable} -m worker.cli replies --limit 500 | head -1",
        shell=True,
        env={**bare_environment(), "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
