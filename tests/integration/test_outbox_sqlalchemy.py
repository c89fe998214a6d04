"""The outbox of SQLAlchemy, on SQLite and on a real PostgreSQL, with a real Redis."""

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.orm import Session

from producers import InvalidMessage, Producer, QueueUnavailable, RequestIdConflict
from producers.outbox import relay as relays
from producers.outbox.handing_over import ROWS
from producers.outbox.sqlalchemy import Outbox, outbox_table
from producers.settings import ProducerSettings
from tests.support.doomed_outbox import POINTS
from tests.support.keys import AllKeys
from tests.support.postgres import postgres
from tests.support.waiting import until

__all__ = ["postgres"]

DOCS = Path(__file__).parents[2] / "docs"
PHONE = "+33612345678"
ALERT = {"sender": "Bistro", "purpose": "alert"}

METADATA = sa.MetaData()
TABLE = outbox_table(METADATA)
ORDERS = sa.Table("orders", METADATA, sa.Column("number", sa.Integer, primary_key=True))


@pytest.fixture(scope="module")
def postgres_url(postgres):
    postgres.create("outbox")
    return postgres.url("outbox")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    yield from opened(url_for(request.param, request, tmp_path))


@pytest.fixture
def on_postgres(postgres_url):
    yield from opened(postgres_url)


def url_for(kind, request, tmp_path):
    return (
        f"sqlite:///{tmp_path}/shop.sqlite3" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    )


def opened(url):
    engine = sa.create_engine(url)
    METADATA.drop_all(engine)
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def outbox(redis_url):
    return Outbox(TABLE, ProducerSettings.from_env({"REDIS_URL": redis_url}))


@pytest.fixture
def relay(outbox, engine, sms):
    return outbox.relay(engine, sms)


def write(outbox, engine, *request_ids, text="Your order is ready", **options):
    with engine.begin() as connection:
        for request_id in request_ids:
            outbox.add(connection, PHONE, text, request_id=request_id, **ALERT, **options)


def rows(engine):
    with engine.connect() as connection:
        return {row.request_id: row for row in connection.execute(sa.select(TABLE))}


def queued(redis_client):
    """How often each message stands in the queue of alerts."""
    return Counter(each.decode() for each in redis_client.lrange(AllKeys("sms").queue("alert").ready, 0, -1))


def test_an_sms_is_queued_if_its_transaction_commits_and_only_then(outbox, engine, relay, redis_client):
    with Session(engine) as session, session.begin():
        session.execute(sa.insert(ORDERS).values(number=1))
        kept = outbox.add(session, PHONE, "kept", **ALERT)
        assert relay.run_once() == (0, 0), "another connection sees nothing of it"
    with Session(engine) as session:
        # As the first statement of its transaction, and under a name that may be there already.
        outbox.add(session, PHONE, "lost", request_id="lost", **ALERT)
        session.execute(sa.insert(ORDERS).values(number=2))
        session.rollback()

    assert relay.run_once() == (1, 0)
    assert (queued(redis_client), rows(engine)) == ({kept: 1}, {})


def test_the_same_content_is_written_once_and_other_content_is_refused(outbox, engine, relay, redis_client):
    for _ in range(2):
        write(outbox, engine, "a", ttl=timedelta(hours=1))
    with engine.begin() as connection:
        with pytest.raises(RequestIdConflict):
            outbox.add(connection, PHONE, "other", request_id="a", **ALERT)
        # The transaction goes on.
        connection.execute(sa.insert(ORDERS).values(number=1))

    assert relay.run_once() == (1, 0)
    write(outbox, engine, "a", ttl=timedelta(hours=1))
    assert relay.run_once() == (1, 0)
    assert queued(redis_client) == {"a": 1}


def test_a_database_without_an_insert_of_its_own_is_asked_by_a_savepoint(
    outbox, engine, relay, redis_client, monkeypatch
):
    if engine.dialect.name == "sqlite":
        pytest.skip("Python's driver ends the transaction with its first savepoint")
    monkeypatch.setattr("producers.outbox.sqlalchemy._INSERTS", {})
    for _ in range(2):
        write(outbox, engine, "a")

    assert relay.run_once() == (1, 0)
    assert queued(redis_client) == {"a": 1}


def test_a_bad_message_is_refused_before_anything_is_written(outbox, engine):
    with engine.begin() as connection, pytest.raises(InvalidMessage) as raised:
        outbox.add(connection, "+33 12", "", request_id="x" * 37, sender="B")

    assert {*raised.value.fields} == {"recipients[0].phone_number", "request_id", "sender", "text"}
    assert rows(engine) == {}


def test_an_error_of_the_database_shows_neither_number_nor_text(outbox, engine):
    METADATA.drop_all(engine)
    for request_id in (None, "a"):
        with engine.begin() as connection, pytest.raises(sa.exc.DBAPIError) as raised:
            outbox.add(connection, PHONE, "canary", request_id=request_id, **ALERT)
        # Long values are cut in the middle: number and text would show in some, and not in others.
        assert "parameters hidden" in str(raised.value)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_relay_that_is_killed_at_any_step_loses_and_doubles_nothing(
    kind, request, tmp_path, outbox, sms, redis_client, redis_url
):
    url = url_for(kind, request, tmp_path)
    ids = [f"doomed-{number}" for number in range(len(POINTS))]
    for engine in opened(url):
        command = [sys.executable, "-m", "tests.support.doomed_outbox", url, *ids]
        environ = {**os.environ, "REDIS_URL": redis_url}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
        assert json.loads(done.stdout) == dict.fromkeys(POINTS, -signal.SIGKILL), done.stderr

        outbox.relay(engine, sms).run_once()

        assert queued(redis_client) == dict.fromkeys(ids, 1)
        assert rows(engine) == {}


class Waiting(Producer):
    """A producer that stands still before it sends, until it may."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.came, self.may = threading.Event(), threading.Event()
        self.batches = []

    def send_many(self, messages):
        self.batches.append({each.request_id for each in messages})
        self.came.set()
        assert self.may.wait(30)
        return super().send_many(messages)


def test_two_relays_at_once_share_the_rows_of_postgresql(outbox, on_postgres, sms, redis_url, redis_client):
    ids = [f"m{number:04d}" for number in range(ROWS + 100)]
    write(outbox, on_postgres, *ids)
    slow = Waiting(redis_url)
    thread = threading.Thread(target=outbox.relay(on_postgres, slow).run_once)
    thread.start()
    assert slow.came.wait(30)

    # The first has taken the oldest 500; the second waits for nobody.
    assert outbox.relay(on_postgres, sms).run_once() == (100, 0)
    # Nor does the application.
    write(outbox, on_postgres, "later")
    slow.may.set()
    thread.join()
    slow.close()

    assert slow.batches[0] == set(ids[:ROWS])
    assert queued(redis_client) == dict.fromkeys([*ids, "later"], 1)
    assert rows(on_postgres) == {}


def test_two_relays_at_once_double_nothing_on_sqlite(outbox, tmp_path, sms, redis_url, redis_client):
    for engine in opened(f"sqlite:///{tmp_path}/shop.sqlite3"):
        write(outbox, engine, "a", "b")
        slow = Waiting(redis_url)
        thread = threading.Thread(target=outbox.relay(engine, slow).run_once)
        thread.start()
        assert slow.came.wait(30)

        assert outbox.relay(engine, sms).run_once() == (2, 0)
        # An id that was given again would now be that of a row which the first is about to delete.
        write(outbox, engine, "c")
        slow.may.set()
        thread.join()
        slow.close()

        assert [(row.request_id, row.id) for row in rows(engine).values()] == [("c", 3)]
        outbox.relay(engine, sms).run_once()
    assert queued(redis_client) == {"a": 1, "b": 1, "c": 1}


def test_a_row_that_is_refused_keeps_no_other_and_waits_for_a_person(
    outbox, engine, relay, sms, redis_client, caplog
):
    sms.send(PHONE, "in the queue already", request_id="b", **ALERT)
    write(outbox, engine, "a", "b", "c")
    newer = rows(engine)["a"].payload.replace('"v":1', '"v":2')
    with engine.begin() as connection:
        connection.execute(sa.update(TABLE).where(TABLE.c.request_id == "a").values(payload=newer))

    assert relay.run_once() == (1, 2)
    assert relay.run_once() == (0, 0)
    assert queued(redis_client) == {"b": 1, "c": 1}
    assert "Your order" not in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2

    with engine.begin() as connection:
        a, b = outbox.refused(connection)
        assert (a.request_id, a.attempts, a.error[:14]) == ("a", 1, "cannot be read")
        assert (b.request_id, b.error) == ("b", "the request_id names other content in the queue")
        assert outbox.discard(connection, [a.id]) == 1
        assert outbox.retry(connection, [b.id]) == 1
    assert relay.run_once() == (0, 1)
    assert rows(engine)["b"].attempts == 2


def test_the_query_of_the_privacy_page_finds_a_person(outbox, engine):
    write(outbox, engine, "a")
    [query] = re.findall(r"`(SELECT .* LIKE '.*')`", (DOCS / "privacy.md").read_text("utf-8"))

    with engine.begin() as connection:
        outbox.add(connection, "+33612345679", "Hello", **ALERT)
        found = connection.exec_driver_sql(query.replace("%", "%%") if engine.name != "sqlite" else query)
        assert [row.request_id for row in found] == ["a"]


def test_a_decision_is_about_refused_rows_only(outbox, engine):
    write(outbox, engine, "a")
    with engine.begin() as connection:
        ids = [row.id for row in rows(engine).values()]
        assert (outbox.discard(connection, ids), outbox.retry(connection, ids)) == (0, 0)
    assert {*rows(engine)} == {"a"}


def test_a_row_that_the_ledger_may_have_forgotten_waits_for_a_person(
    outbox, engine, relay, redis_client, redis_url
):
    write(outbox, engine, "a")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, minutes=1)):
        assert relay.run_once() == (0, 1)
        with engine.begin() as connection:
            [row] = outbox.refused(connection)
            assert "may have been sent" in row.error
            outbox.retry(connection, [row.id])
        assert relay.run_once() == (1, 0)
    assert queued(redis_client) == {"a": 1}


def test_while_redis_is_away_rows_stay_as_they_are(outbox, engine):
    write(outbox, engine, "a")
    with Producer("redis://127.0.0.1:1/0") as nowhere, pytest.raises(QueueUnavailable):
        outbox.relay(engine, nowhere).run_once()

    row = rows(engine)["a"]
    assert (row.attempts, row.error) == (0, "")


def test_a_running_relay_hands_over_when_it_is_kicked_and_outlasts_an_outage(
    outbox, tmp_path, sms, redis_client, caplog, monkeypatch
):
    monkeypatch.setattr(relays, "SWEEP_S", 0.05)
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.sqlite3")
    relay = outbox.relay(engine, sms)
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        until(lambda: "the outbox waits: OperationalError: no such table" in caplog.text)
        METADATA.create_all(engine)
        until(lambda: "the outbox goes on" in caplog.text)
        monkeypatch.setattr(relays, "SWEEP_S", 3600.0)
        relay.kick()
        write(outbox, engine, "a")
        until(lambda: relay.kick() or queued(redis_client) == {"a": 1})
    finally:
        relay.stop()
        thread.join(30)
    assert not thread.is_alive()
    engine.dispose()


def test_where_an_sms_is_can_be_asked_until_the_queue_knows_it(outbox, engine, relay, sms):
    def states(request_id):
        with engine.connect() as connection:
            waits = outbox.state(connection, request_id)
        found = sms.status(request_id)
        return waits, found and found.state

    sms.send(PHONE, "other content", request_id="refused", **ALERT)
    write(outbox, engine, "waits", "refused")
    assert states("waits") == ("waiting", None)
    with Session(engine) as session:
        assert outbox.state(session, "waits") == "waiting"
    assert relay.run_once() == (1, 1)
    assert states("waits") == (None, "queued")
    assert states("refused") == ("refused", "queued")
    assert states("never") == (None, None)


def test_a_relay_in_a_thread_goes_on_after_what_no_waiting_mends(
    outbox, tmp_path, redis_server, redis_client, caplog, monkeypatch
):
    monkeypatch.setattr(relays, "ANEW_S", 0.2)
    redis_client.acl_setuser("relay", enabled=True, passwords=["+other"], commands=["+@all"], keys=["*"])
    url = f"redis://relay:right@127.0.0.1:{redis_server.port}/0"
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.sqlite3")
    METADATA.create_all(engine)
    try:
        with Producer(url) as sms, outbox.relay(engine, sms).running():
            write(outbox, engine, "a")
            until(lambda: "the outbox stands still: QueueRefused" in caplog.text)
            redis_client.acl_setuser("relay", enabled=True, passwords=["+right"])
            until(lambda: queued(redis_client) == {"a": 1} and not rows(engine))
    finally:
        redis_client.acl_deluser("relay")
    assert not [each for each in threading.enumerate() if each.name == "outbox"]
    assert PHONE not in caplog.text
    engine.dispose()


def test_kicks_make_no_error_lines_while_a_relay_in_a_thread_stands_still(outbox, tmp_path, caplog):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.sqlite3")
    relay = outbox.relay(engine, Broken())
    METADATA.create_all(engine)
    write(outbox, engine, "a")
    with relay.running():
        until(lambda: "the outbox stands still: ZeroDivisionError" in caplog.text)
        for _ in range(20):
            relay.kick()
        until(relay._kicks.empty)
    # The end came at once, although the next try was a minute away.
    assert caplog.text.count("stands still") == 1
    assert PHONE not in caplog.text
    engine.dispose()


class Broken:
    """Raises what nobody expects, with a text that nobody may log."""

    def send_many(self, messages):
        raise ZeroDivisionError(PHONE)


def test_an_async_session_writes_by_run_sync(outbox, on_postgres, sms, redis_client):
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    async def order():
        engine = create_async_engine(on_postgres.url)
        async with AsyncSession(engine) as session, session.begin():
            await session.run_sync(outbox.add, PHONE, "Hello", request_id="a", **ALERT)
        await engine.dispose()

    asyncio.run(order())
    assert outbox.relay(on_postgres, sms).run_once() == (1, 0)
    assert queued(redis_client) == {"a": 1}
