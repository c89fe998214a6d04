"""Errors of a worker process, told to Sentry without anything of a person: see `scrub`.

What is told: lines of the log at level error, and exceptions that end a thread or the process. Everything
that Sentry's SDK does by itself is off: no variables of frames, no lines of code, no breadcrumbs, no patches
of libraries.
"""

import os
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final

import structlog

from producers.contract.secret import Secret

#: Fields of a line that are told. They hold words and figures of ours, and no id.
TOLD: Final = frozenset(
    {
        *("state", "outcome", "code", "attempt", "posts", "recipients", "segments"),
        *("queue", "stream", "entries", "reason", "check", "status", "forwarder", "result"),
    }
)
#: Parts of a frame and of an event that are told. The value of an exception is not: it may quote anything.
_FRAME: Final = frozenset({"filename", "function", "lineno", "module", "in_app"})
_EVENT: Final = frozenset(
    {"event_id", "timestamp", "level", "platform", "sdk", "release", "environment", "logger"}
)
#: An event of our log, as opposed to the line of a library, which may say anything.
_NAME: Final = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40}){1,3}", re.ASCII)
#: A word or a figure; with seven digits in a row it might be a number that somebody can be called by.
_WORD: Final = re.compile(r"(?!.*\d{7})[\w.:-]{1,60}", re.ASCII)
#: Loggers of whoever carries events to Sentry: what goes wrong there must not become further events.
_CARRIERS: Final = ("sentry_sdk", "urllib3")
#: Seconds that a process that ends gives its last events.
FLUSH_S: Final = 1


def start(dsn: Secret) -> None:
    """Tell errors of this process to Sentry from now on; nothing without an address.

    To be called once in each process, after it was forked. A thread of the SDK sends, and keeps 100 events at
    most: nobody waits for Sentry.
    """
    if not dsn.reveal():
        return
    import sentry_sdk  # noqa: PLC0415 - nothing to import without the extra

    sentry_sdk.init(
        dsn.reveal(),
        # By itself the SDK would take the commit of whatever repository the process stands in.
        release=os.environ.get("SENTRY_RELEASE") or f"octopush-worker@{version('octopush-worker')}",
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        server_name="",
        traces_sample_rate=None,
        shutdown_timeout=FLUSH_S,
        before_send=scrub,  # type: ignore[arg-type]
    )
    sys.excepthook = _ended_by(sys.excepthook)
    threading.excepthook = _thread_ended_by(threading.excepthook)


def stop() -> None:
    """Give the last events a second."""
    if (found := sys.modules.get("sentry_sdk")) is not None:
        found.flush(timeout=FLUSH_S)


def tell(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Tell of a line at level error. A processor of the log, before exceptions become text."""
    found = sys.modules.get("sentry_sdk")
    of_carrier = str(event.get("logger", "")).startswith(_CARRIERS)
    if found is not None and not of_carrier and event.get("level") in {"error", "critical"}:
        raised = _raised(event.get("exc_info"))
        told: dict[str, Any] = {"level": event["level"], "message": _named(event)}
        told["logger"] = event.get("logger", "octopush-worker")
        told["tags"] = {name: event[name] for name in TOLD & event.keys()}
        _capture(told, raised)
    return event


def scrub(event: Mapping[str, Any], _hint: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of an event only what is on the list: which line, where in the code, and words and figures."""
    kept: dict[str, Any] = {name: value for name, value in event.items() if name in _EVENT}
    kept["tags"] = {
        name: str(value)
        for name, value in dict(event.get("tags") or {}).items()
        if name in TOLD and _WORD.fullmatch(str(value))
    }
    if not _WORD.fullmatch(str(kept.get("logger", ""))):
        kept.pop("logger", None)
    message = str(event.get("message") or "")
    if _NAME.fullmatch(message):
        kept["message"] = message
    raised = (event.get("exception") or {}).get("values") or []
    if raised:
        kept["exception"] = {"values": [_scrubbed(each) for each in raised]}
    return kept


def _ended_by(before: Any) -> Any:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            _capture({"level": "fatal"}, (kind, error, trace))
            # The process ends right now.
            stop()
        before(kind, error, trace)

    return hook


def _thread_ended_by(before: Any) -> Any:
    def hook(ended: threading.ExceptHookArgs) -> None:
        if issubclass(ended.exc_type, Exception):
            _capture({"level": "error"}, (ended.exc_type, ended.exc_value, ended.exc_traceback))
        before(ended)

    return hook


def _scrubbed(raised: Mapping[str, Any]) -> dict[str, Any]:
    frames, kind = (raised.get("stacktrace") or {}).get("frames") or [], str(raised.get("type"))
    kept = [{name: value for name, value in frame.items() if name in _FRAME} for frame in frames]
    return {
        "type": kind if _WORD.fullmatch(kind) else "Exception",
        "module": raised.get("module"),
        "value": "",
        **({"stacktrace": {"frames": kept}} if kept else {}),
    }


def _named(event: Mapping[str, Any]) -> str:
    """Name a line by our event; the text of a library may hold anything."""
    name = str(event.get("event", ""))
    return name if _NAME.fullmatch(name) and "logger" not in event else ""


def _raised(found: Any) -> Any:
    if isinstance(found, BaseException):
        return (type(found), found, found.__traceback__)
    return sys.exc_info() if found is True else found


def _capture(event: dict[str, Any], raised: Any) -> None:
    import sentry_sdk  # noqa: PLC0415 - only called where it is there
    from sentry_sdk.utils import event_from_exception  # noqa: PLC0415

    try:
        if raised and raised[0] is not None:
            options = sentry_sdk.get_client().options
            event |= {"exception": event_from_exception(raised, client_options=options)[0]["exception"]}
        sentry_sdk.capture_event(event)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 - whatever happens here, the line is written and the work goes on
        structlog.get_logger().warning("sentry.not_told", reason=type(error).__name__)
