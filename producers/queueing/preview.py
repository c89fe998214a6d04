"""What a text would become and cost, for some recipients or for anybody. Pure: prices are given.

Each recipient is worded as `freeze` words them, so a preview counts what would be queued.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

import phonenumbers

from ..contract.keys import Keys
from ..contract.plain_text import as_text
from ..contract.prices import Prices
from ..contract.steps import Commands, Steps
from ..errors import InvalidMessage
from ..messages import content, fields
from ..messages.dues import ANSWERABLE, BLACKLIST_LOOK, refuse_unreachable
from ..messages.fields import Problems
from ..messages.leaving import check_leaving
from ..messages.message import CampaignOptions, Message
from ..messages.options import checked_options
from ..messages.places import places_of
from ..messages.recipient import VARIABLES, Recipient
from ..messages.template import VARIABLE_MAX
from ..messages.wording import Wording, word
from ..rules.money import MICRO, price
from ..rules.text import sender_problem
from ..settings import ProducerSettings
from .campaigns import Budget, checked_budget
from .number_set import NumberSet
from .restraint import unpriced_problem
from .sifting import REPEATED, concerning_all, sift, tell_left_out
from .tally import Flip, Tally

#: A sender that breaks no rule, for a preview that names none.
ANY_SENDER: Final = "Preview"
#: Values of a recipient whom nobody knows: none, half of what fits, and all of it in characters of two units.
_NOTHING, _HALF, _DEAREST = "", "x" * (VARIABLE_MAX // 2), "\U0001f600" * VARIABLE_MAX
#: A mobile number that is valid, for a country that has no example of one.
_SOMEBODY: Final = "+33612345678"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a text would become and cost.

    Without recipients the figures are of one recipient whose values nobody knows: ``minimum`` fills in
    nothing, ``middle`` 25 plain characters for each placeholder, ``maximum`` the dearest 50. Whatever the
    values are, no recipient gets more than ``maximum`` segments.

    Attributes:
        recipients: who would be texted; 0 if none were given.
        left_out: recipients given that cannot be texted, or are repeated.
        repeated: of those left out, whose number stands further up.
        messages: calls to the gateway, of at most 500 recipients; of marketing for each zone its own.
        encoding: ``ucs2`` if anybody's text is UCS-2; without recipients, if the text is whoever gets it.
        minimum, middle, maximum: segments of the shortest, the median and the longest text.
        segments: over all recipients; of ``middle`` without recipients.
        cost: of these segments, in the account's currency, with what replies and a look at the blacklist
            cost. None if a price is unknown and none is assumed.
        worst_cost: with all that is in doubt counted at its dearest, and ``maximum`` without recipients.
        assumed: recipients whose price was not learnt, but assumed.
        affordable: how many of ``recipients``, from the first on, a campaign would queue within its budget;
            None without a budget or a price.
        flips: what turns texts to UCS-2, the text first.
        saved: of ``segments``, those that ``TEXT_OPTIMIZE`` would save.
        problems: why all of it would be refused, by field.
        warnings: what is allowed, and probably a mistake, by field.
    """

    recipients: int
    left_out: int
    repeated: int
    messages: int
    encoding: Literal["gsm7", "ucs2"]
    minimum: int
    middle: int
    maximum: int
    segments: int
    cost: Decimal | None
    worst_cost: Decimal | None
    assumed: int
    affordable: int | None
    flips: tuple[Flip, ...]
    saved: int
    problems: Mapping[str, str]
    warnings: tuple[str, ...]


def current_prices(keys: Keys, settings: ProducerSettings) -> Steps[Prices]:
    """Read what segments cost lately, and what is assumed of the rest; one round trip."""
    [learnt] = yield Commands([("HGETALL", keys.prices)])
    return Prices.read(price(settings.price_unknown), learnt)


class Previewer:
    """Counts recipients chunk by chunk.

    Args:
        text: of all messages.
        options: the other fields of `Message`; the sender may be absent.
        settings: of the application.
        prices: of a segment.
        budget: euros that a campaign may cost; None for any.
        on_invalid: called for each recipient that is left out, as by `Slicer`.
        now: aware, to look whether each zone can ever get it; None to leave that out.

    Raises:
        InvalidMessage: ``budget`` is no amount.
    """

    def __init__(
        self,
        text: str,
        options: CampaignOptions,
        *,
        settings: ProducerSettings,
        prices: Prices,
        budget: Budget | None = None,
        on_invalid: Callable[[int, Any, InvalidMessage], object] = lambda *_: None,
        now: datetime | None = None,
    ) -> None:
        self._budget = None if budget is None else Decimal(checked_budget(budget)) / MICRO
        self._affordable, self._is_spent = 0, False
        self._text, self._options, self._settings, self._prices = text, options, settings, prices
        self._now = now
        self._kind = as_text(options.get("type", "sms_premium"))
        self._tally, self._seen, self._on_invalid = Tally(), NumberSet(), on_invalid
        self._taken = self._left_out = self._repeated = self._messages = 0
        self._zones, self._problems = 1, dict[str, str]()
        self._warnings: tuple[str, ...] = ()
        self._check_options()

    def take(self, chunk: list[Any]) -> None:
        """Count the next recipients, at most 500, as the caller gave them."""
        worded, problems = sift(chunk, self._seen, self._checked)
        tell_left_out(problems, chunk, self._taken, self._on_invalid)
        self._left_out += len(problems)
        self._repeated += sum(reasons == REPEATED for reasons in problems.values())
        if worded is not None:
            kept = [each for i, each in enumerate(chunk) if i not in problems]
            self._count(worded, self._thrifty(kept, worded))
            self._weigh()
        self._taken += len(chunk)

    def result(self) -> Preview:
        """Sum up."""
        if self._taken:
            return self._summed_up(self._tally, self._tally.recipients, self._tally.sizes())
        tallies = [self._of_one(value) for value in (_NOTHING, _HALF, _DEAREST)]
        sizes = tuple(tally.segments for tally in tallies)
        known = self._summed_up(tallies[1], 0, (sizes[0], sizes[1], sizes[2]))
        encoding = tallies[0].encoding
        return replace(known, worst_cost=self._cost(tallies[2], at_worst=True), encoding=encoding)

    def _of_one(self, value: str) -> Tally:
        """Count for one recipient whose placeholders all have one value."""
        region = self._settings.default_region or "FR"
        number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        written = number and phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        chunk = [Recipient(written or _SOMEBODY, **dict.fromkeys(VARIABLES, value))]
        check, worded = self._word(chunk, self._settings)
        self._note(check)
        tally = Tally()
        tally.add(worded, 0, self._kind, worded.segments[0] - self._thrifty(chunk, worded)[0])
        return tally

    def _word(self, chunk: list[Any], settings: ProducerSettings, **changed: Any) -> tuple[Problems, Wording]:
        check = Problems()
        message = self._message(chunk, **changed)
        worded = word(check, message, settings, settings.default_region)
        places = places_of(check, message.zone, worded.recipients, told=message.purpose != "alert")
        refuse_unreachable(check, worded.recipients, settings)
        zones = places.zones.split()
        self._zones = max(1, len(zones))
        for zone in zones:
            # Of a campaign each zone gets a message of its own.
            send_at = check.field("send_at", fields.send_at, message.send_at)
            check_leaving(check, message, zone, send_at=send_at, rules=settings, now=self._now)
        self._warnings = tuple(dict.fromkeys((*self._warnings, *worded.warnings)))
        if "sender" in self._options and "sender" not in self._problems:
            problem = sender_problem(message.sender, worded.numbers, settings.country_senders)
            check.by_field |= {"sender": problem} if problem else {}
        return check, worded

    def _checked(self, chunk: list[Any]) -> Wording:
        """Word recipients who can all be texted.

        Raises:
            InvalidMessage: somebody cannot.
        """
        check, worded = self._word(chunk, self._settings)
        if bad := self._note(check):
            raise InvalidMessage(bad)
        return worded

    def _thrifty(self, chunk: list[Any], worded: Wording) -> list[int]:
        """Count the segments that ``TEXT_OPTIMIZE`` would make of the same."""
        if self._settings.text_optimize or max(worded.segments, default=0) < 2:
            return worded.segments
        thrifty = replace(self._settings, text_optimize=True)
        return self._word(chunk, thrifty, auto_optimize_text=True)[1].segments

    def _message(self, chunk: list[Any], **changed: Any) -> Message:
        options: dict[str, Any] = {"sender": ANY_SENDER, **self._options, **changed}
        return Message(chunk, self._text, **options)

    def _check_options(self) -> None:
        check, message = Problems(), self._message([])
        check.field("send_at", fields.send_at, message.send_at)
        check.field("context", content.context, message.context)
        check.together(checked_options, message, self._settings.sender_allow_spaces)
        self._note(check)

    def _note(self, check: Problems) -> Mapping[str, str]:
        """Keep the problems that concern all; return those of recipients."""
        whole = concerning_all(check.by_field)
        self._problems = whole | self._problems
        return {name: why for name, why in check.by_field.items() if name not in whole}

    def _count(self, worded: Wording, thrifty: list[int]) -> None:
        self._messages += self._zones
        for i, recipient in enumerate(worded.recipients):
            self._seen.add(recipient.phone_number)
            self._tally.add(worded, i, self._kind, worded.segments[i] - thrifty[i])

    def _weigh(self) -> None:
        """See whether the budget reaches these, too: a slice is queued whole or not at all."""
        worst = self._cost(self._tally, at_worst=True)
        self._is_spent |= worst is None or (self._budget is not None and worst > self._budget)
        if not self._is_spent:
            self._affordable = self._tally.recipients

    def _cost(self, tally: Tally, *, at_worst: bool = False) -> Decimal | None:
        """Say what some recipients cost, as `dues_of` counts it."""
        cost, options = tally.cost(self._prices, at_worst=at_worst), self._options
        if cost is None or options.get("simulation_mode"):
            return cost and Decimal(0)
        if options.get("with_replies"):
            cost += Decimal(ANSWERABLE) / MICRO * (tally.worst_segments if at_worst else tally.segments)
        if options.get("auto_remove_blacklisted_numbers"):
            cost += Decimal(BLACKLIST_LOOK) / MICRO * max(1, self._messages)
        return cost

    def _unpriced(self) -> dict[str, str]:
        """Refuse what has no price, where that is wanted."""
        lacking = self._tally.unpriced(self._prices) if self._prices.assumed is None else ""
        return {"recipients": unpriced_problem(lacking)} if lacking else {}

    def _summed_up(self, tally: Tally, recipients: int, sizes: tuple[int, int, int]) -> Preview:
        return Preview(
            recipients,
            self._left_out,
            self._repeated,
            self._messages,
            tally.encoding,
            *sizes,
            segments=tally.segments,
            cost=self._cost(tally),
            worst_cost=self._cost(tally, at_worst=True),
            assumed=tally.assumed(self._prices),
            affordable=None if self._budget is None or not recipients else self._affordable,
            flips=tally.flips(),
            saved=tally.saved,
            problems=self._unpriced() | self._problems,
            warnings=self._warnings,
        )
