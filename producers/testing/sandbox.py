"""`SmsSandbox`: Redis, simulated gateway, worker and web as processes, for tests of a whole application."""

import atexit
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx

from worker.sandbox.installation import InstallationError, wait_for
from worker.sandbox.redis_server import NoServerError
from worker.sandbox.simulator.client import SimulatorAdmin
from worker.sandbox.simulator.complaints import complaint
from worker.sandbox.simulator.handsets import HandsetMessage
from worker.sandbox.stack import Stack

from ..contract.phone import to_e164
from .surroundings import region_of_the_application, surroundings

__all__ = ["PATIENCE_S", "QUICK", "Handset", "InstallationError", "NoServerError", "SmsSandbox", "Stack"]

T = TypeVar("T")

#: Seconds in which anything must have happened, on a loaded machine.
PATIENCE_S: Final = 20.0
#: How the gateway starts, which then reports on a message at once.
QUICK: Final = {"receipts": {"ack_delay_ms": 10, "final_delay_ms": 40}}

#: What an application and its workers have to agree on, as the sandbox's worker has it: the defaults.
_OF_THE_WORKER: Final = {"SMS_NAMESPACE": "", "PSEUDONYM_KEYS": ""}
#: What the spool of the application holds are callbacks of persons: they are not for the sandbox.
_NO_SPOOL: Final = {"CALLBACK_SPOOL_DIR": ""}


class SmsSandbox:
    """A whole installation, as real as it gets without a gateway; a context manager.

    While it is open, ``REDIS_URL`` names its Redis, in the environment and in Django's ``OCTOPUSH``;
    ``SMS_NAMESPACE`` and ``PSEUDONYM_KEYS`` have their defaults, and ``CALLBACK_SPOOL_DIR`` is empty.
    Marketing leaves at any hour, unless the environment has hours of its own. Its processes start with the
    first one that is made, serve all of this process, and end with it. What tests leave in it stays: each
    takes numbers of its own, and an opt-out of one does not end the SMS of another.

    Args:
        stack: processes that somebody else starts and ends; those of this process if None.

    Attributes:
        redis_url: where applications connect.
        callback_url: where callbacks are taken.
        gateway: the hidden side of the simulated gateway, with its faults and its clock.
    """

    def __init__(self, stack: Stack | None = None) -> None:
        self._stack = stack or _shared_stack()
        self.redis_url = self._stack.redis_url
        self.callback_url = self._stack.callback_url
        self.gateway: SimulatorAdmin = self._stack.gateway
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        self._exit.enter_context(surroundings({"REDIS_URL": self.redis_url, **_OF_THE_WORKER, **_NO_SPOOL}))
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def handset(self, number: str) -> "Handset":
        """Take up the phone with a number, in any spelling that a message of the application takes.

        Raises:
            ValueError: the number cannot be read; one that is national needs ``DEFAULT_REGION``.
        """
        return Handset(self, to_e164(number, default_region=region_of_the_application()))

    def wait_for(self, condition: Callable[[], T], seconds: float = PATIENCE_S) -> T:
        """Wait until a condition returns something true, and return that.

        Raises:
            AssertionError: it did not in time, or a process has ended; with what was wrong with the last
                callback that was answered badly.
        """
        __tracebackhide__ = True
        try:
            return wait_for(condition, self._stack.check, "what the test asks for", seconds)
        except InstallationError as error:
            raise AssertionError(f"{error}{self._last_violation()}") from None

    def _last_violation(self) -> str:
        """Say what was wrong with the last callback that was answered badly; nothing if there is none."""
        try:
            found = self.gateway.violations()
        except (ValueError, httpx.HTTPError):  # it has ended, which the error says
            return ""
        if not found:
            return ""
        words = complaint(found[-1], self.gateway.settings().callback_timeout_ms)
        count = f"{len(found)} callbacks were answered badly, the last one: " if len(found) > 1 else ""
        return f"; {count}{words}"


@cache
def _shared_stack() -> Stack:
    """Start the processes of this process.

    Raises:
        InstallationError: one of them did not start.
        NoServerError: there is no Redis to start.
    """
    running = ExitStack()
    directory = running.enter_context(tempfile.TemporaryDirectory(prefix="sms-sandbox-"))
    stack = running.enter_context(Stack(Path(directory), QUICK))
    atexit.register(running.close)
    return stack


class Handset:
    """The phone of a person.

    Args:
        sandbox: where it is.
        number: its number, in E.164.
    """

    def __init__(self, sandbox: SmsSandbox, number: str) -> None:
        self._sandbox = sandbox
        self.number = number

    @property
    def messages(self) -> list[HandsetMessage]:
        """What it shows now, the oldest first."""
        return [each for each in self._sandbox.gateway.messages(number=self.number) if each.reached]

    def wait_for(self, text: str = "") -> HandsetMessage:
        """Wait until it shows a message with a text in it, and return the newest of these.

        Raises:
            AssertionError: it does not show one in time.
        """
        __tracebackhide__ = True
        found = self._sandbox.wait_for(lambda: [each for each in self.messages if text in each.text])
        return found[-1]

    def answer(self, text: str) -> None:
        """Answer the last message that can be answered, once one is there.

        Raises:
            AssertionError: it shows messages from names only, and nobody can answer a name.
        """
        __tracebackhide__ = True
        self.wait_for()
        if not any(each.with_replies for each in self.messages):
            raise AssertionError("nobody can answer a name: send the message with_replies=True")
        self._sandbox.gateway.reply(self.number, text)

    def stop(self) -> None:
        """Opt out, by a STOP to the number in the STOP mention."""
        self._sandbox.gateway.stop(self.number, text="STOP")
