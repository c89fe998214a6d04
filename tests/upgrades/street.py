"""Processes of several releases on one Redis and one gateway, and the verdict of the handsets."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from producers.contract.jobs import ACTORS
from tests.support.installation import Installation
from tests.support.waiting import until
from tests.support.web_server import WebServer
from tests.support.worker_process import WorkerProcess
from tests.upgrades.releases import Release

_SENDER: Final = Path(__file__).parent / "sender.py"
#: Seconds for a sender to end, and for all that it sent to reach the handsets.
PATIENCE_S: Final = 60.0
_firsts = itertools.count(20_000_000, 10_000)


class Street:
    """What runs; ends with the stack that it is given.

    Args:
        place: Redis, the gateway, and the settings that all releases share. It starts no worker.
        data_dir: for logs.
        ending: what ends the processes.
    """

    def __init__(self, place: Installation, data_dir: Path, ending: ExitStack) -> None:
        self.place, self._data_dir, self._ending = place, data_dir, ending
        self._numbers = itertools.count(1)
        self._senders: list[tuple[str, int, int, subprocess.Popen[bytes]]] = []

    def worker(self, release: Release) -> WorkerProcess:
        """Start a worker."""
        worker = WorkerProcess(self._log(f"worker-{release.name}"), self._environ(release), threads=4)
        self._ending.callback(worker.kill)
        return worker.start()

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many workers have given a sign of life: else the first one may do all the work."""
        until(lambda: self.place.redis.zcard(self.place.keys.workers) >= count)

    def web(self, release: Release) -> WebServer:
        """Start a web process, and let the gateway bring its callbacks there."""
        # uvicorn would look into the working directory first.
        where = ("--app-dir", str(release.path))
        web = WebServer(self._log(f"web-{release.name}"), self._environ(release), *where)
        self._ending.enter_context(web)
        self.place.gateway.settings(callback_url=f"{web.url}/callbacks/{self.place.token}")
        return web

    def send(self, release: Release, count: int, per_s: float = 50.0) -> None:
        """Let an application send so many texts, and as many more in a campaign."""
        first = next(_firsts)
        prefix = f"{release.name}-{first}"
        with self._log(f"sender-{release.name}").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(_SENDER), prefix, str(first), str(count), str(per_s)],
                env=self._environ(release),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._ending.callback(process.kill)
        self._senders.append((prefix, first, 2 * count, process))

    @property
    def is_sending(self) -> bool:
        """Whether an application has more to send."""
        return any(process.poll() is None for *_, process in self._senders)

    def shown(self) -> dict[str, int]:
        """Count what each handset was shown, of the numbers that somebody texts."""
        counted = dict.fromkeys(self._numbers_of(), 0)
        for (_, number), times in self.place.gateway.delivered().items():
            if number in counted:
                counted[number] += times
        return counted

    def verdict(self) -> None:
        """Wait until all has been sent and shown, then hold that nothing was lost and nothing came twice."""
        for *_, process in self._senders:
            assert process.wait(PATIENCE_S) == 0, self.logs("sender")
        numbers = set(self._numbers_of())
        _reaches(lambda: [number for number, times in self.shown().items() if not times], "not shown")
        _reaches(self._left, "left in a queue")
        twice = {number: times for number, times in self.shown().items() if times != 1}
        assert twice == {}
        _reaches(lambda: sorted(numbers - self.receipts()), "without a receipt")

    def receipts(self) -> set[str]:
        """Name the numbers that a receipt has come for."""
        found = self.place.redis.xrange(self.place.keys.stream("receipts"))
        return {fields[b"number"].decode() for _, fields in found}

    def counts(self) -> dict[str, int]:
        """Count the sends by state."""
        found = self.place.redis.hgetall(self.place.keys.prefix + "counts")
        return {state.decode(): int(count) for state, count in found.items() if int(count)}

    def logs(self, kind: str) -> str:
        """Return all that the processes of a kind printed."""
        return "\n".join(path.read_text("utf-8") for path in sorted(self._data_dir.glob(f"{kind}-*")))

    def events(self, kind: str) -> list[dict[str, object]]:
        """Return the log lines of the processes of a kind."""
        return [json.loads(line) for line in self.logs(kind).splitlines() if line.startswith("{")]

    def _left(self) -> list[str]:
        client, keys = self.place.redis, self.place.keys
        queues = {name: keys.queue(name) for name in ACTORS}
        return [
            name
            for name, each in queues.items()
            if client.zcard(each.leases) + client.llen(each.ready) + client.zcard(each.delayed)
        ]

    def _numbers_of(self) -> list[str]:
        return [f"+336{first + n:08d}" for _, first, count, _ in self._senders for n in range(count)]

    def _environ(self, release: Release) -> dict[str, str]:
        return release.environ(self.place.environ)

    def _log(self, name: str) -> Path:
        return self._data_dir / f"{name}-{next(self._numbers)}.log"


def _reaches(missing: Callable[[], Collection[str]], words: str) -> None:
    """Wait until nothing is missing."""
    try:
        until(lambda: not missing(), PATIENCE_S)
    except TimeoutError:
        found = list(missing())
        raise AssertionError(f"{len(found)} {words}, such as {found[:3]}") from None


def replace(street: Street, old: WorkerProcess, release: Release) -> WorkerProcess:
    """Stop a worker as a platform does, and start another in its place."""
    assert old.terminate() == 0, old.output[-2000:]
    return street.worker(release)
