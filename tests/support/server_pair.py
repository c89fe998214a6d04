"""A primary and its replica behind one name, which can be moved: what an operator calls a failover.

    with ServerPair(tmp_path) as pair:
        client = connect(pair.url)
        pair.fail_over()

Nothing that was written is lost: what a failover loses depends on the replica's lag, which is none here.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

import redis

from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until
from worker.sandbox.redis_server import RedisServer


class ServerPair:
    """Two servers; the name is a port that leads to the first, and after a failover to the second.

    Args:
        data_dir: where their files live.

    Attributes:
        old: the primary before the failover.
        new: its replica, the primary after it.
    """

    def __init__(self, data_dir: Path) -> None:
        self.old = RedisServer(data_dir / "old", options=["--repl-diskless-sync-delay", "0"])
        self._new_dir = data_dir / "new"
        self._exit = ExitStack()

    @property
    def url(self) -> str:
        """Where clients connect, before and after."""
        return f"redis://127.0.0.1:{self._name.port}/0"

    def fail_over(self) -> None:
        """Swap the roles with nothing lost, then move the name. The old server goes on as a replica."""
        self._old.execute_command("FAILOVER", "TO", "127.0.0.1", self.new.port)
        until(lambda: self._new.role()[0] == b"master" and self._old.role()[0] == b"slave")
        self._name.move(self.new.port)

    def crash(self) -> None:
        """Kill the old server once the replica knows all it knows, promote that, then move the name."""
        self._old.client_pause(60_000, all=False)
        until(lambda: self._old.info("replication")["master_repl_offset"] == self._offset())
        self.old.kill()
        self._new.replicaof("NO", "ONE")
        self._name.move(self.new.port)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.old)
            options = ["--replicaof", f"127.0.0.1 {self.old.port}"]
            self.new = starting.enter_context(RedisServer(self._new_dir, options=options))
            self._old = starting.enter_context(redis.Redis(port=self.old.port))
            self._new = starting.enter_context(redis.Redis(port=self.new.port))
            self._name = starting.enter_context(TcpProxy(self.old.port))
            until(self._is_in_step)
            self._exit = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _is_in_step(self) -> bool:
        # Each side has its own idea: the old one calls the new one online while that is still loading.
        online = self._old.info("replication").get("slave0", {}).get("state") == "online"
        return online and self._new.info("replication")["master_link_status"] == "up"

    def _offset(self) -> int:
        return int(self._new.info("replication")["slave_repl_offset"])
