"""Redis and its Sentinels as deploy/README.md sets them up: these files, but for addresses and passwords."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest
import redis

from producers import QueueUnavailable, Sent
from tests.support.installation import Installation
from tests.support.redis_users import DIRECTORY, SERVERS, OperatorsServer, as_user
from tests.support.waiting import until
from worker.sandbox.redis_server import RedisServer, find_binary


class Deployed(RedisServer):
    """A server, or a Sentinel, that is started with one of the files of deploy/redis.

    Args:
        data_dir: where it writes.
        users: whose passwords it has.
        primary: the port of the first primary.
        file: which file.
    """

    def __init__(self, data_dir: Path, users: OperatorsServer, primary: int, file: str) -> None:
        super().__init__(data_dir)
        data_dir.mkdir(parents=True)
        passwords = SERVERS[users.port]
        SERVERS[self.port] = passwords
        self._file = data_dir / file
        text = (DIRECTORY / file).read_text("utf-8")
        for old, new in {
            "127.0.0.1 10.0.0.11": "127.0.0.1",
            "10.0.0.11 6379": f"127.0.0.1 {primary}",
            "port 6379": f"port {self.port}",
            "port 26379": f"port {self.port}",
            "/etc/redis/users.acl": str(users.passwords_dir / "users.acl"),
            "REPLICA_PASSWORD": passwords["replica"],
            "SENTINEL_PASSWORD": passwords["sentinel"],
            "dir /tmp": f"dir {data_dir}",
        }.items():
            text = text.replace(old, new)
        self._file.write_text(text, "utf-8")
        self._is_sentinel = file == "sentinel.conf"

    @property
    def url(self) -> str:
        url = f"redis://127.0.0.1:{self.port}/0"
        return url if self._is_sentinel else as_user(url, "admin")

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        words = [find_binary(), str(self._file), "--dir", str(self.data_dir)]
        if self._is_sentinel:
            words = [find_binary(), str(self._file), "--sentinel"]
        return super()._spawn(words, log)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[list[Deployed], list[Deployed]]]:
    """Run two servers and three Sentinels, and wait until all know each other."""
    users = OperatorsServer(tmp_path / "users")
    first = Deployed(tmp_path / "0", users, 0, "octopush.conf")
    second = Deployed(tmp_path / "1", users, first.port, "octopush.conf")
    with ExitStack() as stack:
        servers = [stack.enter_context(each) for each in (first, second)]
        with redis.Redis.from_url(second.url) as client:
            client.replicaof("127.0.0.1", first.port)
            client.config_rewrite()
        sentinels = [
            stack.enter_context(Deployed(tmp_path / f"s{number}", users, first.port, "sentinel.conf"))
            for number in range(3)
        ]
        for each in sentinels:
            with redis.Redis(port=each.port) as client:
                until(lambda client=client: knows_all(client), 60)
        yield servers, sentinels


def knows_all(client: redis.Redis) -> bool:
    """As the page says: it has two others beside it, and the replica."""
    told = client.sentinel_master("octopush")
    try:
        usable = client.execute_command("SENTINEL", "CKQUORUM", "octopush")
    except redis.ResponseError:
        return False
    return told["num-slaves"] == 1 and b"OK 3 usable" in usable


@pytest.mark.timeout(240)
def test_the_replica_takes_the_place_of_a_primary_that_is_lost_and_messages_leave(hosts, tmp_path):
    servers, sentinels = hosts
    addresses = ",".join(f"127.0.0.1:{each.port}" for each in sentinels)

    def url(user: str) -> str:
        return f"redis+sentinel://{user}:{SERVERS[servers[0].port][user]}@{addresses}/octopush/0"

    (tmp_path / "it").mkdir()
    with Installation(tmp_path / "it", url("admin"), namespace="sms", threads=2, urls=url) as installation:
        before = installation.send()
        assert installation.settled(before).state == "accepted"

        servers[0].kill()
        after = until(lambda: queued(installation), 60)
        assert installation.settled(after, 60).state == "accepted"
        servers[0].start()
        with redis.Redis.from_url(servers[0].url) as came_back:
            until(lambda: follows(came_back), 60)
        again = installation.send()
        assert installation.settled(again, 60).state == "accepted"

        # It was begun as a replica, and is the primary now: its host is started anew.
        servers[1].kill()
        servers[1].start()
        with redis.Redis.from_url(servers[1].url) as primary:
            assert primary.role()[0] == b"master"
            assert installation.status(again).state == "accepted"


def queued(installation: Installation) -> Sent | None:
    """Send once; None while no primary takes it."""
    try:
        return installation.send()
    except QueueUnavailable:
        return None


def follows(client: redis.Redis) -> bool:
    """Say whether a server is a replica that has all. Sentinels end the connections of one that turns."""
    try:
        return client.info("replication").get("master_link_status") == "up"
    except redis.ConnectionError:
        return False
