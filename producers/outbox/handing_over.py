"""Handing rows of an outbox over to the queue, and what then becomes of each row. Knows no database."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..contract.discreet import discreet
from ..errors import InvalidMessage, RequestIdConflict
from ..messages.frozen import FrozenMessage
from ..producer import Producer
from ..queueing.batches import SLICE
from .kept import read

_log = logging.getLogger("producers.outbox")

#: Rows that a relay takes in one transaction.
ROWS: Final = SLICE

#: Why a row stays. No word of them holds anything of a message.
_UNREADABLE: Final = "cannot be read: damaged, or written by another version"
_CONFLICT: Final = "the request_id names other content in the queue"
_OLD: Final = "older than RECORD_RETENTION_DAYS: it may have been sent, and the queue would not know"


@discreet
@dataclass(frozen=True, slots=True)
class Row:
    """What a relay reads of a row.

    Attributes:
        id: its key.
        request_id: names the message.
        payload: see `producers.outbox.kept`.
        attempts: how often it was refused, and a person let it be handed over again.
    """

    id: int
    request_id: str
    payload: str
    attempts: int


@discreet
@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of rows.

    Attributes:
        queued: rows whose messages are in the queue: to be deleted.
        refused: why a row stays until a person decides, by row.
    """

    queued: tuple[Row, ...] = ()
    refused: tuple[tuple[Row, str], ...] = ()

    @property
    def rows(self) -> int:
        """How many there were."""
        return len(self.queued) + len(self.refused)

    def log_refused(self) -> None:
        """Log each row that stays; call it once that is settled, so that the row can be found."""
        for row, why in self.refused:
            _log.error("row %d of the outbox stays: %s", row.id, why)


def hand_over(rows: Iterable[Row], sms: Producer, remembered_ms: int) -> HandedOver:
    """Queue the messages of some rows. Safe to repeat: what is queued already counts as queued.

    A row that cannot be read, and one whose message is refused, keep no other row. A row that is older than
    the ledger's memory may be one that came back with a backup: a person decides.

    Args:
        rows: at most `ROWS`.
        sms: where to.
        remembered_ms: milliseconds for which the ledger surely knows a message again.

    Raises:
        QueueUnavailable: Redis did not confirm; leave all rows as they are, and repeat.
        QueueRefused: Redis refuses user or password; leave all rows as they are.
        ConfigError: this process lacks a key of pseudonyms; no repeat helps before it has it.
    """
    messages: dict[Row, FrozenMessage] = {}
    why: dict[Row, str] = {}
    for row in rows:
        try:
            message, age_ms = read(row.request_id, row.payload)
        except ValueError:
            why[row] = _UNREADABLE
            continue
        if age_ms > remembered_ms and not row.attempts:
            why[row] = _OLD
        else:
            messages[row] = message
    refused = _refused(list(messages.values()), sms)
    why |= {row: refused[row.request_id] for row in messages if row.request_id in refused}
    return HandedOver(tuple(row for row in messages if row not in why), tuple(why.items()))


def _refused(messages: Sequence[FrozenMessage], sms: Producer) -> dict[str, str]:
    """Queue messages, and say why some are refused."""
    if not messages:
        return {}
    try:
        sms.send_many(messages)
    except RequestIdConflict as error:
        return dict.fromkeys(error.request_ids, _CONFLICT)
    except InvalidMessage as error:
        # One of them keeps all out, as one whose price nobody knows does: the others are found by halves.
        if len(messages) == 1:
            return {messages[0].request_id: str(error)}
        half = len(messages) // 2
        return _refused(messages[:half], sms) | _refused(messages[half:], sms)
    return {}
