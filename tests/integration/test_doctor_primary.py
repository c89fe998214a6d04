"""What the doctor says where nobody knows which server is the primary: of real Sentinels, of a real node."""

import json
from contextlib import ExitStack

import redis
from click.testing import CliRunner
from redis.crc import key_slot

from tests.support.doors import GuardedServer, Open
from tests.support.sentinel_set import SERVICE, Sentinel
from tests.support.waiting import until
from worker.cli import main
from worker.sandbox.free_port import free_port


def found(url: str) -> dict[tuple[str, str], str]:
    told = CliRunner().invoke(main, ["doctor", "--json"], env={"REDIS_URL": url})
    return {(each["check"], each["level"]): each["finding"] for each in json.loads(told.output)["findings"]}


def test_sentinels_that_do_not_agree_on_the_primary_are_told(tmp_path):
    with ExitStack() as running:
        servers = [running.enter_context(GuardedServer(tmp_path / f"server-{n}", Open())) for n in range(2)]
        sentinels = [
            running.enter_context(Sentinel(tmp_path / f"sentinel-{n}", server.port, 3_000, Open()))
            for n, server in enumerate(servers)
        ]
        hosts = [f"127.0.0.1:{each.port}" for each in sentinels]

        left = found(f"redis+sentinel://{','.join(hosts)}/{SERVICE}/0")
        said = left["topology.primary", "error"]
        assert "2 are told" in said
        for sentinel, server in zip(hosts, servers, strict=True):
            assert f"{sentinel} tells 127.0.0.1:{server.port}" in said

        one = found(f"redis+sentinel://{hosts[0]}/{SERVICE}/0")
        assert not [check for check, _ in one if check == "topology.primary"]


def test_a_cluster_in_which_nobody_owns_our_keys_is_told(tmp_path):
    options = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"]
    options += ["--cluster-port", str(free_port())]
    with GuardedServer(tmp_path, Open(), options) as node, redis.Redis(port=node.port) as client:
        ours, url = key_slot(b"sms"), f"redis+cluster://127.0.0.1:{node.port}"
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, ours - 1, ours + 1, 16_383)
        until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        assert ("topology.primary", "error") in found(url)

        client.execute_command("CLUSTER", "ADDSLOTS", ours)
        until(lambda: ("topology.primary", "error") not in found(url))
