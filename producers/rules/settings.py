"""Settings of the rules: one class for whoever has to decide alike, producers and workers."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from producers.contract.settings import Settings, variable
from producers.rules.text import listed

#: The word of `PRICE_UNKNOWN` that names no price.
REFUSE: Final = "refuse"
#: A mention that travels in any alphabet and that no rewriting of a text changes.
_MENTION: Final = re.compile(r"(?=.{4,40}\Z)[A-Za-z0-9.,:;=+/-]+(?: [A-Za-z0-9.,:;=+/-]+)*", re.ASCII)
_PRICE: Final = re.compile(r"\d{1,3}(?:\.\d{1,6})?", re.ASCII)


def _mention(value: str) -> None:
    if not _MENTION.fullmatch(value):
        raise ValueError("must be 4 to 40 ASCII letters, digits and .,:;=+/- with single spaces")


def price(value: str) -> Decimal | None:
    """Read `PRICE_UNKNOWN`: euros for a segment, or None for ``refuse``.

    Raises:
        ValueError: it is neither.
    """
    if value == REFUSE:
        return None
    if not _PRICE.fullmatch(value):
        raise ValueError("must be euros with at most six decimals, such as 0.25, or refuse")
    return Decimal(value)


@dataclass(frozen=True)
class RulesSettings(Settings):
    """What the owner has chosen; docs/rules.md says why each rule is there."""

    stop_mention: str = variable(
        "STOP_MENTION",
        "words that tell how to refuse, exactly so in every marketing text to France",
        default="STOP au 30101",
        check=_mention,
    )
    stop_mention_add: bool = variable(
        "STOP_MENTION_ADD",
        "1 puts a space and these words at the end of a text that lacks them",
        default=False,
    )
    country_senders: str = variable(
        "SENDERS",
        "the only senders that a country takes, such as `ES:Bistro;FR:Bistro,Shop`",
        default="",
        check=listed,
    )
    segments_max: int = variable(
        "SEGMENTS_MAX", "segments that one recipient may get of a text, 1 to 8", default=8, low=1, high=8
    )
    text_optimize: bool = variable(
        "TEXT_OPTIMIZE",
        "1 replaces costly characters before a message is queued, and no longer at the gateway",
        default=False,
    )
    price_unknown: str = variable(
        "PRICE_UNKNOWN",
        "euros that a segment is taken to cost where no price was learnt, or refuse",
        default="0.25",
        check=price,
    )
