"""Marketing goes to nobody who has not agreed, where that is wanted; lists of consents are taken over."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from producers import Producer
from producers.contract.keys import upload_place
from producers.contract.secret import Secret
from producers.contract.steps import drive
from producers.settings import ProducerSettings
from tests.support.callbacks_by_hand import KEYS, CallbacksByHand, reply
from tests.support.hand_worker import HandWorker, numbers_of
from tests.support.pseudonyms import pseudonyms
from tests.support.whole_database import contents
from worker.cli import main
from worker.gateway.outcomes import Accepted
from worker.operator.consents import Consent, Consents
from worker.person.erasing import Erasure
from worker.person.named import Person

NUMBER, OTHER, THIRD = "+33612345678", "+33612345679", "+33698765432"
TEXT = "Tonight -20%. STOP au 30101"
OLD, NEW = bytes(range(32)), bytes(range(100, 140))


def settings(redis_url: str, *keys: bytes, **options) -> ProducerSettings:
    secrets = tuple(Secret(base64.b64encode(key).decode()) for key in keys)
    options = {"require_consent": True, "marketing_hours_fr": "off", **options}
    return ProducerSettings(redis_url=redis_url, pseudonym_keys=secrets, **options)


def agree(client, used: ProducerSettings, *numbers: str, days_ago: float = 1) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    drive(Consents(used).take_over([(each, Consent(at, at, "shop", "v1")) for each in numbers]), client)


def send(used: ProducerSettings, recipients, text: str = TEXT, **options):
    sms = Producer(settings=used)
    try:
        sent = sms.send(recipients, text, sender="Bistro", **options)
        return sent, sms.status(sent.request_id)
    finally:
        sms.close()


def test_marketing_to_who_has_not_agreed_ends_at_once(redis_client, redis_url):
    sent, status = send(settings(redis_url), NUMBER)

    assert (sent.state, sent.left_out) == ("cancelled", 1)
    assert (status.state, status.code) == ("cancelled", "no_consent")
    assert HandWorker(redis_client, queue="marketing").take() == []


def test_who_has_agreed_gets_it_and_the_others_are_left_out(redis_client, redis_url):
    used = settings(redis_url)
    agree(redis_client, used, NUMBER, THIRD)
    sent, _ = send(used, [NUMBER, OTHER, THIRD])

    assert (sent.state, sent.left_out) == ("queued", 1)
    [claim] = HandWorker(redis_client, queue="marketing").take()
    assert numbers_of(claim) == [NUMBER, THIRD]


def test_an_alert_needs_no_consent(redis_client, redis_url):
    assert send(settings(redis_url), NUMBER, "Your code is 4711", purpose="alert")[0].state == "queued"


def test_without_the_setting_nobody_is_asked(redis_client, redis_url):
    assert send(settings(redis_url, require_consent=False), NUMBER)[0].state == "queued"


@pytest.mark.parametrize(("days_ago", "state"), [(1094, "queued"), (1096, "cancelled")])
def test_a_consent_counts_for_some_time_after_the_last_contact(redis_client, redis_url, days_ago, state):
    used = settings(redis_url)
    agree(redis_client, used, NUMBER, days_ago=days_ago)

    assert send(used, NUMBER)[0].state == state


def test_a_reply_is_a_contact(redis_client, redis_url):
    used = settings(redis_url)
    agree(redis_client, used, NUMBER, OTHER, days_ago=1200)
    CallbacksByHand(redis_client, HandWorker(redis_client).ledger).bring(reply(NUMBER), reply(THIRD))

    assert send(used, NUMBER)[0].state == "queued"
    assert send(used, OTHER)[0].state == "cancelled"
    assert redis_client.hlen(KEYS.consent) == 2


def test_a_contact_before_the_last_one_takes_nothing_back(redis_client, redis_url):
    used = settings(redis_url)
    agree(redis_client, used, NUMBER)
    before = drive(Consents(used).of(NUMBER), redis_client)
    callbacks = CallbacksByHand(redis_client, HandWorker(redis_client).ledger)
    callbacks.bring(reply(NUMBER), at_ms=callbacks.now_ms() - 1200 * 86_400_000)

    assert callbacks.entries()
    assert drive(Consents(used).of(NUMBER), redis_client) == before


def test_a_contact_of_tomorrow_is_one_of_now(redis_client, redis_url):
    """The clock went back meanwhile: no consent counts for longer than it would."""
    used = settings(redis_url)
    agree(redis_client, used, NUMBER)
    callbacks = CallbacksByHand(redis_client, HandWorker(redis_client).ledger)
    callbacks.bring(reply(NUMBER), at_ms=callbacks.now_ms() + 86_400_000)

    last = drive(Consents(used).of(NUMBER), redis_client).last_contact
    assert datetime.now(UTC) - timedelta(minutes=5) < last < datetime.now(UTC) + timedelta(minutes=5)


def test_a_consent_under_an_older_key_counts(redis_client, redis_url):
    agree(redis_client, settings(redis_url, OLD), NUMBER)
    used = settings(redis_url, NEW, OLD)

    assert send(used, NUMBER)[0].state == "queued"
    assert drive(Consents(used).of(NUMBER), redis_client).source == "shop"


def test_who_has_agreed_under_no_key_is_left_out_beside_who_has_under_an_older_one(redis_client, redis_url):
    agree(redis_client, settings(redis_url, OLD), NUMBER)

    sent, _ = send(settings(redis_url, NEW, OLD), [NUMBER, OTHER])
    assert (sent.state, sent.left_out) == ("queued", 1)


def test_a_reply_is_a_contact_of_who_has_agreed_under_an_older_key(redis_client, redis_url):
    agree(redis_client, settings(redis_url, OLD), NUMBER, days_ago=1200)
    used = settings(redis_url, NEW, OLD)
    CallbacksByHand(redis_client, HandWorker(redis_client, settings=used).ledger, used).bring(reply(NUMBER))

    assert send(used, NUMBER)[0].state == "queued"


def test_who_has_said_stop_is_suppressed_whatever_was_agreed(redis_client, redis_url):
    used = settings(redis_url)
    agree(redis_client, used, NUMBER)
    redis_client.hset(KEYS.suppressed, f"account|{pseudonyms(redis_client).of(NUMBER)}", "1|reply|e")
    agree(redis_client, used, NUMBER)

    assert drive(Consents(used).of(NUMBER), redis_client)
    assert send(used, NUMBER)[1].code == "suppressed"


def test_who_was_erased_is_left_out_of_a_list(redis_client, redis_url):
    used = settings(redis_url)
    person = Person(NUMBER, pseudonyms(redis_client).all_of(NUMBER))
    Erasure(redis_client, used, person, "ben", None).run()
    agree(redis_client, used, NUMBER, OTHER)

    assert drive(Consents(used).of(NUMBER), redis_client) is None
    assert drive(Consents(used).of(OTHER), redis_client)
    assert send(used, NUMBER)[1].code == "suppressed"


def test_an_older_list_takes_nothing_back(redis_client, redis_url):
    used = settings(redis_url)
    agree(redis_client, used, NUMBER, days_ago=2)
    before = drive(Consents(used).of(NUMBER), redis_client)
    agree(redis_client, used, NUMBER, days_ago=900)

    assert drive(Consents(used).of(NUMBER), redis_client) == before


# The commands.


@pytest.fixture
def run(redis_client, redis_url, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_url)

    def invoke(*arguments: str, code: int = 0):
        result = CliRunner().invoke(main, [*arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout.splitlines()[0])

    return invoke


LIST = f"""number,at,source,wording,last_contact
{NUMBER},2024-05-01,shop,v1,2026-11-01T10:00+01:00
0612345679,2024-05-01,shop,v1,
{OTHER},yesterday,shop,v1,
{THIRD},2024-05-01,,v1,
"""


def test_a_list_as_a_spreadsheet_exports_it_is_read(run, tmp_path):
    path = tmp_path / "list.csv"
    rows = "Téléphone;Date;source;wording;Note\r\n06 12 34 56 78;2024-05-01;Café;v1;x\r\n"
    path.write_text(rows, "cp1252", newline="")

    assert run("consent", "import", str(path), "--region", "FR", "--map", "at=Date")["imported"] == 1
    assert run("consent", "check", "06 12 34 56 78", "--region", "FR")["consent"]["source"] == "Café"


def test_a_list_is_taken_over_and_bad_lines_are_named(run, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(LIST)
    told = run("consent", "import", str(path), code=1)

    assert (told["imported"], told["erased"], told["bad"]) == (1, 0, 3)
    assert [each["line"] for each in told["lines"]] == [3, 4, 5]
    assert not any(number in json.dumps(told) for number in (OTHER, THIRD, "0612345679"))
    assert run("consent", "check", NUMBER)["consent"] == {
        "at": "2024-05-01T00:00:00Z",
        "last_contact": "2026-11-01T09:00:00Z",
        "source": "shop",
        "wording": "v1",
    }
    assert run("consent", "check", OTHER, code=3)["error"] == "not_found"


@pytest.mark.parametrize("dates", ["{late},shop,v1,", "2024-05-01,shop,v1,{late}"])
def test_nobody_has_agreed_or_written_at_a_date_that_is_yet_to_come(run, tmp_path, redis_client, dates):
    late = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    path = tmp_path / "list.csv"
    path.write_text(f"number,at,source,wording,last_contact\n{NUMBER},{dates.format(late=late)}\n")

    [line] = run("consent", "import", str(path), code=1)["lines"]
    assert line["problem"].endswith(" that is yet to come")
    assert not redis_client.exists(KEYS.consent)


def test_a_list_without_its_columns_is_refused(run, tmp_path, redis_client):
    path = tmp_path / "list.csv"
    path.write_text("number,at\n")

    said = run("consent", "import", str(path), code=1)["message"]
    assert said == "FILE: the column source is not in the file; columns found: number, at"
    assert not redis_client.exists(KEYS.consent)


def test_a_person_is_exported_and_erased_by_command(run, redis_client, redis_url, tmp_path, monkeypatch):
    monkeypatch.setenv("CALLBACK_SPOOL_DIR", str(tmp_path))
    assert run("person", "export", NUMBER, code=3)["error"] == "not_found"
    send(settings(redis_url, require_consent=False), NUMBER, request_id="a")

    kept = run("person", "export", NUMBER)["kept"]
    assert [(each["where"], each["name"]) for each in kept] == [("message", "a")]
    block, field = upload_place(NUMBER)
    redis_client.hset(KEYS.upload_numbers("spring", block), field, 3)
    assert run("person", "erase", NUMBER)["kept"] == {"message": 1, "upload": 1}
    done = run("person", "erase", NUMBER, "--yes")
    assert (done["done"], done["open"], done["mentions"]) == ({"cancelled": 1, "uploads": 1}, [], [])
    assert done["rewrite"] == "begun"
    assert run("person", "erase", NUMBER, "--yes")["done"] == {}
    actions = [entry[b"action"].decode() for _, entry in redis_client.xrange(KEYS.audit)]
    assert actions == ["export_person", "export_person", "erase", "erase"]


@pytest.mark.parametrize(("request_id", "again"), [("a", False), ("otp-0612345678", True)])
def test_the_command_says_when_it_must_be_run_again(redis_client, redis_url, monkeypatch, request_id, again):
    """A message in doubt keeps its id until it comes back, though the id hold the number."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    send(settings(redis_url, require_consent=False), NUMBER, request_id=request_id, purpose="alert")
    [claim] = HandWorker(redis_client).take()
    told = CliRunner().invoke(main, ["person", "erase", NUMBER, "--yes"]).output
    assert (f"{request_id} may have been taken" in told, "run this again then" in told) == (True, again)

    HandWorker(redis_client).finish(claim, Accepted("sms_a"))
    CliRunner().invoke(main, ["person", "erase", NUMBER, "--yes"])
    assert NUMBER[3:] not in contents(redis_client)
