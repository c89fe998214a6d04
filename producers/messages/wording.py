"""What each recipient of a message gets: the text as it leaves, whoever rewrites it, and its segments."""

from typing import TYPE_CHECKING

import msgspec

from ..contract.characters import is_blank
from ..contract.discreet import discreet
from ..rules import text as rules
from ..rules.settings import RulesSettings
from . import fields
from .recipient import Recipient
from .segments import replaced
from .template import VARIABLE_MAX, Template, take_apart

if TYPE_CHECKING:
    from .message import Message

#: What an alert is told that carries the mention of marketing.
MENTION_IN_ALERT = "text: has the mention of marketing; whoever filters may take this alert for marketing"
#: What a two-way message is told of which somebody may not be able to answer (Octopush's page on two-way SMS:
#: mainland France, other countries on request). The gateway takes such a message.
REPLIES_DOUBTFUL = (
    "with_replies: replies are known to come from mobiles of mainland France (+336, +337) alone; "
    "for other numbers ask Octopush first"
)
_ANSWERING = ("+336", "+337")


@discreet
class Wording(msgspec.Struct, frozen=True, gc=False):
    """What the recipients of a message get.

    Attributes:
        template: the text, taken apart.
        recipients: with the values that are filled in.
        numbers: theirs, as far as they are text.
        segments: of each recipient, in order; 0 for one that was refused.
        by_gateway: whether the gateway rewrites what was filled in.
        warnings: what is allowed, and probably a mistake.
    """

    template: Template
    recipients: list[Recipient]
    numbers: list[str]
    segments: list[int]
    by_gateway: bool
    warnings: tuple[str, ...]

    def at_worst(self, place: int) -> int:
        """Count the segments of a recipient as dear as the gateway may; for estimates."""
        return self.template.at_worst_for(self.recipients[place], self.segments[place])


def word(
    check: fields.Problems, message: "Message", settings: RulesSettings, default_region: str = ""
) -> Wording:
    """Check text and recipients of a message, and say what each of them gets.

    Args:
        check: takes the problems. After a problem the wording is good for counting only.
        message: what the caller gave.
        settings: the owner's choices.
        default_region: whose national numbers are read, such as ``FR``; none if empty.
    """
    optimise = message.auto_optimize_text is not False
    ours = optimise and settings.text_optimize
    given = message.text
    if ours and isinstance(given, str):
        given = replaced(given, fields.TEXT_MAX)
    template = check.field("text", fields.text, given, optimise and not ours)
    if "text" in check.by_field:  # it is looked at all the same: whoever mends it learns of all problems
        template = take_apart(given if isinstance(given, str) else "", optimise and not ours)
    recipients = fields.recipients(check, message.recipients, default_region)
    numbers = [each.phone_number for each in recipients]
    if check.by_field:  # a number may have been anything
        numbers = [each for each in numbers if isinstance(each, str)]
    template, lacking = _with_mention(check, template, message.purpose, numbers, settings)
    if ours and template.variables:
        recipients = [_replaced(each, template) for each in recipients]
    warnings = _warnings(message, template, numbers, settings)
    _placeholders(check, template, recipients)
    if lacking:
        check.by_field.setdefault("text", lacking)
    counts = _segments(check, template, recipients, settings.segments_max)
    return Wording(template, recipients, numbers, counts, optimise and not ours, warnings)


def _warnings(
    message: "Message", template: Template, numbers: list[str], settings: RulesSettings
) -> tuple[str, ...]:
    """Say what is allowed, and probably a mistake."""
    found: tuple[str, ...] = ()
    if message.purpose == "alert" and rules.nearly_has_mention(template.pieces[::2], settings.stop_mention):
        found = (MENTION_IN_ALERT,)
    if message.with_replies is True and not all(each.startswith(_ANSWERING) for each in numbers):
        found = (*found, REPLIES_DOUBTFUL)
    return found


def _with_mention(
    check: fields.Problems,
    template: Template,
    purpose: object,
    numbers: list[str],
    settings: RulesSettings,
) -> tuple[Template, str]:
    """Add the mention to a marketing text to France, where that is wanted, or say that it is missing."""
    if not rules.needs_mention(purpose, numbers):
        return template, ""
    literal, mention = template.pieces[::2], settings.stop_mention
    problem = rules.mention_problem(literal, mention)
    if not problem:
        return template, ""
    mended = settings.stop_mention_add and not rules.nearly_has_mention(literal, mention)
    if mended and "text" not in check.by_field:
        longer = check.field(
            "text", fields.text, rules.with_mention(template.text, mention), template.optimise
        )
        return (template if "text" in check.by_field else longer), ""
    return template, problem


def _replaced(recipient: Recipient, template: Template) -> Recipient:
    """Rewrite the values of a recipient that the text uses."""
    changed = {}
    for name in template.variables:
        value = getattr(recipient, name)
        if isinstance(value, str) and (better := replaced(value, VARIABLE_MAX)) != value:
            changed[name] = better
    return msgspec.structs.replace(recipient, **changed) if changed else recipient


def _placeholders(check: fields.Problems, value: Template, to: list[Recipient]) -> None:
    """Refuse placeholders that the gateway does not know or that a recipient has no usable value for.

    The gateway would send ``Hello !`` for an absent name, and text typed by an end user could smuggle in
    ``{param1}``; both are caught here. A text that was refused for another reason is looked at all the same.
    """
    if value.problem:
        check.by_field.setdefault("text", value.problem)
    for name in value.variables:
        for position, recipient in enumerate(to):
            if getattr(recipient, name) is None:
                check.by_field.setdefault(f"recipients[{position}].{name}", "missing, but the text uses it")
    if value.variables and (value.longest > fields.TEXT_MAX or value.is_blank):
        _filled(check, value, to)


def _segments(check: fields.Problems, value: Template, to: list[Recipient], most: int) -> list[int]:
    """Count the segments that each recipient gets, and refuse more than a text may take.

    Args:
        check: takes the problems.
        value: the text, taken apart.
        to: the recipients.
        most: `SEGMENTS_MAX`.
    """
    if not value.variables:
        each = value.segments or value.segments_for(Recipient(""))
        if each > most:
            _bound(check, "text", each, most)
        return [each] * len(to)
    counts = []
    for position, recipient in enumerate(to):
        try:
            each = value.segments_for(recipient)
        except TypeError:  # a value is no text, as was noted
            each = 0
        if each > most and _has_values(value, recipient):
            _bound(check, f"recipients[{position}].text", each, most)
        counts.append(each)
    return counts


def _bound(check: fields.Problems, name: str, counted: int, most: int) -> None:
    if problem := rules.segments_problem(counted, most):
        check.by_field.setdefault(name, problem)


def _filled(check: fields.Problems, value: Template, to: list[Recipient]) -> None:
    """Refuse recipients whose own text is too long or shows nothing, unless their values are wrong anyway.

    The gateway counts the characters of filled texts, and refuses the whole call for one that is too long.
    """
    for position, recipient in enumerate(to):
        if _has_values(value, recipient):
            whole = value.fill(recipient)
            if len(whole) > fields.TEXT_MAX:
                check.by_field[f"recipients[{position}].text"] = (
                    f"must be at most {fields.TEXT_MAX} characters"
                )
            elif is_blank(whole):
                check.by_field[f"recipients[{position}].text"] = "must show something, not only white space"


def _has_values(value: Template, recipient: Recipient) -> bool:
    return all(isinstance(getattr(recipient, name), str) for name in value.variables)
