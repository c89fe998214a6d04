"""What the doctor says of Sentinels and of a cluster, whole and with something of it gone."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from tests.support.redis_cluster import RedisCluster
from tests.support.sentinel_set import SERVICE, SentinelSet, talking_to
from tests.support.waiting import until
from worker.cli import main


def found(url: str) -> set[tuple[str, str]]:
    told = CliRunner().invoke(main, ["doctor", "--json"], env={"REDIS_URL": url})
    findings = json.loads(told.output)["findings"]
    return {(each["check"], each["level"]) for each in findings if each["check"].startswith("topology.")}


@pytest.fixture(scope="module")
def them(tmp_path_factory) -> Iterator[SentinelSet]:
    with SentinelSet(tmp_path_factory.mktemp("sentinels"), replicas=1) as running:
        yield running


def test_sentinels_that_are_whole_have_a_quorum(them):
    assert found(them.url) == {("topology.quorum", "ok"), ("topology.replicas", "advice")}


def test_sentinels_that_are_not_named_are_told(them):
    one = f"redis+sentinel://127.0.0.1:{them.sentinels[0].port}/{SERVICE}/0"
    assert ("topology.sentinels", "advice") in found(one)


def test_sentinels_that_are_away_are_told(them):
    them.sentinels[2].kill()
    assert ("topology.sentinels", "warning") in found(them.url)

    them.sentinels[1].suspend()
    left = found(them.url)
    them.sentinels[1].resume()

    assert {("topology.sentinels", "error"), ("topology.quorum", "warning")} <= left
    them.sentinels[2].start()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[RedisCluster]:
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_a_cluster_that_is_whole_has_primaries_enough(cluster):
    # For a moment after the start, nodes take the replicas of others for primaries without slots.
    until(lambda: found(cluster.url) == {("topology.quorum", "ok"), ("topology.replicas", "advice")})


def test_a_cluster_of_which_one_node_is_named_is_told(cluster):
    one = f"redis+cluster://127.0.0.1:{cluster.nodes[0].port}"
    assert ("topology.nodes", "advice") in found(one)


def test_an_owner_without_a_replica_is_told(cluster):
    owner = cluster.owner("sms")
    replica = next(node for node in cluster.nodes if node.port == cluster._replica_port(owner))
    replica.kill()
    with talking_to(owner) as client:
        until(lambda: any("fail" in node["flags"].split(",") for node in client.cluster("NODES").values()))

    left = found(cluster.url)
    replica.start()

    assert {("topology.nodes", "error"), ("topology.failover", "error")} <= left
