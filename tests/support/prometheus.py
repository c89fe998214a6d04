"""Debian's Prometheus, which scrapes processes of tests and answers queries."""

import math
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final, Self

import httpx
import yaml

from tests.support.waiting import until
from worker.sandbox.redis_server import free_port

#: Seconds between two scrapes: as short as Prometheus takes them for two in a test.
SCRAPE_S: Final = 1


def find_prometheus() -> str | None:
    """Find Prometheus; None where it is not installed."""
    return shutil.which("prometheus")


class Prometheus:
    """One Prometheus on loopback.

    Args:
        directory: where its files lie.
        ports: of the processes that it scrapes.
    """

    def __init__(self, directory: Path, *ports: int) -> None:
        self._directory, self._targets = directory, [f"127.0.0.1:{port}" for port in ports]
        self.url = f"http://127.0.0.1:{free_port()}"

    def query(self, asked: str) -> list[float]:
        """Return what a query finds now; what is no number is left out."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": asked}, timeout=10).json()
        assert answer["status"] == "success", answer
        values = [float(each["value"][1]) for each in answer["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    def scrapes(self) -> float:
        """Count the scrapes of the target that was scraped least."""
        return min(self.query("count_over_time(up[5m])"), default=0)

    def __enter__(self) -> Self:
        binary = find_prometheus()
        assert binary is not None
        config: dict[str, Any] = {
            "global": {"scrape_interval": f"{SCRAPE_S}s"},
            "scrape_configs": [{"job_name": "octopush", "static_configs": [{"targets": self._targets}]}],
        }
        path = self._directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(config), "utf-8")
        command = [binary, f"--config.file={path}", f"--storage.tsdb.path={self._directory / 'data'}"]
        command.append(f"--web.listen-address={self.url.removeprefix('http://')}")
        with (self._directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._is_ready)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, (self._directory / "prometheus.log").read_text("utf-8")
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False
