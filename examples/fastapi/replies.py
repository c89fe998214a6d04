"""Read what customers answer, in a process of its own. Start as many as you like: they share the work."""

import os
import signal
import sqlite3
from contextlib import closing

from producers import Feed
from producers.events import Reply

TABLE = "CREATE TABLE IF NOT EXISTS answers (event_id PRIMARY KEY, order_number, text)"


def note(database: sqlite3.Connection, reply: Reply) -> None:
    """Note an answer. An entry may come twice, so its id is stored in the transaction of what it leads to."""
    order = reply.context["order"] if reply.context else None
    with database:
        database.execute(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (reply.event_id, order, reply.text)
        )


def main() -> None:
    """Read until SIGTERM or Ctrl-C, and end after the reply at hand."""
    with closing(sqlite3.connect(os.environ.get("DATABASE", "shop.db"))) as database:
        database.execute(TABLE)
        with Feed("replies", group="shop-fastapi") as feed:
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: feed.stop())
            # A reply whose note fails comes again a minute later; the others go on meanwhile.
            feed.run(lambda reply: note(database, reply))


if __name__ == "__main__":
    main()
