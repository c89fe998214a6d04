"""What a process tells Sentry, byte by byte: where something went wrong, and nothing of a person."""

import subprocess
import sys

import pytest

from tests.support.telemetry import TelemetryServer

#: A process that logs and fails with canaries in texts, fields, variables and arguments.
PROCESS = """
import logging, sys, threading
import structlog
from producers.contract.secret import Secret
from worker.process import log, sentry

log.configure("info", "sms")
sentry.start(Secret(sys.argv[1]))
canary = "canary-Zebrafink +33612345678"

def broken(text):
    raise ValueError(text)

try:
    broken(canary)
except ValueError:
    structlog.get_logger().error("sms.crashed", request_id=canary, reason=canary, code="101", exc_info=True)
structlog.get_logger().error(canary)
structlog.get_logger().warning("sms.rejected", code="102")
logging.getLogger("somebody.else").error("wrong: %s", canary)
thread = threading.Thread(target=broken, args=(canary,))
thread.start()
thread.join()
try:
    broken(canary)
finally:
    structlog.get_logger().info("over")
"""


@pytest.fixture(scope="module")
def sentry():
    with TelemetryServer() as server:
        line = [sys.executable, "-c", PROCESS, server.dsn]
        assert subprocess.run(line, capture_output=True, check=False, timeout=60).returncode == 1
        yield server


def test_errors_are_told_with_their_place_in_the_code_and_warnings_are_not(sentry):
    told = {each.get("message", "") for each in sentry.events}
    assert "sms.crashed" in told
    assert "sms.rejected" not in told
    [crashed] = [each for each in sentry.events if each.get("message") == "sms.crashed"]
    assert crashed["tags"] == {"code": "101"}
    [raised] = crashed["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "")
    assert [each["function"] for each in raised["stacktrace"]["frames"]][-1] == "broken"


def test_a_line_of_a_library_is_told_by_the_name_of_its_logger(sentry):
    assert [each.get("logger") for each in sentry.events].count("somebody.else") == 1


def test_an_exception_that_ends_a_thread_or_the_process_is_told(sentry):
    uncaught = [each for each in sentry.events if "message" not in each and each.get("exception")]
    assert sorted(each["level"] for each in uncaught) == ["error", "fatal"]


def test_no_byte_that_leaves_has_a_canary(sentry):
    assert len(sentry.events) == 5
    assert not [post for post in sentry.posts if b"Zebrafink" in post[2] or b"33612345678" in post[2]]
