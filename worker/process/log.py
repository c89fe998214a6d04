"""Logging: one JSON object per line on standard output, readable lines on a terminal.

Only fields on the allow-list leave the process: a number, a text or a key that slips into an event is
dropped, not printed. Lines are written straight to a file descriptor, because Dramatiq routes `sys.stdout`
of its workers through its parent's standard error.
"""

import io
import json
import logging
import os
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, TextIO

import msgspec
import structlog
from dramatiq.broker import MessageProxy
from dramatiq.errors import BrokerConnectionError
from dramatiq.message import Message

from producers.contract.outages import is_told
from worker.process import sentry

#: Fields that may be logged. All hold ids, codes, counts, durations or masked numbers.
FIELDS: Final = frozenset(
    {
        # every line
        *("event", "level", "timestamp", "logger", "exception", "namespace"),
        # messages
        *("request_id", "state", "outcome", "code", "ticket", "segments", "cost", "recipients", "contacts"),
        *("to", "posts", "attempt", "retry_in_s", "duration_ms"),
        # callbacks
        *("callback_id", "event_id", "number", "status", "correlated", "match", "repeated"),
        *("stream", "entries"),
        # forwarding
        *("forwarder", "result"),
        # account, gateway, Redis and this process
        *("queue", "reason", "problem", "check", "in_flight", "server"),
    }
)

#: Characters of a value that are logged; fifty times as many of a traceback.
_VALUE_MAX: Final = 500

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class _Lossy(io.TextIOWrapper):
    """Drops lines that nobody can read: a closed terminal must not keep results from being recorded."""

    def write(self, text: str, /) -> int:
        """Write a line, or lose it."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, or lose it."""
        with suppress(OSError):
            super().flush()


def configure(level: str, namespace: str, fd: int = 1) -> None:
    """Set up structlog and the standard library's logging for this process. Safe to repeat.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        namespace: of the keys, which tells the accounts apart; every line carries it.
        fd: file descriptor that lines are written to.
    """
    # The process may be a Dramatiq worker whose sys.stdout is a pipe to its parent.
    out = _Lossy(os.fdopen(os.dup(fd), "wb"), "utf-8", "backslashreplace", line_buffering=True)
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        sentry.tell,
        structlog.processors.ExceptionRenderer(),
        partial(_add_namespace, namespace),
    ]
    structlog.configure(
        processors=[*shared, keep_allowed, _renderer(out)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level.lower()]),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    _configure_stdlib(shared, out, _LEVELS[level.lower()])


def _add_namespace(
    namespace: str, _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Say in every line whose it is; also in those of libraries and of threads that nobody has told."""
    event["namespace"] = namespace
    return event


def keep_allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop every field that is not on the allow-list and tame the others. The event comes first."""
    lead = ("event", "timestamp", "level")
    ordered = [name for name in lead if name in event] + [name for name in event if name not in lead]
    return {name: _tame(name, event[name]) for name in ordered if name in FIELDS}


def _tame(name: str, value: Any) -> Any:
    """Bound a value and escape its control characters: strangers write some, and a terminal would obey."""
    if value is None or isinstance(value, bool | int | float):
        return value
    most, kept = (50 * _VALUE_MAX, "\n") if name == "exception" else (_VALUE_MAX, "")
    text = str(value)[: most + 1]
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() or char in kept else char.encode("unicode_escape").decode()
            for char in text
        )
    return text if len(text) <= most else text[:most] + "…"


def _renderer(out: TextIO) -> structlog.typing.Processor:
    if out.isatty():
        return structlog.dev.ConsoleRenderer(colors=True)
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(event: Mapping[str, Any], default: Callable[[Any], Any]) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=default).decode()
    except UnicodeEncodeError:
        # An id may hold half a character of UTF-16, which msgspec refuses to write.
        return json.dumps(event, default=default)


class NamesOnly(logging.Filter):
    """Replaces Dramatiq messages among a record's arguments by actor and id; their `str` shows arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, cleaned."""
        if isinstance(record.args, tuple):
            record.args = tuple(_name(arg) for arg in record.args)
        return True


class NoOutages(logging.Filter):
    """Drops Dramatiq's lines about an outage of Redis: one per consumer, and one per message and try.

    `producers.contract.outages.OutageLog` has told of the outage. Lines about other trouble with Redis pass.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass unless it tells of an outage."""
        told = [record.exc_info[1]] if record.exc_info else []
        told += [each for each in record.args or () if isinstance(each, Exception)]
        return not any(_is_outage(each) for each in told)


def _is_outage(error: BaseException | None) -> bool:
    # Dramatiq raises an error of its own for a lost connection; the Redis client's stands behind it.
    if isinstance(error, BrokerConnectionError):
        error = error.__context__
    return isinstance(error, Exception) and not isinstance(error, OSError) and is_told(error)


def _name(argument: object) -> object:
    if isinstance(argument, Message | MessageProxy):
        return f"{argument.actor_name}[{argument.message_id}]"
    return argument


def _configure_stdlib(shared: list[structlog.typing.Processor], out: TextIO, level: int) -> None:
    handler = logging.StreamHandler(out)
    handler.addFilter(NoOutages())
    handler.addFilter(NamesOnly())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                keep_allowed,
                _renderer(out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.INFO))
    # httpx logs full URLs at INFO.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # While a collector of traces is away there are lines at level error, and nobody has to look here.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    logging.getLogger("dramatiq").setLevel(logging.WARNING if level > logging.DEBUG else logging.INFO)
