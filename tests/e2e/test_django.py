"""An application of Django as a team runs it: its server, its relay and its consumer, each a process."""

import os
import re
import shutil
import signal
import sqlite3
from pathlib import Path

import httpx
import psycopg
import pytest

from producers import CallbackIntake
from tests.support.code_blocks import code_blocks
from tests.support.django_project import DjangoProject
from tests.support.example_programs import EXAMPLES
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

    assert re.search(r"Ran \d+ tests", printed), printed
    assert "skipped" not in printed


@pytest.fixture
def bookings(request, shared, database, tmp_path):
    """The project of docs/django.md, on a database of its own."""
    place = tmp_path / "django"
    shutil.copytree(EXAMPLES / "django", place, ignore=shutil.ignore_patterns("__pycache__", "db.sqlite3"))
    name = os.fspath(place / "db.sqlite3")
    if database.startswith("postgresql:"):
        server = request.getfixturevalue("postgres")
        server.create("bookings")
        name = f"postgresql:{server.directory}:bookings"
        there = {"HOST": os.fspath(server.directory), "USER": "postgres", "NAME": "bookings"}
        there |= {"ENGINE": "django.db.backends.postgresql", "ATOMIC_REQUESTS": True}
        with (place / "settings.py").open("a") as settings:
            settings.write(f"\nDATABASES = {{'default': {there}}}\n")
    environ = {**shared.environ, "SECRET_KEY": "x", "SMS_CALLBACK_TOKEN": TOKEN}
    # The settings of the page name one.
    environ["CALLBACK_SPOOL_DIR"] = ""
    project = DjangoProject(tmp_path, name, environ, place)
    yield project
    project.kill()


def test_the_commands_of_the_page_ask_a_guest_and_note_receipt_answer_and_stop(bookings, shared):
    url = f"http://127.0.0.1:{bookings.port}"
    spool = leave_a_callback(bookings.environ)
    started = started_by_the_page(bookings)
    # Five processes load Django at once.
    shared.wait_for(lambda: listens(url), 90)
    # No callback has come yet: the first request of all has opened the intake.
    shared.wait_for(lambda: not list(spool.rglob("*.spool")))
    shared.gateway.settings(callback_url=f"{url}/callbacks/{TOKEN}")
    phone = new_number()

    assert [book(url, "06 12"), book(url, phone)] == [400, 201]
    found = "FROM bookings_booking b JOIN bookings_guest g ON g.id = b.guest_id"
    asked = f"SELECT sms_state, delivery, confirmed, wants_offers {found} WHERE phone = '{phone}'"
    database = bookings.environ["DATABASE"]
    shared.wait_for(lambda: rows(database, asked) == [("accepted", "delivered", 0, 1)])
    for _ in range(2):
        shared.gateway.reply(phone, "Oui")
    shared.wait_for(lambda: rows(database, asked) == [("accepted", "delivered", 1, 1)])
    shared.wait_for(lambda: len(shared.gateway.messages(number=phone)) > 1)
    shared.gateway.stop(phone, text="STOP")
    shared.wait_for(lambda: rows(database, asked) == [("accepted", "delivered", 1, 0)])

    # The question, and one thank-you for two answers.
    assert len(shared.gateway.messages(number=phone)) == 2
    assert rows(database, "SELECT count(*) FROM sms_outbox") == [(0,)]
    shared.wait_for(lambda: "POST /book " in bookings.output("runserver"))
    assert {bookings.end(each) for each in started if each != "runserver"} == {0}
    bookings.end("runserver")
    assert "hands the outbox of database default over to redis" in bookings.output("sms_outbox_relay")
    printed = "".join(map(bookings.output, started))
    assert TOKEN not in printed
    assert phone not in printed


def leave_a_callback(environ):
    """Keep a callback as a process does that ends while Redis is away; returns where."""
    spool = Path(environ["PYTHONPATH"]) / "spool"
    callbacks = {"CALLBACK_TOKENS": TOKEN, "CALLBACK_SPOOL_DIR": str(spool)}
    environ = {**environ, **callbacks, "REDIS_URL": "redis://127.0.0.1:1"}
    with CallbackIntake.from_env(environ) as intake:
        assert intake.accept_callback(TOKEN, b'{"number": "+33612340000"}') == 200
    assert list(spool.rglob("*.spool"))
    return spool


def started_by_the_page(project):
    """Start what docs/django.md starts, with the port of the project; returns the names of what goes on."""
    [block] = [
        each.code for each in code_blocks() if each.page == "docs/django.md" and "runserver" in each.code
    ]
    assert block.splitlines()[0] == "cd examples/django"
    assert block.splitlines()[-1].endswith("127.0.0.1:8080/book")
    started = []
    for command, goes_on in re.findall(r"^python manage\.py (.+?)( &)?$", block, re.MULTILINE):
        arguments = command.replace(":8080", f":{project.port}").split()
        if goes_on:
            started.append(arguments[-1] if "--handler" in arguments else arguments[0])
            project.start(started[-1], *arguments)
        else:
            project.manage(*arguments)
    return started


def listens(url):
    try:
        return httpx.get(f"{url}/nowhere", trust_env=False).status_code == 404
    except httpx.TransportError:
        return False


def book(url, phone):
    return httpx.post(f"{url}/book", data={"phone": phone}, trust_env=False).status_code


def test_a_relay_that_is_killed_at_any_step_loses_and_doubles_nothing(shop, shared):
    ids = [new_id() for _ in range(4)]
    ends = shop.manage("doomed_relay", *ids, "--phone", new_number()).splitlines()
    assert [end.partition(": ")[2] for end in ends] == [str(-signal.SIGKILL)] * 4

    # What a killed relay had committed is there no more, and what it had not is handed over now.
    assert "queued 0, refused 0" in shop.manage("sms_outbox_relay", "--once")
    assert shared.all_settled(ids) == {"accepted"}
    assert [len(shared.handset(each)) for each in ids] == [1] * 4


def test_an_image_is_built_without_secrets_and_the_check_of_the_page_misses_them(shared, tmp_path):
    environ = {**shared.environ, "REDIS_URL": "", "SECRET_KEY": "x", "CALLBACK_TOKENS": ""}
    project = DjangoProject(tmp_path, ":memory:", environ, EXAMPLES / "django")
    [check] = [
        each.code.split()[2:]
        for each in code_blocks()
        if each.page == "docs/django.md" and each.code.startswith("python manage.py check")
    ]

    built = project.manage("makemigrations", "--check", "--dry-run")
    assert "No changes detected" in built
    assert "octopush.W002" in built
    assert "octopush.E002) OCTOPUSH['CALLBACK_TOKENS']: is required" in project.manage(*check, code=1)
    assert "octopush" not in project.manage(*check, SMS_CALLBACK_TOKEN=TOKEN, REDIS_URL="redis://nobody:1")


def test_bad_settings_end_the_check_and_are_named(shared, tmp_path):
    shop = DjangoProject(tmp_path, ":memory:", shared.environ)
    printed = shop.manage("check", code=1, SHOP_OCTOPUSH='{"REDIS_URL": "http://canary", "SMS_NAME": "x"}')

    assert "OCTOPUSH['SMS_NAME']: is no setting" in printed
    assert "canary" not in printed
