"""Hosts as network namespaces on one bridge: what runs on one can be cut off from all others, and healed.

The tests stand at the bridge, which is a host like the others and is never cut off. Linux only, as root.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

from tests.support import relay

#: Where the tests stand, and how the addresses begin.
_NET: Final = "10.213.87"
BRIDGE: Final = f"{_NET}.254"


class NoHostsError(Exception):
    """Network namespaces cannot be made on this machine."""


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoHostsError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Hosts:
    """See the module; a context manager.

    Args:
        count: how many.
        directory: receives the logs.

    Raises:
        NoHostsError: on entering: not permitted here.
    """

    def __init__(self, count: int, directory: Path) -> None:
        self._count, self._directory = count, directory
        self._tag = f"o{os.getpid() % 100_000}"
        self._exit = ExitStack()
        self.addresses = [f"{_NET}.{number + 1}" for number in range(count)]

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            try:
                bridge = f"{self._tag}b"
                _ip("link", "add", bridge, "type", "bridge")
                starting.callback(_ip, "link", "del", bridge)
                _ip("addr", "add", f"{BRIDGE}/24", "dev", bridge)
                _ip("link", "set", bridge, "up")
                for number in range(self._count):
                    self._add(number, bridge, starting)
            except FileNotFoundError:
                raise NoHostsError("no ip command") from None
            self._exit = starting.pop_all()
        return self

    def _add(self, number: int, bridge: str, starting: ExitStack) -> None:
        name, near, far = self._name(number), f"{self._tag}n{number}", f"{self._tag}f{number}"
        _ip("netns", "add", name)
        starting.callback(_ip, "netns", "del", name)
        _ip("link", "add", near, "type", "veth", "peer", "name", far)
        _ip("link", "set", far, "netns", name)
        _ip("link", "set", near, "master", bridge)
        _ip("link", "set", near, "up")
        for words in (
            ("addr", "add", f"{self.addresses[number]}/24", "dev", far),
            ("link", "set", far, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", name, *words)

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _name(self, number: int) -> str:
        return f"{self._tag}h{number}"

    def cut_off(self, number: int) -> None:
        """Take the cable out of a host: nothing is answered, nothing refused."""
        _ip("link", "set", f"{self._tag}n{number}", "down")

    def heal(self, number: int) -> None:
        """Put it back."""
        _ip("link", "set", f"{self._tag}n{number}", "up")

    def command(self, number: int, command: Sequence[str]) -> list[str]:
        """Say how to run a command on a host."""
        return ["ip", "netns", "exec", self._name(number), *command]

    def start(self, number: int, command: Sequence[str], environ: Mapping[str, str], log: str) -> Path:
        """Run a program on a host until the end, and name its log."""
        file = self._directory / log
        with file.open("ab") as output:
            process = subprocess.Popen(
                self.command(number, command),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._exit.callback(_kill, process)
        return file

    def lend(self, number: int, port: int) -> None:
        """Let what listens at a loopback port of the tests be at the same one of a host; see `offer`."""
        environ = dict(os.environ)
        self.start(
            number,
            [sys.executable, relay.__file__, "127.0.0.1", f"{port}", BRIDGE, f"{port}"],
            environ,
            "relay",
        )

    def offer(self, port: int) -> None:
        """Let hosts reach what listens at a loopback port of the tests, through the bridge."""
        process = subprocess.Popen(
            [sys.executable, relay.__file__, BRIDGE, f"{port}", "127.0.0.1", f"{port}"],
            start_new_session=True,
        )
        self._exit.callback(_kill, process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
