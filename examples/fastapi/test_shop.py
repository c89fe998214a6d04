"""The shop's own tests: with the client of Starlette, and with what `producers.testing` gives."""

import sqlite3

import pytest
import replies
from fastapi.testclient import TestClient
from shop import app

from producers import Feed, QueueUnavailable

NUMBER = "+33612345678"
# The token must look random, in a test, too.
CALLBACKS = "/callbacks/kX7canary0123456789Zq"


@pytest.fixture
def client(sms_outbox, monkeypatch):
    monkeypatch.setenv("CALLBACK_TOKENS", CALLBACKS.rpartition("/")[2])
    # With `with`, the client runs the lifespans, which make producer and intake.
    with TestClient(app) as client:
        yield client


def ship(client, phone=NUMBER):
    return client.post("/orders/7/shipped", json={"phone": phone})


def test_a_customer_is_told_once_however_often_the_request_comes(client, sms_outbox):
    first, again = ship(client), ship(client)

    assert (first.status_code, again.status_code) == (202, 202)
    sent = sms_outbox.assert_sent(to=NUMBER, text="Order 7 is on its way. Will you be at home?")
    assert sent.request_id == "order-7-shipped"


def test_a_wrong_number_is_refused_with_its_field(client, sms_outbox):
    answer = ship(client, phone="06")

    assert answer.status_code == 422
    assert list(answer.json()["detail"]) == ["recipients[0].phone_number"]
    sms_outbox.assert_nothing_sent()


@pytest.mark.parametrize("queued", [False, True])
def test_after_an_outage_the_repeated_request_sends_one_sms(client, sms_outbox, queued):
    sms_outbox.fail_next(QueueUnavailable, queued=queued)

    assert ship(client).status_code == 503
    assert ship(client).status_code == 202

    sms_outbox.assert_sent(to=NUMBER, times=1)


def test_the_state_is_shown(client, sms_outbox):
    assert client.get("/orders/7/sms").status_code == 404
    ship(client)
    assert client.get("/orders/7/sms").json()["state"] == "queued"

    sms_outbox.receipt(NUMBER, "DELIVERED")

    shown = client.get("/orders/7/sms").json()
    assert (shown["state"], shown["deliveries"][NUMBER]["state"]) == ("accepted", "delivered")


def test_an_answer_that_comes_twice_is_noted_once(client, sms_outbox, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE", str(tmp_path / "shop.db"))
    ship(client)
    sms_outbox.reply(NUMBER, "Oui", times=2)

    replies.main()

    with sqlite3.connect(tmp_path / "shop.db") as database:
        assert database.execute("SELECT order_number, text FROM answers").fetchall() == [(7, "Oui")]
    database.close()
    # Both were handled without an error: neither comes again.
    sms_outbox.travel(minutes=2)
    assert list(Feed("replies", group="shop-fastapi")) == []


def test_a_callback_becomes_an_answer_of_the_shop(client, sms_outbox):
    ship(client)
    sms_outbox.run_worker()
    answer = {"number": NUMBER, "text": "Oui", "reception_date": "2030-01-31 14:05:09"}

    assert client.post(f"{CALLBACKS}/replies", json=answer).status_code == 200
    assert client.post("/callbacks/wrong/replies", json=answer).status_code == 404

    sms_outbox.run_worker()
    assert [reply.text for reply in Feed("replies", group="shop-fastapi")] == ["Oui"]
