"""Debian's Prometheus, which scrapes processes of tests and answers queries."""

import math
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import httpx
import yaml

from tests.support.waiting import until
from worker.sandbox.free_port import free_port

#: Seconds between two scrapes: as short as Prometheus takes them for two in a test.
SCRAPE_S: Final = 1

#: Labels, and values by Unix time.
Series = tuple[Mapping[str, str], Sequence[tuple[float, float]]]


def find_prometheus() -> str | None:
    """Find Prometheus; None where it is not installed."""
    return shutil.which("prometheus")


class Prometheus:
    """One Prometheus on loopback.

    Args:
        directory: where its files lie.
        ports: of the processes that it scrapes.
        instances: what it calls those of them that it calls otherwise than by their address.
        rules: groups of rules, as in a file of rules.
    """

    def __init__(
        self,
        directory: Path,
        *ports: int,
        instances: Mapping[int, str] | None = None,
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        self._directory, self._rules = directory, rules
        called = instances or {}
        self._targets = [
            {"targets": [address], "labels": {"instance": called.get(port, address)}}
            for port in ports
            for address in [f"127.0.0.1:{port}"]
        ]
        self.url = f"http://127.0.0.1:{free_port()}"

    def query(self, asked: str) -> list[float]:
        """Return what a query finds now; what is no number is left out."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": asked}, timeout=10).json()
        assert answer["status"] == "success", answer
        values = [float(each["value"][1]) for each in answer["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    def query_range(self, asked: str, begins: float, ends: float, step_s: float) -> list[Series]:
        """Return what a query finds between two Unix times; what is no number is left out."""
        span = {"query": asked, "start": begins, "end": ends, "step": step_s}
        answer = httpx.get(f"{self.url}/api/v1/query_range", params=span, timeout=30).json()
        assert answer["status"] == "success", answer
        return [
            (found["metric"], [(at, float(value)) for at, value in found["values"] if value != "NaN"])
            for found in answer["data"]["result"]
        ]

    def scrapes(self) -> float:
        """Count the scrapes of the target that was scraped least."""
        return min(self.query("count_over_time(up[5m])"), default=0)

    def __enter__(self) -> Self:
        binary = find_prometheus()
        assert binary is not None
        config: dict[str, Any] = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
            "scrape_configs": [{"job_name": "octopush", "static_configs": self._targets}],
        }
        if self._rules is not None:
            (self._directory / "rules.yml").write_text(yaml.safe_dump(self._rules), "utf-8")
            config["rule_files"] = ["rules.yml"]
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
