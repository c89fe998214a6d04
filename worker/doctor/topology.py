"""Replicas, Sentinels and nodes of a cluster: can the primary be replaced, and who must confirm?"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import redis
from redis.connection import parse_url
from redis.crc import key_slot

from producers.contract.redis_url import RedisUrl, Server
from producers.contract.route_of_url import sentinel_options
from worker.doctor.findings import Finding, advice, error, ok, warning

#: Seconds that one Sentinel or node may take.
_ASK_S: Final = 1.0
#: Seconds by which a replica may be behind.
_LAG_S: Final = 10
_REDIS: Final = "redis.md#which-redis"
_FORGETS: Final = "guarantees.md#a-redis-that-forgets"


def replicas(
    info: Mapping[str, Any], config: Mapping[str, str] | None, wanted: int, *, every_claim: bool
) -> Iterator[Finding]:
    """Compare the replicas that are there with those that must confirm.

    Args:
        info: the answer to INFO of the primary.
        config: some of its settings; None if it does not tell them to this user.
        wanted: ``REDIS_REPLICAS``.
        every_claim: ``CONFIRM_EVERY_CLAIM``.
    """
    there = int(info.get("connected_slaves", 0))
    found = [
        info[f"slave{place}"] for place in range(there) if isinstance(info.get(f"slave{place}"), Mapping)
    ]
    behind = [each for each in found if each.get("state") != "online" or int(each.get("lag", 0)) > _LAG_S]
    if there < wanted:
        said = f"REDIS_REPLICAS is {wanted}, and {there} are connected: messages leave one by one."
        yield warning(
            "topology.replicas", said, "Bring the replicas back, or lower REDIS_REPLICAS.", _FORGETS
        )
    elif there > wanted:
        said = (
            f"{there} replicas are connected, and REDIS_REPLICAS is {wanted}: one that is away is not missed."
        )
        yield advice("topology.replicas", said, f"Set REDIS_REPLICAS={there} for the workers.", _FORGETS)
    else:
        yield ok("topology.replicas", f"{there} replicas are connected, as REDIS_REPLICAS says.")
    if behind:
        said = f"{len(behind)} of {there} replicas are not in step with the primary."
        yield warning("topology.lag", said, "Look at the log of the replica, and at its network.", _FORGETS)
    yield from _writes(info, config, max(there, wanted))
    if every_claim and not max(there, wanted):
        said = "CONFIRM_EVERY_CLAIM is set and has no effect: there is no replica."
        yield advice("topology.replicas", said, "Remove it, or add a replica.", _FORGETS)


def _writes(info: Mapping[str, Any], config: Mapping[str, str] | None, replicas: int) -> Iterator[Finding]:
    """Say whether a primary that is cut off from its replicas goes on writing what will be forgotten.

    With one replica that is the lesser evil: a primary that needs it stops all sending when it is lost. INFO
    counts the replicas that are in step, and only if there must be some.

    Args:
        info: as of the function above.
        config: the same.
        replicas: how many there are if all are up.
    """
    good = info.get("min_slaves_good_slaves")
    if good is None:
        if replicas > 1:
            said = "min-replicas-to-write is 0: a primary that is cut off takes messages that are lost later."
            yield advice("topology.writes", said, "Set min-replicas-to-write 1 on all servers.", _FORGETS)
        return
    if config is None:
        said = f"{good} replicas are in step; how many must be, Redis does not tell (CONFIG GET is refused)."
        yield advice("topology.writes", said, "Ask whoever runs Redis for min-replicas-to-write.", _FORGETS)
        return
    needed = int(config.get("min-replicas-to-write") or 0)
    if int(good) < needed:
        said = f"{good} replicas are in step, and {needed} must be: Redis takes no writes."
        yield error("topology.writes", said, "Bring the replicas back.", _FORGETS)
    elif needed >= max(replicas, 1):
        said = f"min-replicas-to-write is {needed}, of {replicas}: losing one replica stops all sending."
        yield advice("topology.writes", said, "Set it to 0, or add a replica.", _REDIS)
    else:
        yield ok("topology.writes", f"{good} replicas are in step, and {needed} must be.")


def around(url: RedisUrl) -> Iterator[Finding]:
    """Look at the Sentinels or nodes that an address names; nothing for a server that stands alone.

    They are asked themselves: they answer, too, where nobody knows a primary.
    """
    if url.place.kind == "sentinel":
        yield from _sentinels(url)
    elif url.place.kind == "cluster":
        yield from _cluster(url)


def _sentinels(url: RedisUrl) -> Iterator[Finding]:
    place = url.place
    options = sentinel_options(place)
    told: dict[Server, dict[str, Any]] = {}
    silent = []
    for server in place.servers:
        try:
            told[server] = _ask(server, options, lambda client: client.sentinel_master(place.service))
        except (redis.RedisError, OSError) as failure:
            silent.append(f"{_named(server)} ({type(failure).__name__})")
    if silent:
        make = error if 2 * len(silent) >= len(place.servers) else warning
        said = f"These Sentinels do not answer, or know no service of that name: {', '.join(silent)}."
        yield make("topology.sentinels", said, "Start them, or mend REDIS_URL.", _REDIS)
    if not told:
        return
    primaries = {server: (state["ip"], state["port"]) for server, state in told.items()}
    if (count := len(set(primaries.values()))) > 1:
        each = ", ".join(f"{_named(server)} tells {_named(at)}" for server, at in primaries.items())
        said = f"The Sentinels do not agree on the primary, {count} are told: {each}."
        do = "Ask each of these servers for its ROLE. Then look why that Sentinel does not hear the others."
        yield error("topology.primary", said, do, _REDIS)
    state = next(iter(told.values()))
    known, quorum = int(state["num-other-sentinels"]) + 1, int(state["quorum"])
    if max(known, len(place.servers)) < 3 or len(told) < quorum:
        said = (
            f"{len(told)} of {known} Sentinels answer, and {quorum} must agree: a lost primary may stay lost."
        )
        yield warning("topology.quorum", said, "Run three Sentinels on three machines.", _REDIS)
    else:
        yield ok("topology.quorum", f"{len(told)} of {known} Sentinels answer, and {quorum} must agree.")
    if known > len(place.servers):
        said = f"REDIS_URL names {len(place.servers)} of {known} Sentinels, and only these are asked."
        yield advice("topology.sentinels", said, "Name all Sentinels.", _REDIS)
    if not int(state["num-slaves"]):
        said = "The primary has no replica: nothing can take its place."
        yield error("topology.failover", said, "Add a replica.", _REDIS)


def _ask(
    server: Server, options: Mapping[str, Any], question: Callable[[redis.Redis], Any]
) -> dict[str, Any]:
    bound = {"socket_timeout": _ASK_S, "socket_connect_timeout": _ASK_S}
    pool = redis.ConnectionPool(**{**options, **bound, "host": server[0], "port": server[1]})
    with redis.Redis.from_pool(pool) as client:
        answer: dict[str, Any] = question(client)
        return answer


def _named(server: Server) -> str:
    return f"{server[0]}:{server[1]}"


def _nodes(url: RedisUrl) -> Mapping[str, dict[str, Any]]:
    """Ask the named nodes, one after the other, for all nodes; none if nobody answers."""
    options = parse_url(url.place.url)  # type: ignore[no-untyped-call]
    for server in url.place.servers:
        with suppress(redis.RedisError, OSError):
            return _ask(server, options, lambda client: client.cluster("NODES"))
    return {}


def _cluster(url: RedisUrl) -> Iterator[Finding]:
    nodes = _nodes(url)
    if not nodes:
        return  # that Redis does not answer is told already
    primaries = [node for node in nodes.values() if "master" in node["flags"] and node["slots"]]
    lost = sorted(
        address for address, node in nodes.items() if "fail" in node["flags"] or "noaddr" in node["flags"]
    )
    if lost:
        said = f"These nodes of the cluster do not answer the others: {', '.join(lost)}."
        yield error("topology.nodes", said, "Start them, or forget them: CLUSTER FORGET.", _REDIS)
    if len(primaries) < 3:
        said = f"The cluster has {len(primaries)} primaries: the rest cannot vote for a new one."
        yield warning("topology.quorum", said, "Run three primaries on three machines.", _REDIS)
    else:
        yield ok("topology.quorum", f"The cluster has {len(primaries)} primaries.")
    slot = key_slot(url.tag.encode())
    owner = next((n for n in primaries if any(int(s[0]) <= slot <= int(s[-1]) for s in n["slots"])), None)
    if owner is None:
        said = f"No node of the cluster owns slot {slot}, in which our keys are: nothing is sent or read."
        do = f"Bring the node back that had slot {slot}; in a new cluster, CLUSTER ADDSLOTS."
        yield error("topology.primary", said, do, _REDIS)
    elif not any(n["master_id"] == owner["node_id"] and "fail" not in n["flags"] for n in nodes.values()):
        said = "The node that owns our keys has no replica: nothing can take its place."
        yield error("topology.failover", said, "Add a replica to it.", _REDIS)
    if len(url.place.servers) < 2:
        said = (
            "REDIS_URL names one node of the cluster: a process that starts while it is away finds no other."
        )
        yield advice("topology.nodes", said, "Name at least two nodes on different machines.", _REDIS)
