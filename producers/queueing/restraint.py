"""What `enqueue.lua` is told of money and of what is too much, and what its refusals mean. Pure."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Final

from ..contract.jobs import QUEUE_ALERT
from ..contract.pseudonyms import Pseudonyms
from ..errors import InvalidMessage, OverBudget
from ..messages import content
from ..messages.frozen import Dues, FrozenMessage
from ..rules.money import MICRO, MoneySettings

#: Digits at the end of a number that a block leaves out: it has 10,000 numbers.
_WITHIN_BLOCK: Final = 4
_UNPRICED: Final = b"unpriced "


class Restraint:
    """Tells the script of the owner's choices.

    Args:
        settings: these choices.
    """

    def __init__(self, settings: MoneySettings) -> None:
        self._unknown = settings.unknown_micros
        self._guards = settings.guards_alerts
        self._seeks_twins = settings.duplicate_window_s > 0
        self._choices = {
            "app": settings.app,
            "guard": {
                "per_hour": settings.number_alerts_per_hour,
                "per_day": settings.number_alerts_per_day,
                "prefix": settings.prefix_per_hour,
                "block": settings.prefix_action == "block",
                "twin_ms": settings.duplicate_window_s * 1000,
            },
        }

    def given(self, dues: Collection[Dues]) -> dict[str, Any]:
        """Say what holds for messages that may cost this, and name their tariffs."""
        tariffs = {part for each in dues for part in each[1::2]}
        money = {"tariffs": list(tariffs), "unknown": self._unknown, "dues": list(dues)} if dues else None
        return {**self._choices, "money": money}

    def blocks_of(self, messages: Sequence[FrozenMessage]) -> list[str | None]:
        """Name the block of numbers of each alert to one number; None for what is not guarded.

        A list of people to alert is the application's own: no stranger makes it longer by asking for codes.
        The last slice of a campaign belongs to a list, though it may have one recipient.

        Returns:
            A name or None for each; or nothing where nobody guards any.
        """
        if not self._guards:
            return []
        return [
            None
            if each.queue != QUEUE_ALERT or len(each.numbers) > 1 or each.campaign
            else each.numbers[0][:-_WITHIN_BLOCK]
            for each in messages
        ]

    def twins_of(
        self, messages: Sequence[FrozenMessage], bodies: Sequence[str], known: Pseudonyms
    ) -> list[str | None]:
        """Name what finds the same text again; None for what nobody looks for, as the slices of a campaign.

        Args:
            messages: whose texts they are.
            bodies: their bodies, as text.
            known: seals what people see of a text. That never leaves the process as it is.

        Returns:
            A name or None for each; or nothing where nobody looks for any.
        """
        if not self._seeks_twins:
            return []
        return [
            None if each.campaign else known.seal(content.seen(body, len(each.numbers)))
            for each, body in zip(messages, bodies, strict=True)
        ]


def refuse_unpriced(reply: object) -> None:
    """Raise what the script says of a price that nobody knows.

    Raises:
        InvalidMessage: ``PRICE_UNKNOWN`` is ``refuse``, and somebody is where no price is known; nothing was
            queued.
    """
    if isinstance(reply, bytes) and reply.startswith(_UNPRICED):
        tariff = reply.removeprefix(_UNPRICED).decode()
        raise InvalidMessage({"recipients": unpriced_problem(tariff)})


def unpriced_problem(tariff: str) -> str:
    """Say that nobody knows what a tariff costs, and what to do."""
    return f"somebody is where no price is known: octopush-worker prices set {tariff} EUROS"


def over_budget(scope: str, facts: bytes) -> OverBudget:
    """Read the refusal of a slice.

    Args:
        scope: whose budget it is.
        facts: the limit, and what would have been used, in micro-euros.
    """
    limit, wanted = (Decimal(part.decode()) / MICRO for part in facts.split())
    return OverBudget(scope, limit, wanted)
