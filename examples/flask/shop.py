"""A shop that tells its customers by SMS when an order has left, and reads what they answer."""

import os
import signal
import sqlite3
from contextlib import closing
from functools import cache
from typing import Any

from flask import Flask, abort, request

from producers import Feed, InvalidMessage, Producer, QueueUnavailable
from producers.events import Reply

app = Flask(__name__)

TABLE = "CREATE TABLE IF NOT EXISTS answers (event_id PRIMARY KEY, order_number, text)"


@cache
def producer() -> Producer:
    """Make the producer of this process with its first SMS: all threads share it."""
    return Producer.from_env()


def request_id_of(order: int) -> str:
    """Name the SMS after what has happened: whoever repeats the request sends one SMS."""
    return f"order-{order}-shipped"


@app.post("/orders/<int:order>/shipped")
def shipped(order: int) -> tuple[dict[str, Any], int]:
    """Tell a customer that an order is on its way."""
    try:
        sent = producer().send(
            request.get_json()["phone"],
            f"Order {order} is on its way. Will you be at home?",
            sender="Shop",
            purpose="alert",
            with_replies=True,
            context={"order": order},
            request_id=request_id_of(order),
        )
    except InvalidMessage as error:
        return {"errors": error.fields}, 422
    except QueueUnavailable:
        # It may or may not be queued. To repeat the request is safe either way.
        return {"errors": "try again"}, 503
    return {"request_id": sent.request_id, "state": sent.state}, 202


@app.get("/orders/<int:order>/sms")
def status(order: int) -> dict[str, Any]:
    """Say what has become of the SMS about an order."""
    found = producer().status(request_id_of(order))
    if found is None:
        abort(404)
    return {"state": found.state, "waits_for": found.waits_for}


def note(database: sqlite3.Connection, reply: Reply) -> None:
    """Note an answer. An entry may come twice, so its id is stored in the transaction of what it leads to."""
    order = reply.context["order"] if reply.context else None
    with database:
        database.execute(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (reply.event_id, order, reply.text)
        )


@app.cli.command("read-replies")
def read_replies() -> None:
    """Read what customers answer, until SIGTERM or Ctrl-C."""
    with closing(sqlite3.connect(os.environ.get("DATABASE", "shop.db"))) as database:
        database.execute(TABLE)
        with Feed("replies", group="shop-flask") as feed:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: feed.stop())
            feed.run(lambda reply: note(database, reply))
