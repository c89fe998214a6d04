"""How the messages of a campaign are named: ``<campaign_id>.<number>``, with a zone behind it if need be."""

from collections.abc import Sequence
from typing import Final

from ..contract.keys import Keys
from ..contract.steps import Commands, Steps

#: The zone that stands in no name.
MAINLAND: Final = "FR"
#: What stands in a list of zones for the mainland, and for alerts: as ``lua/campaign.lua``.
_NONE: Final = "-"


def message_id(campaign_id: str, number: int, zone: str = MAINLAND) -> str:
    """Name a message of a slice; a request_id takes no plus sign, so ``GP+`` is ``GP_`` there."""
    behind = "" if zone == MAINLAND else f".{zone.replace('+', '_')}"
    return f"{campaign_id}.{number}{behind}"


def message_ids(keys: Keys, campaign_id: str, numbers: Sequence[int]) -> Steps[list[str]]:
    """Name all messages of some slices, in the order of these; one round trip, none for no slice."""
    if not numbers:
        return []
    [found] = yield Commands([("HMGET", keys.campaign_zones(campaign_id), *numbers)])
    return [
        f"{campaign_id}.{number}{'' if zone == _NONE else f'.{zone}'}"
        for number, zones in zip(numbers, found, strict=True)
        for zone in (zones.decode().split() if zones else [_NONE])
    ]
