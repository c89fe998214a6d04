"""The callback server, the console and the API as operators run them, all their output kept."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

import httpx

from worker.sandbox.free_port import free_port

#: Seconds the process may take to start or to stop.
_PATIENCE_S = 60.0


class WebServer:
    """``uvicorn --factory producers.web:create_app`` in a subprocess.

    Args:
        log: file that receives stdout and stderr.
        environ: our variables; the rest of the environment is the tests' own.
        arguments: further uvicorn arguments.
    """

    #: What uvicorn is given before everything else.
    factory: ClassVar[Sequence[str]] = (
        "producers.web:create_app",
        *("--http", "producers.web_connection:Connection"),
    )

    def __init__(self, log: Path, environ: Mapping[str, str], *arguments: str) -> None:
        self.port = free_port()
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *self._command(), *arguments],
                env={**os.environ, **environ, "API_PORT": str(self.port), "METRICS_PORT": str(self.port)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _command(self) -> list[str]:
        return ["-m", "uvicorn", "--factory", *self.factory, "--port", str(self.port)]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """All it printed so far."""
        return self._log.read_text("utf-8", "replace")

    def __enter__(self) -> Self:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/healthz")
                return self
            time.sleep(0.02)
        self.process.kill()
        raise RuntimeError("the web process did not start: " + self.output)

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(_PATIENCE_S)

    def terminate(self, times: int = 1) -> bool:
        """Send SIGTERM, wait, and say whether the shutdown ran to its end.

        uvicorn passes the signal on to itself once it has shut down, so the status is the signal's.
        """
        for _ in range(times):
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(_PATIENCE_S)
        clean = "Application shutdown complete." in self.output and "Traceback" not in self.output
        return clean and status in {0, -signal.SIGTERM}

    def exchange(self, raw: bytes, *, half_close: bool = False) -> bytes:
        """Send raw bytes over one connection and return all that comes back until it closes.

        Args:
            raw: a request, well-formed or not.
            half_close: say that no more bytes will come, as a client that dies half-way does.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_S) as connection:
            # A server that has read enough may close while we still send.
            with suppress(ConnectionError):
                connection.sendall(raw)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return _read_all(connection)


class ConsoleServer(WebServer):
    """``uvicorn --factory worker.console.app:create_app`` in a subprocess."""

    factory = ("worker.console.app:create_app", "--no-access-log", "--no-server-header")


class MetricsServer(WebServer):
    """``octopush-worker metrics`` in a subprocess."""

    def _command(self) -> list[str]:
        return ["-m", "worker.cli", "metrics"]


class ApiServer(WebServer):
    """``octopush-worker api`` in a subprocess."""

    def _command(self) -> list[str]:
        return ["-m", "worker.cli", "api"]


def _read_all(connection: socket.socket) -> bytes:
    answer = b""
    with suppress(ConnectionError):
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer
