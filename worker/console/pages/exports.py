"""Replies to take along: all that a filter finds, as CSV or as JSON lines, never in memory as a whole."""

import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Any, Final

import anyio
from starlette.responses import Response, StreamingResponse

from producers.contract.phone import mask
from worker.console.page import Page, Visit
from worker.console.pages.reply_filters import Asked, read_filter
from worker.console.refusals import Refusal
from worker.inquiry import replies
from worker.inquiry.reply_rows import REPLY_COLUMNS, reply_row
from worker.presentation.csv_rows import csv_rows
from worker.presentation.json_lines import json_line

#: Rows of one export, and rows that are read at a time.
ROWS_MAX: Final = 100_000
BLOCK: Final = 500
#: Seconds after which an export that has stopped without a word no longer counts as running.
_STALE_S: Final = 60
_LOG: Final = logging.getLogger("worker.console")


class _OvertakenError(Exception):
    """This export stood still until it no longer counted, and another one has begun."""


async def as_csv(visit: Visit) -> Response:
    """Stream a filter's replies as CSV."""
    return await _export(visit, "csv", "text/csv; charset=utf-8; header=present")


async def as_json_lines(visit: Visit) -> Response:
    """Stream a filter's replies as JSON lines, their texts raw."""
    return await _export(visit, "jsonl", "application/x-ndjson")


async def _export(visit: Visit, kind: str, media_type: str) -> Response:
    asked = read_filter(visit)
    if wrong := [*asked.problems.values(), *filter(None, [asked.nothing])]:
        raise Refusal(HTTPStatus.BAD_REQUEST, " ".join(wrong), back="/replies")
    lock, mine = visit.keys.console_export(visit.visitor.name), secrets.token_hex(8)
    if not await visit.office.redis.set(lock, mine, nx=True, ex=_STALE_S):
        raise Refusal(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Your export before is still running: one at a time.",
            back="/replies",
        )
    # Who takes data along is on record before the first row leaves.
    await visit.audit("export", format=kind, **asked.about)
    name = f'attachment; filename="replies.{kind}"'
    return StreamingResponse(
        _stream(visit, asked, kind, lock, mine),
        media_type=media_type,
        headers={"Content-Disposition": name},
    )


async def _stream(visit: Visit, asked: Asked, kind: str, lock: str, mine: str) -> AsyncIterator[bytes]:
    rows, failed = 0, ""
    try:
        if kind == "csv":
            yield next(csv_rows(REPLY_COLUMNS, ()))
        async for page in _pages(visit, asked):
            await _stay(visit, lock, mine)
            found = [_row(visit, each) for each in page][: ROWS_MAX - rows]
            rows += len(found)
            yield b"".join(_written(found, kind))
            if rows >= ROWS_MAX:
                break
    except Exception as error:  # noqa: BLE001 - its text may quote what nobody should read in a log
        failed = type(error).__name__
    finally:
        with anyio.CancelScope(shield=True):
            await _end(visit, kind, rows, lock, mine)
    if failed:
        _LOG.error("an export ended early with %s", failed)
        # The connection breaks, so that nobody takes a part for the whole.
        raise RuntimeError("the export ended early")


async def _stay(visit: Visit, lock: str, mine: str) -> None:
    """Let the export count as running for another while. A browser that reads slowly may have let it go.

    Raises:
        _OvertakenError: another export of this person has begun since.
    """
    client = visit.office.redis
    await client.set(lock, mine, nx=True, ex=_STALE_S)
    if await client.get(lock) != mine.encode():
        raise _OvertakenError
    await client.expire(lock, _STALE_S)


async def _pages(visit: Visit, asked: Asked) -> AsyncIterator[tuple[replies.Found, ...]]:
    cursor: str | None = None
    while True:
        page = await visit.ask(replies.find(visit.keys, asked.filter, cursor, most=BLOCK))
        yield page.replies
        cursor = page.cursor
        if cursor is None:
            return


async def _end(visit: Visit, kind: str, rows: int, lock: str, mine: str) -> None:
    try:
        await visit.audit("exported", format=kind, rows=rows)
        if await visit.office.redis.get(lock) == mine.encode():
            await visit.office.redis.delete(lock)
    except Exception as error:  # noqa: BLE001 - as above; Redis may be what ended the export
        _LOG.error("the end of an export is not on record: %s", type(error).__name__)


def _row(visit: Visit, found: replies.Found) -> dict[str, Any]:
    """Write a number in full for an operator; for a viewer nothing from which it could be found."""
    if visit.visitor.is_operator:
        return reply_row(found, str)
    return reply_row(found, mask, traceable=False)


def _written(rows: list[dict[str, Any]], kind: str) -> Iterator[bytes]:
    if kind == "jsonl":
        return map(json_line, rows)
    written = csv_rows(REPLY_COLUMNS, rows)
    next(written)
    return written


PAGES = (Page("/replies.csv", as_csv), Page("/replies.jsonl", as_json_lines))
