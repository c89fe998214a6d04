"""Looking at a campaign without queueing it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Unpack

from ..messages.message import CampaignOptions
from ..settings import ProducerSettings
from .campaigns import OnInvalid, Slicer
from .chunks import chunks

#: What holds where the owner has chosen nothing.
_DEFAULTS: Final = ProducerSettings()


@dataclass(frozen=True, slots=True)
class CampaignCheck:
    """What a campaign would be.

    Attributes:
        recipients: how many would be texted.
        slices: calls to the gateway, each a message of its own.
        segments: segments over all recipients, as we count them; the gateway's count decides the bill.
        left_out: recipients given that would not be texted.
        warnings: what is allowed, and probably a mistake, by field, as `Sent.warnings`.
    """

    recipients: int
    slices: int
    segments: int
    left_out: int
    warnings: tuple[str, ...] = ()


def check_campaign(
    text: str,
    recipients: Iterable[Any],
    *,
    on_invalid: OnInvalid = "refuse",
    settings: ProducerSettings = _DEFAULTS,
    default_region: str | None = None,
    **options: Unpack[CampaignOptions],
) -> CampaignCheck:
    """Check a whole campaign and count it; nothing is queued.

    Args:
        text: of all messages.
        recipients: numbers or Recipients.
        on_invalid: "refuse", or what to call for each that would be left out.
        **options: the other fields of `Message`.
        settings: of the application, as its `Producer` has them.
        default_region: whose national numbers are read, such as ``FR``; overrides the settings.

    Raises:
        InvalidMessage: as `Producer.send_campaign`.
    """
    slicer = Slicer(text, options, on_invalid=on_invalid, settings=settings.with_region(default_region))
    slices = 0
    for chunk in chunks(recipients):
        slices += len(slicer.cut(chunk))
    return CampaignCheck(slicer.recipients, slices, slicer.segments, slicer.left_out, slicer.warnings)
