"""Redis as operators run it, under Sentinels and as a cluster: a primary is replaced, and sending goes on."""

from contextlib import contextmanager

import pytest

from tests.support.doors import Locked, Open, can_be_locked
from tests.support.flow import Flow, assert_each_came_once, assert_nothing_is_left
from tests.support.redis_cluster import RedisCluster
from tests.support.sentinel_set import SentinelSet

#: Seconds in which sending must go on after the change of primaries.
BACK_S = 15.0

# A server that is killed between the connect and the handshake of a client leaves a socket to Python's own
# module: SSLSocket._create asks for the name of the peer, fails, and does not close what it has made.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


@contextmanager
def sentinels(data_dir, door):
    """Yield the address, and the two ways to replace the primary."""
    with SentinelSet(data_dir, door) as them:
        yield them.url, {"planned": them.fail_over, "crashed": them.crash}


@contextmanager
def cluster(data_dir, door):
    """Yield the address, and the two ways to replace the owner of the keys."""
    with RedisCluster(data_dir, door) as them:
        yield them.url, {"planned": lambda: them.fail_over(TAG), "crashed": lambda: them.crash(TAG)}


TAG = "topology"


@pytest.mark.parametrize("topology", [sentinels, cluster])
def test_messages_and_callbacks_flow_on_when_a_primary_is_replaced(install, tmp_path, topology):
    """Twice: planned, then by a crash. Over TLS, with users, where this kind of server can do that."""
    door = Locked(tmp_path / "door") if can_be_locked() else Open()
    with topology(tmp_path, door) as (url, changes):
        installation = install(url, web=True, namespace=TAG)
        installation.gateway.settings(latency_ms=20)
        with Flow(installation) as flow:
            installation.wait_for(lambda: flow.count >= 20)
            for change in ("planned", "crashed"):
                changes[change]()
                after = flow.count
                installation.wait_for(lambda after=after: flow.count >= after + 40, BACK_S)
                accepted = len(installation.gateway.delivered())
                installation.wait_for(
                    lambda accepted=accepted: len(installation.gateway.delivered()) >= accepted + 40, BACK_S
                )

        assert flow.strange == []
        assert_each_came_once(installation, flow.sends)
        assert_nothing_is_left(installation)
        ids = {sent.request_id for sent in flow.sends}
        installation.wait_for(
            lambda: {receipt.request_id for receipt in installation.entries("receipts")} == ids
        )
