"""A trial on an account: its verdict is right in every variant of the gateway, and so is what it spends."""

import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.support.installation import TOKEN
from tests.support.pilot import KEYS, NUMBER, CallbackThread, Pilot
from tests.support.simulator import PATIENCE_S
from tests.support.web_server import WebServer
from worker.gateway.profile import GatewayProfile, account_of, written
from worker.pilot.journal import Answer, Call, Journal
from worker.pilot.purse import Purse
from worker.pilot.questions import BY_NAME
from worker.pilot.seen import Seen
from worker.pilot.trial import sleeps

#: What the simulated gateway is set to, and what a question then comes to; None: it stays open.
VARIANTS = [
    ({}, "duplicate", "120"),
    ({"duplicate_code": 182}, "duplicate", "182"),
    ({"duplicate_code": 777, "codes_as_strings": True}, "duplicate", "777"),
    ({"duplicate_status": 409}, "duplicate", "120"),
    ({"duplicate_code": 777, "duplicate_status": 500}, "duplicate", None),
    ({"duplicate_code": 104}, "duplicate", None),
    ({"request_id_memory_s": 0.0}, "duplicate", "taken twice"),
    ({}, "refused-id", "kept"),
    ({"refusals_burn_request_id": True}, "refused-id", "used up"),
    ({"burning_codes": [106]}, "refused-id", None),
    ({}, "bad-number", "whole call refused"),
    ({"bad_number_code": 103}, "bad-number", "whole call refused"),
    ({"bad_number_code": 199}, "bad-number", None),
    ({"bad_numbers": "partial"}, "bad-number", "left out and not counted"),
    ({"bad_numbers": "partial_uncounted"}, "bad-number", "left out and counted"),
    ({}, "sender-space", "refused"),
    ({"sender_allows_space": True, "success_status": 200}, "sender-space", "allowed"),
    *(({"gsm7_part": size}, "gsm7-part", str(size)) for size in (153, 137)),
    *(({"ucs2_part": size}, "ucs2-part", str(size)) for size in (70, 67, 63)),
    *(({kind: 50}, name, None) for kind, name in (("gsm7_part", "gsm7-part"), ("ucs2_part", "ucs2-part"))),
    ({"simulation_has_ticket": False}, "simulation", "kept"),
    ({"simulation_burns_request_id": True}, "simulation", "used up"),
    *(({"callback_format": form}, "receipts", "Europe/Paris") for form in ("json", "form")),
    ({"callback_zone": "UTC", "callback_array": 2}, "receipts", "UTC"),
    ({"callback_url": ""}, "receipts", None),
    ({"callback_message_id": "empty"}, "reply", "reception_date, number at the root"),
    (
        {"callback_format": "mixed", "inbound_layout": "metadata", "reply_date_field": "answer_date"},
        "reply",
        "answer_date, number below another name",
    ),
    ({"callback_loss_probability": 1.0}, "reply", None),
]


@pytest.fixture(scope="module")
def callback_url(redis_server, tmp_path_factory) -> Iterator[str]:
    """Take callbacks as an installation does: a web process, and what a worker does with them."""
    log = tmp_path_factory.mktemp("pilot") / "web.log"
    environ = {"REDIS_URL": redis_server.url, "CALLBACK_TOKENS": TOKEN}
    with WebServer(log, environ) as web, CallbackThread(redis_server.url):
        yield f"{web.url}/callbacks/{TOKEN}"


@pytest.fixture
def trial(simulator, redis_url, tmp_path, callback_url) -> Pilot:
    receipts = {"ack_delay_ms": 5, "final_delay_ms": 20}
    simulator.admin.settings(callback_url=callback_url, receipts=receipts, callback_retries=5)
    simulator.admin.auto_reply("OK", after_ms=5)
    return Pilot(simulator, redis_url, tmp_path)


@pytest.mark.parametrize(("settings", "question", "answer"), VARIANTS, ids=str)
def test_the_verdict_is_right_in_every_variant_of_the_gateway(trial, simulator, settings, question, answer):
    simulator.admin.settings(**settings)
    wait = ("--wait", "1s") if answer is None else ()

    assert trial.answers("--only", question, *wait, code=int(answer is None)) == {question: answer}
    assert {each.number for each in simulator.admin.messages()} <= {NUMBER}
    assert len(simulator.admin.messages()) <= BY_NAME[question].most(1)


def test_what_an_earlier_question_settled_is_known_to_a_later_one(trial, simulator):
    simulator.admin.settings(duplicate_code=777, refusals_burn_request_id=True)

    names = [*("--only", "duplicate"), *("--only", "refused-id")]
    assert trial.answers(*names) == {"duplicate": "777", "refused-id": "used up"}
    assert trial.read_profile() == {"duplicate_codes": [777]}


def test_a_whole_trial_settles_all_and_its_report_and_journal_name_nobody(trial, simulator):
    answers = trial.answers(code=0)

    assert list(answers) == list(BY_NAME)
    assert None not in answers.values()
    assert trial.read_profile() == {"duplicate_codes": [120], "refusals_keep_ids": True}
    report, journal = trial.report.read_text(), trial.journal.read_text()
    ids, tickets = set(simulator.admin.attempts()), {each.ticket for each in simulator.admin.messages()}
    assert ids
    assert tickets
    for private in (NUMBER, NUMBER[1:], "0612345678", "sandbox-key", "sandbox@example.com", TOKEN):
        assert private not in report + journal
    assert not [each for each in ids | tickets if each in report]
    assert "`{number_of_contacts: number, " in report
    assert all(f"## {name}\n" in report for name in BY_NAME)
    assert "no receipt came for simulated calls" in report
    bodies = [json.dumps(each.text) for each in simulator.admin.messages()]
    assert all("Technical test by octopush-worker pilot" in each for each in bodies)


@pytest.mark.parametrize(
    ("fault", "post"),
    [("accept_then_silence", 1), ("silence_before", 2), ("accept_then_502", 1), ("429", 2)],
)
def test_a_lost_answer_settles_nothing(trial, simulator, fault, post):
    simulator.admin.fault(fault, times=1, first_posts=post)
    if post == 2:
        # The first POST of the id is spared.
        simulator.admin.clear_faults()
        simulator.admin.fault("accept_dripping", first_posts=1, drip_ms=0)
        simulator.admin.fault(fault)

    assert trial.answers("--only", "duplicate", code=1) == {"duplicate": None}
    assert trial.read_profile() is None


def test_a_code_that_the_text_has_under_a_fresh_id_too_is_no_duplicate(trial, simulator):
    simulator.admin.fault("accept_dripping", times=1, drip_ms=0)
    simulator.admin.fault("refuse", code=182)

    assert trial.answers("--only", "duplicate", code=1) == {"duplicate": None}
    assert trial.read_profile() is None


def test_a_second_code_for_duplicates_takes_the_first_out_of_the_profile(trial, simulator):
    assert trial.answers("--only", "duplicate") == {"duplicate": "120"}
    assert trial.read_profile() == {"duplicate_codes": [120]}
    simulator.admin.settings(duplicate_code=182, refusals_burn_request_id=True)

    assert trial.answers("--only", "refused-id", "--resume", code=1) == {"refused-id": None}
    assert trial.read_profile() == {}


def test_nothing_is_sent_before_a_yes(trial, simulator):
    told = trial.run(typed="n\n" * len(BY_NAME))
    assert (told["questions"], simulator.admin.requests()) == ([], [])

    told = trial.run("--resume", typed="n\n" * 3 + "y\n" + "n\n" * len(BY_NAME))
    assert [each["name"] for each in told["questions"]] == ["sender-space"]
    assert len(simulator.admin.requests()) == 1


def test_the_budget_bounds_all_of_it_and_prices_are_learnt_from_answers(trial, simulator, redis_client):
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.30")
    three = [*("--only", "duplicate"), *("--only", "sender-space"), *("--only", "receipts")]
    answers = trial.answers("--budget", "0.59", *three)
    assert answers == {"sender-space": "refused", "receipts": "Europe/Paris"}

    told = trial.run("--resume", "--yes", "--budget", "0.25", "--only", "duplicate")
    assert told["questions"][0]["answer"] == "120"
    assert float(told["spent"]) == pytest.approx(0.15)
    assert sum(each.cost for each in simulator.admin.accepted()) == pytest.approx(0.15)


def test_a_report_that_was_begun_is_not_written_over(trial, simulator):
    trial.answers("--only", "sender-space", code=0)
    before = trial.report.read_bytes()

    assert trial.run("--yes", code=5)["error"] == "forbidden"
    assert trial.report.read_bytes() == before
    trial.answers("--only", "sender-space", "--resume", code=0)
    assert len(simulator.admin.requests()) == 1
    trial.journal.unlink()
    assert trial.run("--resume", code=3)["error"] == "not_found"


def test_a_call_that_was_cut_short_is_never_made_again_and_the_others_go_on(trial, simulator):
    simulator.admin.fault("accept_then_silence", first_posts=1)
    environ = {**os.environ, **trial.environ, "OCTOPUSH_READ_TIMEOUT_S": "12"}
    command = [sys.executable, "-m", "worker.cli", *trial.arguments("--yes", "--only", "duplicate")]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 5 * PATIENCE_S
        while not simulator.admin.accepted() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    simulator.admin.clear_faults()
    # What was being written when it was killed.
    with trial.journal.open("a") as journal:
        journal.write('{"line":"answer","quest')

    names = [*("--only", "duplicate"), *("--only", "sender-space")]
    assert trial.answers("--resume", *names, code=1) == {"duplicate": None, "sender-space": "refused"}
    assert len(simulator.admin.accepted()) == 1
    assert "| 1 | R1 |  | cut short |" in trial.report.read_text()
    assert trial.read_profile() is None


def test_no_call_is_made_whose_line_the_disk_does_not_take_whole(trial, simulator):
    trial.run("--only", "sender-space", typed="n\n", code=None)
    begun = trial.journal.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file that may not grow further takes a part of what is written, as a disk that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (begun + 20, limits[1]))
    try:
        assert trial.run("--resume", "--yes", "--only", "sender-space", code=1)["error"] == "failed"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not simulator.admin.requests()

    assert trial.answers("--resume", "--only", "sender-space", code=0) == {"sender-space": "refused"}
    assert len(simulator.admin.requests()) == 1


def test_two_trials_never_share_a_journal(trial, simulator):
    trial.answers("--only", "sender-space", code=0)
    with Journal(trial.journal):
        assert trial.run("--resume", "--yes", code=5)["error"] == "forbidden"
    assert len(simulator.admin.requests()) == 1


def test_who_may_not_be_texted_is_not(trial, simulator, redis_client):
    assert trial.run("--yes", code=1, ALLOWED_NUMBERS="+33611111111")["error"] == "failed"
    from producers.contract.known_pseudonyms import KnownPseudonyms
    from producers.contract.settings import RedisSettings
    from producers.contract.steps import drive

    pseudonym = drive(KnownPseudonyms(RedisSettings()).read(), redis_client).of(NUMBER)
    redis_client.sadd(KEYS.unticketed(pseudonym), "in-doubt")
    assert trial.run("--yes", code=5)["error"] == "forbidden"
    assert simulator.admin.requests() == []
    assert not trial.journal.exists()


def test_nobody_is_woken_unless_that_is_said(trial, simulator):
    by_country = ["+33612345678", "+819012345678", "+12025550123"]
    asleep = next(each for each in by_country if sleeps([each], time.time()))
    arguments = [each for each in trial.arguments() if each not in {NUMBER, "--at-night"}]
    arguments.insert(arguments.index("--to") + 1, asleep)

    from click.testing import CliRunner

    from worker.cli import main

    assert CliRunner().invoke(main, [*arguments, "--yes"], env=trial.environ).exit_code == 5
    assert simulator.admin.requests() == []


@pytest.mark.parametrize(
    ("number", "hour", "night"),
    [
        *itertools.chain(
            *([(NUMBER, 7, True), (NUMBER, 8, False), (NUMBER, 20, False), (NUMBER, 21, True)],)
        ),
        ("+590690001234", 9, True),
    ],
)
def test_night_is_by_the_clock_of_the_number(number, hour, night):
    # In July Paris is two hours ahead of UTC, and Guadeloupe four behind.
    at = datetime(2026, 7, 15, hour - 2, 30, tzinfo=UTC).timestamp()
    assert sleeps([number], at) is night


def cut_after(trial: Pilot, calls: int) -> None:
    """Leave of a journal what a kill right after the answer of so many calls leaves."""
    lines = trial.journal.read_text().splitlines(keepends=True)
    answers = [place for place, line in enumerate(lines) if '"line":"answer"' in line]
    trial.journal.write_text("".join(lines[: answers[calls - 1] + 1]))


def aged(trial: Pilot, seconds: float) -> None:
    """Let a trial lie so long ago."""
    lines = [json.loads(line) for line in trial.journal.read_text().splitlines()]
    for line in lines:
        if line["line"] == "answer":
            line["seen"]["at"] -= seconds
    trial.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("question", ["gsm7-part", "duplicate"])
def test_the_rest_of_a_question_needs_a_yes_too(trial, simulator, question):
    # The segment was taken for dear before the first answer named its price.
    simulator.admin.settings(gsm7_part=137, duplicate_code=777)
    trial.answers("--only", question)
    cut_after(trial, 1)
    before = len(simulator.admin.requests())

    trial.run("--resume", "--only", question, typed="n\n", code=None)
    assert len(simulator.admin.requests()) == before
    trial.run("--resume", "--only", question, typed="y\n", code=0)
    assert len(simulator.admin.requests()) > before


def test_a_price_of_nothing_is_no_yes(trial, simulator):
    trial.run("--only", "sender-space", typed="n\n", code=None, PRICE_UNKNOWN="0")
    assert simulator.admin.requests() == []


@pytest.mark.parametrize("question", ["duplicate", "refused-id", "simulation"])
def test_an_id_that_the_gateway_may_have_forgotten_settles_nothing(trial, simulator, question):
    simulator.admin.settings(refusals_burn_request_id=True, simulation_burns_request_id=True)
    trial.answers("--only", question)
    cut_after(trial, 1)
    aged(trial, 25 * 3600)
    simulator.admin.settings(request_id_memory_s=0.0)
    before = len(simulator.admin.requests())

    assert trial.answers("--resume", "--only", question, code=1) == {question: None}
    assert len(simulator.admin.requests()) == before
    assert trial.read_profile() in (None, {})


def test_a_refusal_that_passes_is_no_code_for_duplicates(trial, simulator):
    simulator.admin.fault("accept_dripping", times=1, drip_ms=0)
    simulator.admin.fault("refuse", code=777, times=1)

    assert trial.answers("--only", "duplicate", code=1) == {"duplicate": None}
    assert trial.read_profile() is None


def test_a_trial_and_its_profile_are_of_one_account(trial, simulator):
    trial.answers("--only", "duplicate")
    before, profile = len(simulator.admin.requests()), trial.profile.read_bytes()
    another = {"OCTOPUSH_API_LOGIN": "other@example.com"}

    for more in (("--resume",), ("--resume", "--report", str(trial.report.with_name("other.md")))):
        assert trial.run("--yes", *more, code=None, **another)["error"] in {"forbidden", "not_found"}
    assert (
        trial.run("--report", str(trial.report.with_name("b.md")), code=5, **another)["error"] == "forbidden"
    )
    # Also where the profile is of somebody else, or is no profile at all.
    for content in (written(GatewayProfile(account=account_of("other@example.com"))), b"SECRET=1"):
        trial.profile.write_bytes(content)
        assert trial.run("--yes", "--resume", code=5)["error"] == "forbidden"
        assert trial.profile.read_bytes() == content
    trial.profile.write_bytes(profile)
    trial.answers("--only", "duplicate", "--resume", code=0)
    assert len(simulator.admin.requests()) == before


def test_a_file_that_is_no_journal_is_left_as_it_is(trial, simulator):
    for content in (b"notes without an end", b'{"line":"answer"}'):
        trial.journal.write_bytes(content)
        assert trial.run("--yes", "--resume", code=5)["error"] == "forbidden"
        assert trial.journal.read_bytes() == content
    assert simulator.admin.requests() == []


def test_no_answer_makes_a_trial_richer(tmp_path):
    with Journal(tmp_path / "journal") as journal:
        journal.write(Call("reply", 1, "id", "0.08", 1))
        journal.write(Answer("reply", 1, Seen("accepted", 201, ticket="t", segments=1, cost="-1000")))
        purse = Purse(journal, Decimal(2), Decimal("0.05"))
        assert (purse.spent, purse.price) == (Decimal("0.08"), Decimal("0.05"))


def test_a_price_that_turns_out_higher_stops_a_question_before_its_next_call(trial, simulator):
    simulator.admin.settings(gsm7_part=137)
    only = ("--only", "gsm7-part", "--budget", "0.06")
    told = trial.run("--yes", *only, code=1, PRICE_UNKNOWN="0.01")
    assert "budget has no room" in told["questions"][0]["why"]
    assert len(simulator.admin.requests()) == 1
