"""Writes an order and its SMS, hands it over, and dies at one exact point of that."""

import os
import signal
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from producers import Producer
from producers.django import send_in_transaction

#: What a step passes, in this order.
POINTS = ("before send_many", "after send_many", "after DELETE", "after commit")


class Command(BaseCommand):
    """Runs the relay as it is, in a process of its own for each point; what surrounds it kills it."""

    def add_arguments(self, parser: Any) -> None:
        """Declare the arguments: a request_id for each point."""
        parser.add_argument("request_ids", nargs=len(POINTS))
        parser.add_argument("--phone")

    def handle(self, *, request_ids: list[str], phone: str, **_: Any) -> None:
        """Write, and let a relay run into the point."""
        for point, request_id in zip(POINTS, request_ids, strict=True):
            with transaction.atomic():
                send_in_transaction(
                    phone, "Your order is ready", sender="Bistro", purpose="alert", request_id=request_id
                )
                # This process is not to hand it over at once: the relay is to be killed.
                connection.run_on_commit.clear()
            connection.close()
            child = os.fork()
            if child == 0:
                _doom(point)
                call_command("sms_outbox_relay", once=True)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            self.stdout.write(f"{point}: {os.waitstatus_to_exitcode(status)}")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _doom(point: str) -> None:
    send_many, commit = Producer.send_many, BaseDatabaseWrapper._commit
    deleted = []

    def doomed_send_many(self: Producer, messages: Any) -> Any:
        if point == "before send_many":
            _die()
        sent = send_many(self, messages)
        if point == "after send_many":
            _die()
        return sent

    def doomed_delete(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if sql.startswith("DELETE"):
            deleted.append(sql)
            if point == "after DELETE":
                _die()
        return done

    def doomed_commit(self: BaseDatabaseWrapper) -> None:
        commit(self)
        if point == "after commit" and deleted:
            _die()

    Producer.send_many = doomed_send_many
    BaseDatabaseWrapper._commit = doomed_commit
    connection.execute_wrappers.append(doomed_delete)
