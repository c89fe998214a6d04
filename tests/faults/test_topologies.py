"""A primary under Sentinels, or of a cluster, is lost in each way while everything is under way.

There are single alerts, a backlog that shares calls, a campaign, receipts. Redis may forget what no replica
had yet: so in the end the application repeats everything under the same ids, as one does that is not sure.
Then each number has been shown its text exactly once: what was lost was not sent, what was sent was not lost.
"""

import time
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise

import pytest

from producers import Message, Recipient
from producers.errors import QueueUnavailable
from tests.support.flow import Flow
from tests.support.installation import Installation, new_id, new_number
from tests.support.redis_cluster import RedisCluster
from tests.support.sentinel_set import SentinelSet

pytestmark = pytest.mark.timeout(300)

TAG = "matrix"
#: Seconds in which sending must go on after what happened.
BACK_S = 15.0
BACKLOG = 2_000
CAMPAIGN = 600
REPLICAS = {"sentinels": 2, "cluster": 1}


class Sentinels:
    """Sentinels, and what may happen to the servers that they watch."""

    def __init__(self, data_dir):
        self.them = SentinelSet(data_dir)
        self.url = self.them.url

    def planned(self):
        """As an operator does who pauses nothing: the old primary takes writes for ten seconds more."""
        self.them.fail_over(losing=True)

    def killed(self):
        before = self.them.primary
        before.kill()
        self.them.wait_for_another_primary_than(before)
        before.start()

    def suspended(self):
        before = self.them.primary
        before.suspend()
        self.them.wait_for_another_primary_than(before)
        before.resume()

    def replica_killed(self):
        primary = self.them.primary
        replica = next(each for each in self.them.servers if each is not primary)
        replica.kill()
        time.sleep(3)
        replica.start()

    def sentinels_away(self):
        for each in self.them.sentinels:
            each.suspend()
        time.sleep(5)
        for each in self.them.sentinels:
            each.resume()


class Cluster:
    """A cluster, and what may happen to the node that has our keys."""

    def __init__(self, data_dir):
        self.them = RedisCluster(data_dir)
        self.url = self.them.url

    def planned(self):
        self.them.fail_over(TAG)

    def slot_moved(self):
        """Key by key, as an operator does who adds a node and stops nothing."""
        self.them.move_slot(TAG)

    def killed(self):
        before = self.them.owner(TAG)
        before.kill()
        self.them.wait_for_another_owner_than(before, TAG)
        before.start()

    def suspended(self):
        before = self.them.owner(TAG)
        before.suspend()
        self.them.wait_for_another_owner_than(before, TAG)
        before.resume()


CASES = [(Sentinels, each) for each in ("planned", "killed", "suspended", "replica_killed", "sentinels_away")]
CASES += [(Cluster, each) for each in ("planned", "killed", "suspended", "slot_moved")]


@pytest.fixture
def install(tmp_path_factory):
    """Start an installation on the Redis named."""
    with ExitStack() as stopping:

        def start(redis_url, **options):
            made = Installation(tmp_path_factory.mktemp("installation"), redis_url, **options)
            return stopping.enter_context(made)

        yield start


def codes():
    """A backlog of one template, whose messages may share calls."""
    return [
        Message(
            Recipient(new_number(), param1="x"),
            "Code {param1}",
            sender="Bistro",
            purpose="alert",
            request_id=new_id(),
        )
        for _ in range(BACKLOG)
    ]


@pytest.mark.parametrize(("topology", "event"), CASES, ids=lambda each: getattr(each, "__name__", each))
def test_nothing_comes_twice_and_what_is_repeated_comes_once(install, tmp_path, topology, event, measured):
    place = topology(tmp_path / "redis")
    with ExitStack() as ending:
        ending.enter_context(place.them)
        installation = install(
            place.url, web=True, namespace=TAG, REDIS_REPLICAS=str(REPLICAS[topology.__name__.lower()])
        )
        installation.gateway.settings(latency_ms=100)
        backlog = codes()
        people = [new_number() for _ in range(CAMPAIGN)]

        def begin_campaign():
            return installation.producer.send_campaign(
                "Sunday brunch. STOP au 30101", people, campaign_id=TAG, sender="Bistro"
            )

        with Flow(installation) as flow:
            installation.wait_for(lambda: flow.count >= 20)
            repeated(installation.producer.send_many, backlog)
            repeated(begin_campaign)
            installation.wait_for(lambda: len(installation.gateway.delivered()) >= 100)
            getattr(place, event)()
            after = flow.count
            installation.wait_for(lambda: flow.count >= after + 40, BACK_S)
            shown = len(installation.gateway.delivered())
            installation.wait_for(lambda: len(installation.gateway.delivered()) >= shown + 40, BACK_S)
            gap_s = longest_gap_s(installation)
        assert flow.strange == []
        assert gap_s < BACK_S
        if topology is Sentinels:
            # A primary that was replaced takes writes until it follows, and forgets them.
            place.them.settled(60)

        alerts = flow.sends
        lost = [sent for sent in alerts if installation.producer.status(sent.request_id) is None]
        told = f"{len(lost)} of {len(alerts)} alerts forgotten, longest gap between calls {gap_s:.1f} s"
        measured(f"{topology.__name__}, {event}: {told}")
        for sent, number in zip(alerts, flow.numbers, strict=True):
            repeated(installation.send, to=number, request_id=sent.request_id)
        repeated(installation.producer.send_many, backlog)
        repeated(begin_campaign)
        ids = [*(sent.request_id for sent in alerts), *(each.request_id for each in backlog)]
        states = installation.all_settled(ids, 120)
        # A server that was replaced may also forget the claim of an alert, or of a slice, that it remembers.
        forgets = lost or event in ("killed", "suspended", "planned")
        assert states <= ({"accepted", "unknown"} if forgets else {"accepted"})
        installation.wait_for(lambda: installation.producer.campaign_status(TAG).pending == 0, 60)
        campaign = installation.producer.campaign_status(TAG)
        assert campaign.accepted + (campaign.unknown if forgets else 0) == CAMPAIGN
        times = Counter()
        for (_, number), count in installation.gateway.delivered().items():
            times[number] += count
        wanted = [*flow.numbers, *people, *(each.recipients.phone_number for each in backlog)]
        assert Counter(times[number] for number in wanted) == {1: len(wanted)}


def longest_gap_s(installation):
    """Seconds between two calls that the gateway took, at most: alerts come without a pause."""
    at = sorted(each.at for each in installation.gateway.requests() if each.outcome == "accepted")
    return max(after - before for before, after in pairwise(at))


def repeated(call, *arguments, **options):
    """Do what an application does whose call was not confirmed: the same again."""
    while True:
        try:
            return call(*arguments, **options)
        except QueueUnavailable:
            continue
