"""A real server that reads its data from the disk until it is let go on. Meanwhile it refuses all questions.

with LoadingServer(tmp_path, fill) as server:
    ...
    server.go_on()
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Self

import redis

from tests.support.waiting import until
from worker.sandbox.redis_server import RedisServer

#: Keys of the file, the bytes of each, and the microseconds that the server takes for it: a minute for all.
#: Between two of them it answers.
_KEYS = 3_000
_BYTES = 1_100
_EACH_US = 20_000


class _Unawaited(RedisServer):
    """A server that is not waited for as it starts."""

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        pass


class LoadingServer:
    """See the module.

    Args:
        data_dir: where its files live.
        fill: writes what shall be there after it has read its data.
    """

    def __init__(self, data_dir: Path, fill: Callable[[redis.Redis], object]) -> None:
        with RedisServer(data_dir, options=["--rdbcompression", "no"]) as before:
            with redis.Redis(port=before.port) as client:
                with client.pipeline(transaction=False) as pipeline:
                    for number in range(_KEYS):
                        pipeline.set(f"filling:{number}", os.urandom(_BYTES))
                    pipeline.execute()
                fill(client)
                client.bgrewriteaof()
                until(lambda: is_rewritten(client))
            before.stop()
        slowly = ["--key-load-delay", str(_EACH_US), "--loading-process-events-interval-bytes", "1024"]
        self._server = _Unawaited(data_dir, before.port, options=slowly)
        self.url = self._server.url
        self.client = redis.Redis(port=self._server.port)

    def go_on(self) -> None:
        """Let the server read the rest at once, and wait until it has."""
        self.client.config_set("key-load-delay", 0)
        until(lambda: not self.is_loading())

    def is_loading(self) -> bool:
        """Whether it answers, and says that it reads its data."""
        try:
            return bool(self.client.info("persistence")["loading"])
        except redis.ConnectionError:
            return False

    def refused(self) -> int:
        """Count the questions about its data that it has refused."""
        told = self.client.info("errorstats").get("errorstat_LOADING", {"count": 0})
        return int(told["count"])

    def __enter__(self) -> Self:
        self._server.start()
        until(self.is_loading)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.kill()


def is_rewritten(client: redis.Redis) -> bool:
    """Whether no rewrite of the append-only file runs or waits."""
    told = client.info("persistence")
    return not (told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"])
