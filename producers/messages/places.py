"""Where the recipients of a message are. Their zones stand beside the body, never in it."""

from collections.abc import Sequence

import msgspec

from ..contract.discreet import discreet
from ..rules.zones import is_zone, known_zone, zone_of
from .fields import Problems
from .recipient import Recipient


@discreet
class Places(msgspec.Struct, frozen=True, gc=False):
    """Where the recipients of a message are.

    Attributes:
        recipients: without their zones, as the gateway gets them.
        given: the zones that the caller gave, one a recipient, with commas between; empty if there are none.
        zones: each zone once, sorted, with spaces between; empty if nobody asked.
    """

    recipients: list[Recipient]
    given: str
    zones: str


def places_of(check: Problems, zone: object, recipients: list[Recipient], *, told: bool) -> Places:
    """Check the zones that the caller gave, and find those that the numbers tell.

    Args:
        check: takes the problems.
        zone: of all recipients, or None.
        recipients: checked; where a number was refused, nothing more is said about it.
        told: whether the zones matter; those that were given are checked anyway.
    """
    if zone is not None:
        check.field("zone", known_zone, zone)
    own = [recipient.zone for recipient in recipients]
    named = own.count(None) < len(own)
    if zone is None and not named:
        return Places(recipients, "", _told(check, recipients) if told else "")
    for position, each in enumerate(own):
        if each is not None:
            check.field(f"recipients[{position}].zone", known_zone, each)
    given = [zone if each is None else each for each in own]
    bare = [msgspec.structs.replace(each, zone=None) for each in recipients] if named else recipients
    known = [each if isinstance(each, str) else "" for each in given]
    found = _told(check, recipients, known) if told else ""
    return Places(bare, ",".join(known), found)


def _told(check: Problems, recipients: list[Recipient], given: Sequence[str] = ()) -> str:
    # A zone that is none was noted: nobody can be asked about its hours.
    found = set(filter(is_zone, given)) if given else set()
    for position, recipient in enumerate(recipients):
        if (given and given[position]) or (check.by_field and _refused(check, position)):
            continue
        try:  # as `check.field` does, in less time: slices have many recipients
            found.add(zone_of(recipient.phone_number))
        except ValueError as error:
            check.by_field[f"recipients[{position}].zone"] = str(error)
    return found.pop() if len(found) == 1 else " ".join(sorted(found))


def _refused(check: Problems, position: int) -> bool:
    return not {f"recipients[{position}]", f"recipients[{position}].phone_number"}.isdisjoint(check.by_field)
