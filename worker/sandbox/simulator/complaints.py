"""What was wrong with the answers to callbacks, in a line for whoever runs the simulator."""

import logging
from typing import Final
from urllib.parse import urlsplit

from worker.sandbox.simulator.callback_record import CallbackRecord

#: Without a handler of its own the standard library writes its lines to stderr.
LOGGER: Final = logging.getLogger("octopush.simulator")


class Complaints:
    """Tells of each URL what its answers do wrong: once, and again after one that was right."""

    def __init__(self) -> None:
        self._told: dict[str, list[str]] = {}

    def look(self, record: CallbackRecord, limit_ms: int) -> None:
        """Look at an answer.

        Args:
            record: the callback and its answer.
            limit_ms: how long the receiver may take.
        """
        if record.violations == self._told.get(record.url, []):
            return
        self._told[record.url] = record.violations
        if record.violations:
            LOGGER.warning(complaint(record, limit_ms))

    def forget(self) -> None:
        """Forget what was told."""
        self._told.clear()


def complaint(record: CallbackRecord, limit_ms: int) -> str:
    """Say what was wrong with an answer; the token of the URL is not in it.

    Args:
        record: the callback and its answer, which broke a rule.
        limit_ms: how long the receiver may take.
    """
    return f"callback ({record.kind}) to {_host(record.url)}: {_reason(record, limit_ms)}"


def _reason(record: CallbackRecord, limit_ms: int) -> str:
    if "slow" in record.violations:
        return (
            f"no answer within {limit_ms} ms, so it counts as not delivered. Octopush waits about a second;"
            " the setting callback_timeout_ms lets the simulator wait longer"
        )
    if "unreachable" in record.violations:
        return "nothing answers there"
    if "status" in record.violations:
        return f"answered {record.http_status}, so it counts as not delivered"
    return f"answered with {record.answer_bytes} bytes; Octopush wants an answer without content"


def _host(url: str) -> str:
    """Name the server: the path holds the token."""
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
