"""Logs carry what the allow-list names, and nothing that a library or a bug slips in."""

import ast
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
from dramatiq.message import Message

from tests.house.repository import modules, text
from worker.process import log
from worker.process.log import FIELDS, NamesOnly, keep_allowed


def test_unlisted_fields_are_dropped_and_what_happened_comes_first():
    event = {"number": "+336***78", "text": "canary", "api_key": "canary", "event": "x", "level": "info"}
    assert list(keep_allowed(None, "", event)) == ["event", "level", "number"]


@pytest.mark.parametrize("name", ["status", "ticket", "reason", "event", "request_id"])
def test_words_of_strangers_are_bounded_and_obeyed_by_no_terminal(name):
    for word in (
        "\x1b[2J\x1b]0;x\x07",
        "a\r\nb",
        "\x9b31m",
        "\u202egnp",
        "\u2028",
        "\ud83d",
        b"\x1b[0m",
        ["\x1b"],
    ):
        assert keep_allowed(None, "", {name: word})[name].isprintable()
    assert len(keep_allowed(None, "", {name: "\x1b" * 4096})[name]) == 501
    assert len(keep_allowed(None, "", {name: "x" * 4096})[name]) == 501
    for word in ("DELIVERED", "é à", 7, 0.5, True, None):
        assert keep_allowed(None, "", {name: word})[name] == word


def test_a_traceback_keeps_its_lines():
    kept = keep_allowed(None, "", {"exception": "Traceback\n  File \x1b[0m\n" + "x" * 100_000})["exception"]
    assert kept.splitlines()[:2] == ["Traceback", "  File \\x1b[0m"]
    assert len(kept) < 30_000


def test_the_allow_list_names_no_content():
    assert not FIELDS & {
        "text",
        "body",
        "recipients_list",
        "phone_number",
        "api_key",
        "login",
        "token",
        "raw",
    }


#: How a line is written; `level` is one of the others, chosen by its caller.
_WRITING = {"debug", "info", "warning", "error", "level"}
#: What structlog and the standard library add to lines.
_ADDED = {"event", "level", "timestamp", "logger", "exception", "namespace"}


def _written(function: ast.FunctionDef) -> Iterator[str]:
    """Yield the fields of the lines that a function writes, all keys of ``**fields`` included."""
    for node in ast.walk(function):
        called = getattr(node, "func", None)
        if getattr(called, "attr", getattr(called, "id", "")) not in _WRITING:
            continue
        yield from (keyword.arg for keyword in node.keywords if keyword.arg)
        if any(keyword.arg is None for keyword in node.keywords):
            for each in ast.walk(function):
                names = each.keys if isinstance(each, ast.Dict) else [getattr(each, "slice", None)]
                yield from (name.value for name in names if isinstance(name, ast.Constant))


def test_the_allow_list_names_every_field_that_is_logged_and_no_other():
    sources = [text(path) for path in modules("worker") if "sandbox" not in path.parts]
    functions = [
        node
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {name for function in functions for name in _written(function)} | _ADDED == FIELDS


def test_a_line_is_json_whatever_its_fields_hold():
    render = log._renderer(sys.stderr)
    for odd in ("\ud83d", "é", object(), b"bytes", 1e400):
        assert list(json.loads(render(None, "", {"event": "x", "reason": odd}))) == ["event", "reason"]


def test_dramatiq_messages_are_logged_by_name_and_id():
    message = Message("q", "send_sms", (), {"text": "canary"}, {}, message_id="m1")
    record = logging.LogRecord(
        "dramatiq", logging.ERROR, "f", 1, "Failed to process message %s.", (message,), None
    )
    assert NamesOnly().filter(record)
    assert record.getMessage() == "Failed to process message send_sms[m1]."


_PROGRAM = """
import logging, structlog
from worker.process import log
log.configure("info", "sms")
structlog.get_logger().info("ours", code="1", text="canary")
try:
    raise ValueError("reason")
except ValueError:
    logging.getLogger("dramatiq.worker").critical("theirs %s", 7, exc_info=True)
logging.getLogger("httpx").info("canary")
"""


def test_our_lines_and_the_libraries_are_json_on_standard_output():
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    ours, theirs = (json.loads(line) for line in done.stdout.splitlines())
    assert (ours["event"], ours["code"], ours["level"]) == ("ours", "1", "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("theirs 7", "dramatiq.worker", "critical")
    assert "ValueError: reason" in theirs["exception"]
    assert "canary" not in done.stdout
    assert done.stderr == ""


_UNHEARD = """
import os, structlog
from worker.process import log
log.configure("info", "sms")
os.read(0, 1)
for _ in range(2_000):
    structlog.get_logger().info("ours", code="1")
"""


def test_a_log_that_nobody_reads_any_more_harms_nobody():
    process = subprocess.Popen(
        [sys.executable, "-c", _UNHEARD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    process.stdin.write(b".")
    process.stdin.close()

    assert process.wait(20) == 0
    with process.stderr:
        assert process.stderr.read() == b""
