"""An application of Django as a team runs it: its server, its relay and its consumer, each a process."""

import re
import signal
import sqlite3

import httpx
import psycopg
import pytest

from tests.support.django_project import DjangoProject
from tests.support.installation import new_id, new_number
from tests.support.postgres import postgres

__all__ = ["postgres"]

TOKEN = "kX7canary0123456789Zq"


@pytest.fixture(scope="module")
def shared(install_for_module):
    return install_for_module()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    if request.param == "sqlite":
        return str(tmp_path_factory.mktemp("shop") / "shop.sqlite3")
    server = request.getfixturevalue("postgres")
    server.create("shop")
    return f"postgresql:{server.directory}:shop"


@pytest.fixture(scope="module")
def shop(database, shared, tmp_path_factory):
    environ = {**shared.environ, "CALLBACK_TOKENS": TOKEN, "CALLBACK_SPOOL_DIR": ""}
    project = DjangoProject(tmp_path_factory.mktemp("output"), database, environ)
    project.manage("migrate", "--run-syncdb")
    yield project
    project.kill()


def rows(database, statement):
    """Ask the database itself."""
    if database.startswith("postgresql:"):
        _, directory, name = database.split(":")
        with psycopg.connect(host=directory, user="postgres", dbname=name) as connection:
            return connection.execute(statement).fetchall()
    connection = sqlite3.connect(database)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_the_projects_own_tests_pass_without_pytest(shop):
    printed = shop.manage("test", "shop", "--noinput", REDIS_URL="redis://nobody:1/0", SMS_NAMESPACE="")

    assert re.search(r"Ran \d\d tests", printed), printed
    assert "skipped" not in printed


def test_an_order_and_its_sms_are_one_and_an_answer_has_its_effect_once(shop, shared, database):
    shop.serve()
    shop.start("consumer", "sms_consume", "replies", "--handler", "shop.handlers.on_reply")
    shop.start("relay", "sms_outbox_relay")
    url = f"http://127.0.0.1:{shop.port}"
    shared.wait_for(lambda: listens(url))
    shared.gateway.settings(callback_url=f"{url}/hooks/sms/{TOKEN}")
    # Both databases are told in one ledger.
    first = 11 if "postgresql" in database else 1
    good, bad = (first, new_number()), (first + 1, new_number())

    statuses = [post(url, *good), post(url, *bad, fail="1")]

    assert statuses == [200, 500]
    message = shared.wait_for(lambda: shared.handset(f"order-{first}"))[0]
    shared.gateway.reply(message.number, "Oui")
    answered = "SELECT number, answer, answers FROM shop_order"
    shared.wait_for(lambda: rows(database, answered) == [(first, "Oui", 1)])
    assert len(shared.handset(f"order-{first}")) == 1
    assert shared.producer.status(f"order-{first + 1}") is None
    assert rows(database, "SELECT count(*) FROM sms_outbox") == [(0,)]
    shared.wait_for(lambda: f"POST /orders/{first} " in shop.output("server"))
    assert [shop.end(each) for each in ("consumer", "relay")] == [0, 0]
    shop.end("server")
    assert TOKEN not in shop.output("server")
    assert "hands the outbox of database default over to redis" in shop.output("relay")
    for each in ("server", "consumer", "relay"):
        # The server shows where the view raised, and so a line of its code.
        assert good[1] not in shop.output(each), each
    assert rows(database, "SELECT count(*) FROM shop_order") == [(1,)]


def listens(url):
    try:
        return httpx.get(f"{url}/nowhere", trust_env=False).status_code == 404
    except httpx.TransportError:
        return False


def post(url, number, phone, **fields):
    answer = httpx.post(f"{url}/orders/{number}", data={"phone": phone, **fields}, trust_env=False)
    return answer.status_code


def test_a_relay_that_is_killed_at_any_step_loses_and_doubles_nothing(shop, shared):
    ids = [new_id() for _ in range(4)]
    ends = shop.manage("doomed_relay", *ids, "--phone", new_number()).splitlines()
    assert [end.partition(": ")[2] for end in ends] == [str(-signal.SIGKILL)] * 4

    # What a killed relay had committed is there no more, and what it had not is handed over now.
    assert "queued 0, refused 0" in shop.manage("sms_outbox_relay", "--once")
    assert shared.all_settled(ids) == {"accepted"}
    assert [len(shared.handset(each)) for each in ids] == [1] * 4


def test_bad_settings_end_the_check_and_are_named(shared, tmp_path):
    shop = DjangoProject(tmp_path, ":memory:", shared.environ)
    printed = shop.manage("check", code=1, SHOP_OCTOPUSH='{"REDIS_URL": "http://canary", "SMS_NAME": "x"}')

    assert "OCTOPUSH['SMS_NAME']: is no setting" in printed
    assert "canary" not in printed
