"""The fixtures of `producers.testing`, which pytest finds by an entry point.

pytest loads this module in every run of an application that has it installed. So it loads nothing else
before a test asks for a fixture, and has a name that no application has. An application may have a package
`producers`, or a module `worker`, of its own: the fixtures never load these.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from producers.testing.outbox import SmsOutbox
    from producers.testing.sandbox import SmsSandbox

_HERE: Final = Path(__file__).resolve().parent


@pytest.fixture
def sms_outbox() -> "Iterator[SmsOutbox]":
    """Take all that the application sends in this test; see `producers.testing.outbox.SmsOutbox`."""
    outbox = _loaded("sms_outbox", "testing", "outbox")
    with outbox.SmsOutbox() as opened:
        yield opened


@pytest.fixture(scope="session")
def sms_sandbox_processes(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SmsSandbox]":
    """Run an installation for the session; for fixtures that start a server of the application."""
    sandbox = _loaded("sms_sandbox", "sandbox", "sandbox")
    stack = sandbox.Stack(tmp_path_factory.mktemp("sms-sandbox"), sandbox.QUICK)
    with ExitStack() as running:
        try:
            running.enter_context(stack)
        except (sandbox.InstallationError, sandbox.NoServerError) as error:
            pytest.fail(f"sms_sandbox: {error}", pytrace=False)
        yield sandbox.SmsSandbox(stack)


@pytest.fixture
def sms_sandbox(sms_sandbox_processes: "SmsSandbox") -> "Iterator[SmsSandbox]":
    """Give the installation of the session to a test, whose ``REDIS_URL`` names its Redis meanwhile."""
    with sms_sandbox_processes:
        yield sms_sandbox_processes


def _loaded(fixture: str, extra: str, module: str) -> Any:
    """Load what a fixture hands out, by the name under which the application has our producers.

    Raises:
        pytest.fail.Exception: something is not installed; in one line that says what to install.
    """
    testing = f"{_our_producers(fixture)}.testing"
    worker = import_module(testing).WORKER
    if lacks := import_module(f"{worker}.process.extras").lacking(fixture, extra):
        pytest.fail(lacks, pytrace=False)
    return import_module(f"{testing}.{module}")


def _our_producers(fixture: str) -> str:
    """Choose between the two names of our package; to look for one does not load it.

    Raises:
        pytest.fail.Exception: neither is ours, or both are in use.
    """
    second = "octopush_producers"
    if not _is_ours("producers"):
        if not _is_ours(second):
            words = f"{fixture}: the package producers here is another one than octopush-worker's"
            pytest.fail(words, pytrace=False)
        return second
    if second not in sys.modules:
        return "producers"
    if "producers" in sys.modules:
        # They are strangers to each other: what one sends would not be seen.
        pytest.fail(f"{fixture}: producers and {second} are both in use: import one of them", pytrace=False)
    return second


def _is_ours(name: str) -> bool:
    try:
        found = find_spec(name)
    except ValueError:  # something that was made by hand has this name
        return False
    return found is not None and Path(found.origin or "").resolve() == _HERE / name / "__init__.py"
