"""The fixtures of `producers.testing`, which pytest finds by an entry point.

pytest loads this package in every run of an application that has it installed. So it loads nothing else
before a test asks for a fixture, and has a name that no application has: where `producers` is a package of
the application, only the fixtures fail, and say so.
"""

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from producers.testing.outbox import SmsOutbox
    from producers.testing.sandbox import SmsSandbox

#: Marketing leaves at any hour where the application does not say otherwise: no test depends on the hour.
_HOURS: Final = ("MARKETING_HOURS_FR", "MARKETING_HOURS_OTHER")


@pytest.fixture
def sms_outbox(monkeypatch: pytest.MonkeyPatch) -> "Iterator[SmsOutbox]":
    """Take all that the application sends in this test; see `producers.testing.outbox.SmsOutbox`."""
    try:
        from producers.testing.outbox import SmsOutbox  # noqa: PLC0415
    except ModuleNotFoundError as error:
        pytest.fail(_lacking("sms_outbox", "testing", error), pytrace=False)
    if "octopush_producers" in sys.modules:
        # Its producers are strangers to ours, and would speak to their own Redis.
        pytest.fail(
            "sms_outbox takes what `producers` sends, not what octopush_producers sends", pytrace=False
        )
    _leave_at_any_hour(monkeypatch)
    with SmsOutbox() as outbox:
        yield outbox


@pytest.fixture(scope="session")
def sms_sandbox_processes(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SmsSandbox]":
    """Run an installation for the session; for fixtures that start a server of the application."""
    try:
        from producers.testing.sandbox import QUICK, SmsSandbox  # noqa: PLC0415
        from worker.sandbox.stack import Stack  # noqa: PLC0415
    except ModuleNotFoundError as error:
        pytest.fail(_lacking("sms_sandbox", "sandbox", error), pytrace=False)
    with Stack(tmp_path_factory.mktemp("sms-sandbox"), QUICK) as stack:
        yield SmsSandbox(stack)


@pytest.fixture
def sms_sandbox(sms_sandbox_processes: "SmsSandbox", monkeypatch: pytest.MonkeyPatch) -> "SmsSandbox":
    """Give the installation of the session to a test, whose ``REDIS_URL`` names its Redis meanwhile."""
    _leave_at_any_hour(monkeypatch)
    monkeypatch.setenv("REDIS_URL", sms_sandbox_processes.redis_url)
    return sms_sandbox_processes


def _lacking(fixture: str, extra: str, error: ModuleNotFoundError) -> str:
    missing = (error.name or "").partition(".")[0]
    if missing in {"producers", "worker"}:
        return f"{fixture}: the package {missing} here is another one than octopush-worker's"
    return f"{fixture} needs octopush-worker[{extra}]: {error}"


def _leave_at_any_hour(environment: pytest.MonkeyPatch) -> None:
    for name in _HOURS:
        if not os.environ.get(name):
            environment.setenv(name, "off")
