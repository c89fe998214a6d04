"""A primary, its replicas and three Sentinels, all real: what `redis+sentinel://` leads to.

with SentinelSet(tmp_path) as them:
    client = connect(RedisUrl(them.url))
    them.primary.kill()
    them.wait_for_another_primary(...)
"""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self

import redis

from tests.support.doors import PASSWORD, USER, WATCH_PASSWORD, WATCH_USER, GuardedServer, Open
from tests.support.waiting import until

SERVICE = "sms"
#: How long writes wait at a primary that is replaced. Then they are refused.
_PAUSE_MS = 2_000
#: Replicas without which a primary takes no writes: it never has so many.
_CLOSED = 1_000
#: How many Sentinels there are; two of them decide.
SENTINELS = 3


def close(primary: GuardedServer, others: Sequence[GuardedServer]) -> None:
    """Let a primary take no more writes, and wait until the others have all that it has."""

    def offset(server: GuardedServer) -> int:
        with talking_to(server) as client:
            told = client.info("replication")
            return int(told.get("slave_repl_offset", told["master_repl_offset"]))

    with talking_to(primary) as client:
        # As deploy/redis/fail-over.sh, which has the reasons. A pause alone may be over too soon.
        client.client_pause(_PAUSE_MS, all=False)
        client.config_set("min-replicas-to-write", _CLOSED)
    until(lambda: all(offset(other) >= offset(primary) for other in others))


def talking_to(server: GuardedServer) -> redis.Redis:
    """Make a client of one server."""
    return redis.Redis(port=server.port, socket_timeout=1, **server.door.options)


class Sentinel(GuardedServer):
    """One Sentinel, which watches a primary.

    Args:
        data_dir: where its file of settings lives, which it writes itself.
        primary: the port of the primary.
        down_after_ms: silence after which it takes a server for dead.
        door: how it and the servers let clients in.
    """

    def __init__(self, data_dir: Path, primary: int, down_after_ms: int, door: Open) -> None:
        super().__init__(data_dir, door)
        data_dir.mkdir(parents=True)
        self._file = data_dir / "sentinel.conf"
        watch = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 2",
            f"sentinel down-after-milliseconds {SERVICE} {down_after_ms}",
            f"sentinel failover-timeout {SERVICE} 6000",
        ]
        if door.login:
            watch += [f"sentinel auth-user {SERVICE} {USER}", f'sentinel auth-pass {SERVICE} "{PASSWORD}"']
        lines = [*door.sentinel_port(self.port), f"dir {data_dir}", *door.sentinel_lines, *watch]
        self._file.write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        return f"{self.door.scheme}://{self.door.watch_login}127.0.0.1:{self.port}{self.door.url_options()}"

    @property
    def options(self) -> dict[str, Any]:
        """How tests connect to it, as redis-py takes it."""
        options = dict(self.door.options)
        if options:
            options |= {"username": WATCH_USER, "password": WATCH_PASSWORD}
        return {"port": self.port, "socket_timeout": 1, **options}

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return super()._spawn([command[0], str(self._file), "--sentinel"], log)


class SentinelSet:
    """See the module.

    Args:
        data_dir: where the files of all of them live.
        door: how all of them let clients in.
        replicas: how many replicas the primary has.
        down_after_ms: silence after which the Sentinels take a server for dead.
        make: makes a server of a directory, a door and further command-line options.

    Attributes:
        servers: primary and replicas, in the order in which they were started: the first was the primary.
        sentinels: the Sentinels.
    """

    def __init__(
        self,
        data_dir: Path,
        door: Open | None = None,
        *,
        replicas: int = 2,
        down_after_ms: int = 3_000,
        make: Callable[[Path, Open, Sequence[str]], GuardedServer] = GuardedServer,
    ) -> None:
        self.door = door = door or Open()
        self.servers = [make(data_dir / "server-0", door, ["--repl-diskless-sync-delay", "0"])]
        first = self.servers[0].port
        options = ["--replicaof", f"127.0.0.1 {first}", "--repl-diskless-sync-delay", "0"]
        self.servers += [make(data_dir / f"server-{number + 1}", door, options) for number in range(replicas)]
        self.sentinels = [
            Sentinel(data_dir / f"sentinel-{number}", first, down_after_ms, door)
            for number in range(SENTINELS)
        ]
        self._exit = ExitStack()

    @property
    def url(self) -> str:
        """Where clients connect, before and after a failover."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        options = self.door.url_options(sentinels=True)
        return f"{self.door.scheme}+sentinel://{self.door.login}{hosts}/{SERVICE}/0{options}"

    @property
    def primary(self) -> GuardedServer:
        """The server that most Sentinels take for the primary."""
        told = [port for port in map(self._told, self.sentinels) if port]
        port = max(told, key=told.count)
        return next(server for server in self.servers if server.port == port)

    def fail_over(self, *, losing: bool = False) -> None:
        """Replace the primary as planned, and wait until all Sentinels tell the new one.

        Args:
            losing: whether the old primary takes writes until it learns that it is one no more, as with
                ``SENTINEL FAILOVER``; else nothing is lost, as with ``deploy/redis/fail-over.sh``.
        """
        before = self.settled()
        if not losing:
            close(before, [each for each in self.servers if each is not before])
        with redis.Redis(**self.sentinels[0].options) as sentinel:
            until(lambda: self._has_begun(sentinel), seconds=30)
        self.wait_for_another_primary_than(before)
        if not losing:
            with talking_to(before) as client:
                client.replicaof("127.0.0.1", self.primary.port)
                client.config_set("min-replicas-to-write", 0)

    @staticmethod
    def _has_begun(sentinel: redis.Redis) -> bool:
        """Ask for a failover; on a loaded machine no replica may have been heard of lately."""
        try:
            sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGOODSLAVE"):
                raise
            return False
        return True

    def crash(self) -> None:
        """Kill the primary once its replicas know all it knows, and bring it back after the failover."""
        before = self.settled()
        close(before, [each for each in self.servers if each is not before])
        before.kill()
        self.wait_for_another_primary_than(before)
        before.start()

    def wait_for_another_primary_than(self, before: GuardedServer) -> None:
        """Wait until all Sentinels that live tell another primary."""
        until(
            lambda: all(
                self._told(each) not in (before.port, None) for each in self.sentinels if each.status is None
            ),
            seconds=30,
        )

    def _told(self, sentinel: Sentinel) -> int | None:
        try:
            with redis.Redis(**sentinel.options) as client:
                return int(client.sentinel_get_master_addr_by_name(SERVICE)[1])
        except (redis.RedisError, TypeError):
            return None

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for server in [*self.servers, *self.sentinels]:
                starting.enter_context(server)
            self._exit = starting.pop_all()
        self.settled()
        return self

    def settled(self, seconds: float = 30) -> GuardedServer:
        """Wait until all Sentinels know all others, and all replicas follow; return the primary.

        A primary that was replaced takes writes until it follows, for about ten seconds.
        """
        with ExitStack() as looking:
            sentinels = [looking.enter_context(redis.Redis(**each.options)) for each in self.sentinels]
            servers = [looking.enter_context(talking_to(each)) for each in self.servers]
            until(lambda: self._is_settled(sentinels, servers), seconds)
        return self.primary

    def _is_settled(self, sentinels: list[redis.Redis], servers: list[redis.Redis]) -> bool:
        try:
            return all(map(self._knows_all, sentinels)) and self._all_follow(servers)
        except (redis.ConnectionError, redis.TimeoutError):  # one just starts, or is slow
            return False

    def _knows_all(self, sentinel: redis.Redis) -> bool:
        state = sentinel.sentinel_master(SERVICE)
        replicas = sentinel.sentinel_slaves(SERVICE)
        return (
            len(replicas) == len(self.servers) - 1
            and state["num-other-sentinels"] == len(self.sentinels) - 1
            and not any(each["is_disconnected"] or each["is_sdown"] for each in [state, *replicas])
        )

    def _all_follow(self, servers: list[redis.Redis]) -> bool:
        told = [each.info("replication") for each in servers]
        return sorted(each.get("master_link_status", "") for each in told) == ["", *["up"] * (len(told) - 1)]

    def __exit__(self, *_: object) -> None:
        self._exit.close()
