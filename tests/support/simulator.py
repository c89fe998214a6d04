"""Run the gateway simulator for tests, in a thread or in a process of its own.

The fixtures `simulator` and `simulator_thread` are to be imported, both, into a conftest. The simulator is
shared by the whole session and reset before each test, which takes milliseconds. Tests that kill their
gateway start a `SimulatorProcess`. Both carry `admin`, the typed client of the admin interface.
"""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, Self

import pytest

from worker.sandbox.simulator.client import SimulatorAdmin
from worker.sandbox.simulator.server import Served, serve
from worker.sandbox.simulator.settings import SimulatorSettings

#: Seconds a test waits for anything before it fails; generous for a loaded machine.
PATIENCE_S = 15.0

_BASE_PATH = "/v1/public"


class SimulatorThread:
    """A simulator in a thread of this process. Start and stop take milliseconds.

    Attributes:
        url: Gateway, without path; `base_url` is what a client takes for Octopush's.
        admin: The typed client.
    """

    def __init__(self, settings: SimulatorSettings | None = None, *, port: int = 0) -> None:
        ready: Future[Served] = Future()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, args=(settings, port, ready), daemon=True)
        self._thread.start()
        served = ready.result(PATIENCE_S)
        self.url, self.base_url = served.url, served.url + _BASE_PATH
        self.admin = SimulatorAdmin(served.admin_url)

    def stop(self) -> None:
        """Stop it and wait until it has."""
        self.admin.close()
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self, settings: SimulatorSettings | None, port: int, ready: "Future[Served]") -> None:
        async def run() -> None:
            async with serve(settings, port=port) as served:
                ready.set_result(served)
                await self._stopped.wait()

        try:
            self._loop.run_until_complete(run())
        except OSError as taken:
            ready.set_exception(taken)
        finally:
            self._loop.close()


class SimulatorProcess:
    """``python -m worker.sandbox.simulator`` in a subprocess.

    Args:
        arguments: Further command-line arguments.
        settings: Passed with ``--set``.
    """

    def __init__(self, *arguments: str, **settings: Any) -> None:
        chosen = [
            part for name, value in settings.items() for part in ("--set", f"{name}={json.dumps(value)}")
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "worker.sandbox.simulator", *arguments, *chosen], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator did not start: status {self.process.wait(PATIENCE_S)}")
        ready = json.loads(line)
        self.url, self.base_url = ready["url"], ready["base_url"]
        self.admin = SimulatorAdmin(ready["admin_url"])

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.terminate()
        return self._reap()

    def kill(self) -> int:
        """Kill it and return the exit status."""
        self.process.kill()
        return self._reap()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _reap(self) -> int:
        self.admin.close()
        status = self.process.wait(PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


@pytest.fixture(scope="session")
def simulator_thread() -> Iterator[SimulatorThread]:
    """Share one simulator between all tests of the session."""
    with SimulatorThread() as running:
        yield running


@pytest.fixture
def simulator(simulator_thread: SimulatorThread) -> SimulatorThread:
    """Give the shared simulator, in its state at start."""
    simulator_thread.admin.reset()
    return simulator_thread
