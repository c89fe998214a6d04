"""Relays that kill themselves, each at one exact point: ``python -m tests.support.doomed_outbox URL ID…``.

``POINTS`` lists what a step passes. One child for each writes a row with the id that belongs to the point,
hands it over and dies. Prints the exit code of each. The code under test knows nothing of this.
"""

import json
import os
import signal
import sys
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from producers import Producer
from producers.outbox.sqlalchemy import Outbox, outbox_table
from producers.settings import ProducerSettings

POINTS: Final = ("before send_many", "after send_many", "after DELETE", "after commit")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _doom(engine: sa.Engine, point: str) -> None:
    send_many, commit = Producer.send_many, DefaultDialect.do_commit
    deleted: list[str] = []

    def doomed_send_many(self: Producer, messages: Any) -> Any:
        if point == "before send_many":
            _die()
        sent = send_many(self, messages)
        if point == "after send_many":
            _die()
        return sent

    @sa.event.listens_for(engine, "after_cursor_execute")
    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE"):
            deleted.append(statement)
            if point == "after DELETE":
                _die()

    def doomed_commit(self: DefaultDialect, connection: Any) -> None:
        commit(self, connection)
        if point == "after commit" and deleted:
            _die()

    Producer.send_many = doomed_send_many  # type: ignore[method-assign]
    DefaultDialect.do_commit = doomed_commit  # type: ignore[method-assign]


def main(url: str, *request_ids: str) -> None:
    """Let one child after the other die."""
    codes = {}
    for point, request_id in zip(POINTS, request_ids, strict=True):
        child = os.fork()
        if child == 0:
            engine = sa.create_engine(url)
            outbox = Outbox(outbox_table(sa.MetaData()), ProducerSettings.from_env())
            with engine.begin() as connection:
                options = {"sender": "Bistro", "purpose": "alert", "request_id": request_id}
                outbox.add(connection, "+33612345678", "Your order is ready", **options)
            _doom(engine, point)
            outbox.relay(engine, Producer.from_env()).run_once()
            os._exit(0)
        codes[point] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.write(json.dumps(codes))


if __name__ == "__main__":
    main(*sys.argv[1:])
