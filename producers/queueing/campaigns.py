"""A campaign: one text for any number of recipients, cut into messages of at most 500. Pure: no I/O.

Where a slice begins depends on positions in the input alone: slice ``n`` is what remains of the recipients
``500 n`` to ``500 n + 499``, as one message for each of their zones. A recipient that is left out leaves a
gap and moves nobody into another slice, so a second run over the same recipients can never text one of them
twice, not even when the numbering tables have changed between.
"""

import re
import secrets
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Any, Final, Literal

from ..contract.plain_text import plain
from ..errors import InvalidMessage
from ..messages.frozen import FrozenMessage
from ..messages.message import CampaignOptions, Message
from ..messages.recipient import VARIABLES, Recipient
from ..rules.money import micros
from ..rules.zones import zone_of
from ..settings import ProducerSettings
from . import chunks
from .batches import freeze_one, refuse_what_never_leaves
from .number_set import NumberSet
from .sifting import concerning_all, sift, tell_left_out
from .slices import MAINLAND, message_id

#: A request_id has 36 characters: these, the number of a slice up to 99,999, and a zone such as FR-AM, with
#: dots between. No colon, since the id is a part of key names.
_CAMPAIGN_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,24}")

#: Stands in for any recipient: a number of a country that has no rules of its own.
_NOWHERE: Final = "+32470123456"
#: What holds where the owner has chosen nothing.
_DEFAULTS: Final = ProducerSettings()

#: Euros that a campaign may cost: no float, which would not say which amount it means.
Budget = Decimal | int | str
#: What to do about a recipient that cannot be texted: refuse the slice, or leave it out and call this with
#: its position in the campaign, the recipient as given, and what is wrong with it.
OnInvalid = Literal["refuse"] | Callable[[int, Any, InvalidMessage], object]


class Slicer:
    """Turns recipients into frozen slices, one after the other, and counts.

    Args:
        text: of all messages.
        options: the other fields of `Message`.
        campaign_id: names the campaign; minted if None.
        on_invalid: what to do about a recipient that cannot be texted.
        settings: of the application.
        budget: euros that the campaign may cost, or None.

    Attributes:
        budget: the same in micro-euros, or None.
        priced: whether each slice says what it may cost.
        campaign_id: its name.
        position: recipients read so far.
        number: slices cut so far, empty ones included.
        recipients, segments, left_out: sums over these.
        warnings: what is allowed in these, and probably a mistake, by field.

    Raises:
        InvalidMessage: ``campaign_id`` or anything else but the recipients is wrong.
    """

    def __init__(
        self,
        text: str,
        options: CampaignOptions,
        campaign_id: str | None = None,
        *,
        on_invalid: OnInvalid = "refuse",
        settings: ProducerSettings = _DEFAULTS,
        budget: Budget | None = None,
    ) -> None:
        if "reply_to" in options:
            raise InvalidMessage({"reply_to": "must be absent: a campaign answers nobody"})
        if "request_id" in options:
            raise InvalidMessage({"request_id": "must be absent: it is made of campaign_id and slice number"})
        if on_invalid != "refuse" and not callable(on_invalid):
            raise InvalidMessage({"on_invalid": 'must be "refuse" or a callable'})
        self.budget = None if budget is None else checked_budget(budget)
        self.priced = self.budget is not None
        self.campaign_id = checked(campaign_id) if campaign_id is not None else secrets.token_hex(12)
        self.position = self.number = self.recipients = self.segments = self.left_out = 0
        self.warnings: tuple[str, ...] = ()
        self._text, self._options, self._on_invalid, self._settings = text, options, on_invalid, settings
        self._seen = NumberSet()
        self._refuse_what_concerns_all()

    def go_on(self, number: int, met: Iterable[str]) -> None:
        """Take up a campaign at a slice.

        Args:
            number: the next slice.
            met: numbers of slices before it, as far as they may come again.
        """
        self.number, self.position = number, number * chunks.SLICE
        for each in met:
            self._seen.add(each)

    def cut(self, chunk: list[Any]) -> list[FrozenMessage]:
        """Freeze the next slice.

        Args:
            chunk: the next 500 recipients as given; fewer only at the end.

        Returns:
            Its messages: none if nobody of the chunk is left; of marketing one a zone, so that nobody waits
            for the hours of another zone.

        Raises:
            InvalidMessage: ``on_invalid`` is "refuse" and somebody cannot be texted; names all of this slice
                by their positions in the campaign. Or marketing can never leave to a zone.
        """
        frozen, problems = sift(chunk, self._seen, self._freeze)
        if problems and self._on_invalid == "refuse":
            raise InvalidMessage(
                {
                    f"recipients[{self.position + i}]" + (f".{name}" if name else ""): reason
                    for i, fields in sorted(problems.items())
                    for name, reason in fields.items()
                }
            )
        messages = [] if frozen is None else self._by_zone(frozen, chunk, problems)
        if self._on_invalid != "refuse":
            tell_left_out(problems, chunk, self.position, self._on_invalid)
        self.position += len(chunk)
        self.number += 1
        self.left_out += len(problems)
        if frozen is not None:
            self.warnings = tuple(dict.fromkeys((*self.warnings, *frozen.warnings)))
            self.recipients += frozen.recipients
            self.segments += frozen.segments
            for number in frozen.numbers:
                self._seen.add(number)
        return messages

    def _by_zone(
        self, frozen: FrozenMessage, chunk: list[Any], left_out: Collection[int]
    ) -> list[FrozenMessage]:
        """Make one message a zone of a slice that is checked, and see that each can leave."""
        if frozen.zones == MAINLAND:
            refuse_what_never_leaves(self._message([]), frozen.zones, self._settings)
        if frozen.zones in {"", MAINLAND}:
            return [frozen]
        kept = [each for i, each in enumerate(chunk) if i not in left_out]
        there: dict[str, list[Any]] = {}
        for number, each in zip(frozen.numbers, kept, strict=True):
            own = each.zone if isinstance(each, Recipient) else None
            zone = plain(own or self._options.get("zone") or zone_of(number))
            there.setdefault(zone, []).append(each)
        return [self._made(self._message(there[zone], zone)) for zone in sorted(there)]

    def _refuse_what_concerns_all(self) -> None:
        """Refuse what is wrong with all messages, before any recipient is read."""
        try:
            self._freeze([Recipient(_NOWHERE, **dict.fromkeys(VARIABLES, "x"))])
        except InvalidMessage as error:
            # A problem with the values of this recipient says nothing about other recipients.
            if fields := concerning_all(error.fields):
                raise InvalidMessage(fields) from None

    def _freeze(self, recipients: list[Any]) -> FrozenMessage:
        return self._made(self._message(recipients), to_leave=False)

    def _made(self, message: Message, *, to_leave: bool = True) -> FrozenMessage:
        return freeze_one(message, self._settings, self.campaign_id, to_leave=to_leave, priced=self.priced)

    def _message(self, recipients: list[Any], zone: str = MAINLAND) -> Message:
        name = message_id(self.campaign_id, self.number, zone)
        return Message(recipients, self._text, request_id=name, **self._options)


def checked(campaign_id: object) -> str:
    """Return a campaign_id that can be one.

    Raises:
        InvalidMessage: names ``campaign_id``.
    """
    if not isinstance(campaign_id, str) or not _CAMPAIGN_ID.fullmatch(campaign_id):
        raise InvalidMessage({"campaign_id": "must be 1 to 24 letters, digits or -_."})
    return plain(campaign_id)


def checked_budget(budget: Budget) -> int:
    """Return the micro-euros that a campaign may cost.

    Raises:
        InvalidMessage: names ``budget``. It may not be 0, which means "any amount" for other budgets: whoever
            has worked out that nothing is left must not get that.
    """
    try:
        if found := micros(budget):
            return found
    except ValueError as error:
        raise InvalidMessage({"budget": str(error)}) from None
    raise InvalidMessage({"budget": "must be above 0"})
