"""A cluster: which node owns the slot of our keys now.

All keys of a deployment have one hash tag, so they lie in one slot, and one node serves them all. Facts:
https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from collections.abc import Mapping
from typing import Any

import redis
from redis.crc import key_slot

from .asking import Asking, Told
from .redis_url import Server

#: How many nodes must agree. Fewer may be cut off together with a primary that has been replaced.
_AGREEING = 3


class SlotOwner(Asking):
    """The node that owns the slot of a hash tag.

    Args:
        servers: some nodes of the cluster; the nodes that they name are asked, too.
        tag: the hash tag of all keys, without braces.
        options: how to connect to them, as redis-py's pools take it, without host and port.
    """

    def __init__(self, servers: tuple[Server, ...], tag: str, options: Mapping[str, Any]) -> None:
        self._slot = key_slot(tag.encode())
        super().__init__(servers, options, self._tell, agreeing=_AGREEING)

    def _tell(self, client: redis.Redis, asked: Server) -> Told | None:
        nodes: dict[str, Any] = client.cluster("NODES")
        servers = {address: _server(address, node, asked) for address, node in nodes.items()}
        owners = [address for address, node in nodes.items() if self._owns(node)]
        if not owners:
            return None
        return Told(int(nodes[owners[0]]["epoch"]), servers[owners[0]], tuple(servers.values()))

    def _owns(self, node: Mapping[str, Any]) -> bool:
        flags = node["flags"].split(",")
        if "master" not in flags or "fail" in flags:
            return False
        return any(int(span[0]) <= self._slot <= int(span[-1]) for span in node["slots"])


def _server(address: str, node: Mapping[str, Any], asked: Server) -> Server:
    """Read where a node is; a node that does not know its own address yet is where it was asked."""
    host, _, port = address.rpartition(":")
    return str(node["hostname"] or host or asked[0]), int(port)
