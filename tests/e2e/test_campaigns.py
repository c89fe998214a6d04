"""Campaigns with a worker and a gateway: counted, paused, resumed, cancelled, nobody texted twice."""

import itertools
from collections import Counter
from decimal import Decimal

import pytest

from producers import CampaignCancellation
from tests.support.installation import Installation, new_id, new_number

TEXT = "Spring menu. STOP au 30101"


@pytest.fixture
def campaign(installation) -> str:
    """Name a campaign that no other test has."""
    return new_id("c")[:20]


def send(installation: Installation, campaign: str, numbers: list[str], text: str = TEXT, **options) -> int:
    options = {"sender": "Bistro", "auto_optimize_text": False, **options}
    return installation.producer.send_campaign(text, numbers, campaign_id=campaign, **options).slices


def ended(installation: Installation, campaign: str):
    """Wait until all of a campaign has ended, and return where it stands."""

    def status():
        found = installation.producer.campaign_status(campaign)
        return found if found is not None and found.done else None

    return installation.wait_for(status)


def reached(installation: Installation, campaign: str, slices: int) -> Counter[str]:
    shown = (installation.handset(f"{campaign}.{n}") for n in range(slices))
    return Counter(message.number for message in itertools.chain.from_iterable(shown))


def waiting(installation: Installation, campaign: str, slices: int) -> bool:
    status = installation.producer.campaign_status(campaign)
    return status is not None and status.waiting == slices


def posted(installation: Installation, campaign: str, slices: int) -> int:
    return sum(len(installation.posts(f"{campaign}.{n}")) for n in range(slices))


def test_a_campaign_reaches_everybody_once_and_adds_up(installation, campaign):
    numbers = [new_number() for _ in range(1203)]

    slices = send(installation, campaign, numbers)
    send(installation, campaign, numbers)

    status = ended(installation, campaign)
    assert (status.recipients, status.accepted, status.pending, status.slices) == (1203, 1203, 0, 3)
    costs = [installation.status(f"{campaign}.{n}").cost for n in range(slices)]
    assert status.cost == sum(costs, Decimal(0)) > 0
    assert reached(installation, campaign, slices) == Counter(numbers)
    assert installation.redis.pttl(installation.keys.campaign(campaign)) > 0
    send(installation, campaign, numbers)
    assert reached(installation, campaign, slices) == Counter(numbers)
    assert installation.producer.campaign_status(campaign).accepted == 1203


def test_each_end_is_counted_in_recipients(installation, campaign):
    numbers = [new_number() for _ in range(501)]

    installation.gateway.fault("refuse", code=181, match={"number": numbers[500]})
    send(installation, campaign, numbers)

    status = ended(installation, campaign)
    assert (status.accepted, status.rejected, status.recipients) == (500, 1, 501)


def test_nothing_of_a_paused_campaign_leaves_until_it_is_resumed(install, campaign):
    installation = install(worker=False)
    numbers = [new_number() for _ in range(1203)]
    slices = send(installation, campaign, numbers)
    assert installation.producer.pause_campaign(campaign) == "paused"
    other = installation.send()

    installation.worker.start()
    installation.wait_for(lambda: waiting(installation, campaign, slices))

    assert installation.settled(other).state == "accepted"
    assert posted(installation, campaign, slices) == 0
    assert installation.producer.campaign_status(campaign).pending == 1203
    assert installation.producer.resume_campaign(campaign) == "resumed"
    status = ended(installation, campaign)
    assert (status.accepted, status.waiting, status.paused) == (1203, 0, False)
    assert reached(installation, campaign, slices) == Counter(numbers)


@pytest.mark.parametrize("paused", [True, False])
def test_nothing_of_a_cancelled_campaign_leaves(install, campaign, paused):
    installation = install(worker=False)
    slices = send(installation, campaign, [new_number() for _ in range(1203)])
    if paused:
        installation.producer.pause_campaign(campaign)
        installation.worker.start()
        installation.wait_for(lambda: waiting(installation, campaign, slices))

    assert installation.producer.cancel_campaign(campaign) == CampaignCancellation(3, 0)

    if not paused:
        installation.worker.start()
    status = ended(installation, campaign)
    assert (status.cancelled, status.waiting, status.stopped) == (1203, 0, True)
    assert installation.settled(installation.send()).state == "accepted"
    assert posted(installation, campaign, slices) == 0
