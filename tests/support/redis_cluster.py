"""A cluster of three primaries and three replicas, all real: what `redis+cluster://` leads to.

with RedisCluster(tmp_path) as cluster:
    client = connect(RedisUrl(cluster.url))
    cluster.owner("sms").kill()
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

import redis
from redis.crc import key_slot

from tests.support.doors import GuardedServer, Open
from tests.support.sentinel_set import close, talking_to
from tests.support.waiting import until
from worker.sandbox.free_port import free_port

#: Milliseconds after which nodes take another for dead.
NODE_TIMEOUT_MS = 2_500
_PRIMARIES = 3
_SLOTS = 16_384


class RedisCluster:
    """See the module.

    Args:
        data_dir: where the files of all nodes live.
        door: how all of them let clients in.

    Attributes:
        nodes: three primaries, then the replica of each.
    """

    def __init__(self, data_dir: Path, door: Open | None = None) -> None:
        self.door = door = door or Open()
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS)]
        options += ["--tls-cluster", "yes"] if door.login else []
        options += ["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"]
        # By default nodes talk to each other 10,000 ports further on, where somebody else may be.
        self._buses = [free_port() for _ in range(2 * _PRIMARIES)]
        self.nodes = [
            GuardedServer(data_dir / f"node-{number}", door, [*options, "--cluster-port", str(bus)])
            for number, bus in enumerate(self._buses)
        ]
        self._exit = ExitStack()

    @property
    def url(self) -> str:
        """Where clients connect; names two nodes of six."""
        hosts = f"127.0.0.1:{self.nodes[1].port},127.0.0.1:{self.nodes[5].port}"
        return f"{self.door.scheme}+cluster://{self.door.login}{hosts}{self.door.url_options()}"

    def owner(self, tag: str) -> GuardedServer:
        """Find the node that owns the slot of a hash tag, as the living nodes see it."""
        return self._node(self._owner_port(tag))

    def fail_over(self, tag: str) -> None:
        """Let a replica of the owner take its place, with nothing lost."""
        before = self.owner(tag)
        replica = self._node(self._replica_port(before))
        with talking_to(replica) as client:
            client.execute_command("CLUSTER", "FAILOVER")
        self.wait_for_another_owner_than(before, tag)

    def move_slot(self, tag: str) -> None:
        """Move the slot of a hash tag to another primary key by key, as ``redis-cli --cluster reshard``."""
        before = self.owner(tag)
        slot = key_slot(tag.encode())
        seen = self._nodes_as_seen_by(before)
        primaries = [
            int(name.rpartition(":")[2])
            for name, each in seen.items()
            if "master" in each["flags"] and each["slots"]
        ]
        after = self._node(next(port for port in primaries if port != before.port))
        with talking_to(before) as old, talking_to(after) as new:
            old_id, new_id = (each.execute_command("CLUSTER MYID").decode() for each in (old, new))
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", old_id)
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", new_id)
            while keys := old.execute_command("CLUSTER GETKEYSINSLOT", slot, 50):
                old.execute_command("MIGRATE", "127.0.0.1", after.port, "", 0, 5_000, "KEYS", *keys)
            for each in (new, old):
                each.execute_command("CLUSTER SETSLOT", slot, "NODE", new_id)
        self.wait_for_another_owner_than(before, tag)

    def crash(self, tag: str) -> None:
        """Kill the owner once its replicas know all it knows, and bring it back after the failover."""
        before = self.owner(tag)
        close(before, [self._node(self._replica_port(before))])
        before.kill()
        self.wait_for_another_owner_than(before, tag)
        before.start()

    def wait_for_another_owner_than(self, before: GuardedServer, tag: str) -> None:
        """Wait until all nodes that live tell another owner."""
        until(
            lambda: {self._owner_port(tag, each) for each in self._answering()}.isdisjoint(
                {before.port, None}
            ),
            seconds=30,
        )

    def _answering(self) -> list[GuardedServer]:
        """List the nodes that are neither dead nor suspended."""
        return [node for node in self.nodes if self._answers(node)]

    @staticmethod
    def _answers(node: GuardedServer) -> bool:
        try:
            with talking_to(node) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _node(self, port: int | None) -> GuardedServer:
        return next(node for node in self.nodes if node.port == port)

    def _nodes_as_seen_by(self, node: GuardedServer) -> dict[str, dict]:
        with talking_to(node) as client:
            return client.cluster("NODES")

    def _owner_port(self, tag: str, seen_by: GuardedServer | None = None) -> int | None:
        slot = key_slot(tag.encode())
        for address, node in self._nodes_as_seen_by(seen_by or self._answering()[0]).items():
            if any(int(span[0]) <= slot <= int(span[-1]) for span in node["slots"]):
                return int(address.rpartition(":")[2])
        return None

    def _replica_port(self, primary: GuardedServer) -> int:
        nodes = self._nodes_as_seen_by(primary)
        mine = next(each for each in nodes.values() if "myself" in each["flags"])
        return next(
            int(address.rpartition(":")[2])
            for address, each in nodes.items()
            if each["master_id"] == mine["node_id"] and "fail" not in each["flags"]
        )

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for node in self.nodes:
                starting.enter_context(node)
            self._meet()
            self._exit = starting.pop_all()
        return self

    def _meet(self) -> None:
        with ExitStack() as closing:
            clients = [closing.enter_context(talking_to(node)) for node in self.nodes]
            for number, client in enumerate(clients[:_PRIMARIES]):
                first, last = number * _SLOTS // _PRIMARIES, (number + 1) * _SLOTS // _PRIMARIES - 1
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            for client in clients[1:]:
                client.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port, self._buses[0])
            until(
                lambda: all(len(client.cluster("NODES")) == len(self.nodes) for client in clients), seconds=30
            )
            ids = [client.execute_command("CLUSTER MYID").decode() for client in clients]
            for client, primary in zip(clients[_PRIMARIES:], ids, strict=False):
                client.execute_command("CLUSTER REPLICATE", primary)
            until(lambda: all(self._is_whole(client) for client in clients), seconds=30)

    def _is_whole(self, client: redis.Redis) -> bool:
        nodes = client.cluster("NODES").values()
        # Who is whose replica is told by gossip, too.
        known = sum(node["master_id"] != "-" for node in nodes) == len(nodes) - _PRIMARIES
        linked = known and all(node["connected"] for node in nodes)
        follows = client.role()[0] == b"master" or client.info("replication")["master_link_status"] == "up"
        return linked and follows and client.execute_command("CLUSTER INFO")["cluster_state"] == "ok"

    def __exit__(self, *_: object) -> None:
        self._exit.close()
