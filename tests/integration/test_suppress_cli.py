"""What a person decides about opt-outs, on the command line."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from producers.contract.keys import Keys
from producers.contract.metric_table import METRICS
from tests.support.lua_scripts import ROOT
from tests.support.marketing import Marketing
from tests.support.scraping import Scraped, scrape
from tests.support.template_sends import number
from worker.callbacks.forgetting import Forgetting
from worker.cli import main
from worker.operator.suppressions import IMPORTED_AT_ONCE

KEYS = Keys()
SUPPRESSED = ("cancelled", "suppressed")


@pytest.fixture
def run(redis_url) -> Callable[..., Result]:
    def invoke(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(main, list(arguments), env={"REDIS_URL": redis_url, **environment})

    return invoke


def audited(market: Marketing) -> list[tuple[str, str, str]]:
    entries = [fields for _, fields in market.redis.xrange(KEYS.audit)]
    return [
        (each[b"action"].decode(), each.get(b"number", b"").decode(), each.get(b"why", b"").decode())
        for each in entries
    ]


def test_an_operator_suppresses_a_number_in_one_step(run, market):
    market.send(0, "a")

    told = run("suppress", "add", number(0), "--reason", "asked by phone", "--json")

    assert json.loads(told.output) == {
        "v": 1, "number": "+336******00", "scope": "account", "suppressed": True, "cancelled": 1,
    }  # fmt: skip
    assert market.state("a") == SUPPRESSED
    [entry] = market.told
    assert (entry["action"], entry["reason"], entry["cancelled_ids"]) == ("out", "operator", "a")
    assert audited(market) == [("suppress", "+336******00", "asked by phone")]
    counted = market.redis.hmget("{sms}:metrics", "optouts:operator", "actions:suppress")
    assert counted == [b"1", b"1"]


def test_a_start_does_not_lift_what_an_operator_decided(run, market):
    run("suppress", "add", number(0), "--reason", "x")

    market.write(0, "START")

    assert market.send(0, "a").state == "cancelled"


def test_an_operator_lifts_a_suppression_with_a_reason(run, market):
    market.stop(0)

    assert run("suppress", "remove", number(0)).exit_code == 2
    assert run("suppress", "remove", number(0), "--reason", "signed up again").exit_code == 0
    assert run("suppress", "remove", number(0), "--reason", "again").exit_code == 3

    assert market.send(0, "a").state == "queued"
    assert [each["action"] for each in market.told] == ["out", "in"]
    assert audited(market) == [("lift", "+336******00", "signed up again")]


def test_one_sees_who_said_so(run, market):
    assert "is not suppressed" in run("suppress", "check", number(0)).output
    market.stop(0)

    told = json.loads(run("suppress", "check", number(0), "--json").output)

    assert [(each["scope"], each["reason"]) for each in told["suppressions"]] == [("account", "callback")]
    assert "callback" in run("suppress", "check", "06 12 00 00 00", DEFAULT_REGION="FR").output


def test_a_number_that_is_none_is_refused_without_being_shown(run):
    told = run("suppress", "check", "0612")

    assert told.exit_code == 1
    assert "0612" not in told.output.removeprefix("Error: NUMBER")


def test_a_list_is_taken_over_and_may_be_again(run, market, tmp_path):
    market.send(0, "a")
    people = [number(each) for each in range(IMPORTED_AT_ONCE + 1)]
    (tmp_path / "list.csv").write_text("\n".join([*people, "", "nobody"]), "utf-8")

    for cancelled in (1, 0):
        told = run("suppress", "import", str(tmp_path / "list.csv"), "--json")
        found = json.loads(told.stdout)
        assert (told.exit_code, found["imported"], found["cancelled"]) == (1, len(people), cancelled)
        assert [each["line"] for each in found["lines"]] == [len(people) + 2]

    assert market.state("a") == SUPPRESSED
    assert market.told == []
    assert {market.send(each, f"b{each}").state for each in (0, IMPORTED_AT_ONCE)} == {"cancelled"}
    assert len(audited(market)) == 2


def test_an_import_goes_on_behind_a_line(run, market, tmp_path):
    (tmp_path / "list.csv").write_text(f"number\n{number(0)}\n{number(1)}\n", "utf-8")

    run("suppress", "import", str(tmp_path / "list.csv"), "--from-line", "3")

    assert [market.send(each, f"a{each}").state for each in range(2)] == ["queued", "cancelled"]


@pytest.mark.parametrize(
    "line",
    [
        "x,account,reply,",
        f"{'p' * 22},all,reply,",
        f"{'p' * 22},account,boss,",
        f"{'p' * 22},,,soon",
        f"{'p' * 22},,,{number(7)}",
    ],
)
def test_a_line_that_cannot_be_read_is_left_out(run, market, tmp_path, line):
    (tmp_path / "list.csv").write_text(f"pseudonym,scope,reason,at\n{line}\n", "utf-8")

    told = run("suppress", "import", str(tmp_path / "list.csv"))

    assert (told.exit_code, market.reasons()) == (1, {})
    assert "line 2" in told.output
    assert "p" * 22 not in told.output
    assert number(7) not in told.output
    assert "soon" not in told.output


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_list_as_a_spreadsheet_exports_it_is_read(run, market, tmp_path, encoding):
    rows = f"Prénom;N° de téléphone\r\nZoë;{number(0)}\r\n"
    (tmp_path / "list.csv").write_text(rows, encoding, newline="")

    told = run("suppress", "import", str(tmp_path / "list.csv"))

    assert (told.exit_code, market.reasons()) == (0, {"account": "operator"}), told.output


def test_a_list_comes_from_standard_input_with_national_numbers_and_titles_that_are_mapped(
    run, market, redis_url
):
    piped = f"Natel;Wann\n{number(0).replace('+33', '0')};2026-01-31\n".encode()
    line = ["suppress", "import", "-", "--region", "fr", "--map", "number=Natel", "--map", "at=Wann"]

    told = CliRunner().invoke(main, line, input=piped, env={"REDIS_URL": redis_url})

    assert (told.exit_code, market.reasons()) == (0, {"account": "operator"}), told.output


def test_bad_lines_go_to_a_file_that_is_mended_and_imported(run, market, tmp_path):
    path, bad = tmp_path / "list.csv", tmp_path / "bad.csv"
    path.write_text(f"number;reason\n{number(0)};operator\n3,36E+10;operator\n", "utf-8")

    told = run("suppress", "import", str(path), "--bad-rows-to", str(bad))

    assert (told.exit_code, "1 line was left out\nto mend in" in told.output) == (1, True)
    assert bad.read_text("utf-8-sig").splitlines()[0] == "problem;number;reason"
    bad.write_text(bad.read_text("utf-8-sig").replace("3,36E+10", number(1)), "utf-8-sig")
    again = run("suppress", "import", str(path), "--bad-rows-to", str(bad))
    assert (again.exit_code, "nothing was done" in again.output) == (1, True)
    assert run("suppress", "import", str(bad)).exit_code == 0
    assert [market.send(each, f"a{each}").state for each in range(2)] == ["cancelled", "cancelled"]


def test_a_list_of_pseudonyms_alone_needs_no_titles(run, market, tmp_path):
    market.stop(0)
    [field] = market.redis.hkeys(KEYS.suppressed)
    market.redis.delete(KEYS.suppressed)
    (tmp_path / "list.csv").write_text(field.decode().rpartition("|")[2] + "\n", "utf-8")

    assert run("suppress", "import", str(tmp_path / "list.csv")).exit_code == 0
    assert market.redis.hlen(KEYS.suppressed) == 1


def test_one_person_or_message_is_said_as_one(run, market, tmp_path):
    market.send(0, "a")
    (tmp_path / "list.csv").write_text(f"{number(0)}\n06\n", "utf-8")

    told = run("suppress", "import", str(tmp_path / "list.csv")).output

    assert "1 person is suppressed; 1 message was cancelled\n" in told
    assert "1 line was left out\n" in told


def test_what_is_exported_can_be_imported(run, market, tmp_path):
    market.stop(0)
    market.write(1, "STOP")
    run("suppress", "add", number(2), "--reason", "x")
    before = market.redis.hgetall(KEYS.suppressed)

    exported = run("suppress", "export").stdout_bytes
    rows = list(csv.DictReader(io.StringIO(exported.decode("utf-8-sig"), newline="")))
    assert sorted(each["reason"] for each in rows) == ["callback", "operator", "reply"]
    assert number(0)[1:].encode() not in exported
    market.redis.delete(KEYS.suppressed)
    (tmp_path / "list.csv").write_bytes(exported)
    assert run("suppress", "import", str(tmp_path / "list.csv")).exit_code == 0

    after = market.redis.hgetall(KEYS.suppressed)
    assert {field: value.split(b"|")[1] for field, value in after.items()} == {
        field: value.split(b"|")[1] for field, value in before.items()
    }


def test_a_list_weakens_nothing(run, market, tmp_path):
    run("suppress", "add", number(0), "--reason", "x")
    (tmp_path / "list.csv").write_text(f"number,reason\n{number(0)},reply\n", "utf-8")

    run("suppress", "import", str(tmp_path / "list.csv"))

    assert market.reasons() == {"account": "operator"}


def test_what_is_too_old_is_forgotten_and_nothing_else(market):
    market.stop(0)
    market.stop(1)
    old, young = sorted(market.redis.hkeys(KEYS.suppressed))
    market.redis.hset(KEYS.suppressed, old, "1000|reply|x")

    assert Forgetting(market.redis, KEYS, 1095).look() == 1
    assert market.redis.hkeys(KEYS.suppressed) == [young]


def test_what_was_said_again_meanwhile_stays(market):
    market.stop(0)
    [field] = market.redis.hkeys(KEYS.suppressed)
    market.redis.hset(KEYS.suppressed, field, "1000|reply|x")
    scan = market.redis.hscan

    def said_again(*given, **more):
        found = scan(*given, **more)
        market.stop(0)
        return found

    market.redis.hscan = said_again
    assert Forgetting(market.redis, KEYS, 1095).look() == 0


@pytest.mark.parametrize("reason", ["gateway", "operator", "erasure"])
def test_a_stop_makes_what_outweighs_it_count_anew(market, reason):
    """Who writes STOP today is texted as little in three years as if nobody had said so before."""
    market.stop(0)
    [field] = market.redis.hkeys(KEYS.suppressed)
    market.redis.hset(KEYS.suppressed, field, f"1000|{reason}|first")

    market.write(0, "STOP")

    assert Forgetting(market.redis, KEYS, 1095).look() == 0
    assert market.redis.hget(KEYS.suppressed, field).split(b"|")[1:] == [reason.encode(), b"first"]


def test_the_metrics_count_whom_opt_outs_kept_and_how_soon(market, redis_url):
    market.send(0, "a")
    market.stop(0)
    market.send(0, "b")

    told = Scraped(scrape(redis_url))

    assert told("suppressed_total", reason="callback", point="queued") == 1
    assert told("suppressed_total", reason="callback", point="enqueue") == 1
    assert told("optout_effective_seconds_count") == 1
    assert told("optout_effective_seconds_bucket", le="60") == 1
    assert told("optouts_total", source="callback") == told("inbound_delay_seconds_count", kind="optouts")


def test_the_classes_of_lua_are_those_of_the_metrics():
    for part, name in {"effects": "optout_effective_seconds", "delays": "queue_delay_seconds"}.items():
        lua = (ROOT / f"producers/contract/lua/{part}.lua").read_text("utf-8")
        assert "{ " + ", ".join(map(str, METRICS[name].classes_ms)) + " }" in lua
