"""Where the recipients of a message are. Their zones stand beside the body, never in it."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from producers.messages.fields import Problems
from producers.messages.recipient import Recipient
from producers.rules.zones import known_zone, zone_of


class Places(NamedTuple):
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
        check("zone", known_zone, zone)
    named = any(recipient.zone is not None for recipient in recipients)
    if zone is None and not named:
        return Places(recipients, "", _told(check, recipients) if told else "")
    given = [zone if recipient.zone is None else recipient.zone for recipient in recipients]
    for position, recipient in enumerate(recipients):
        if recipient.zone is not None:
            check(f"recipients[{position}].zone", known_zone, recipient.zone)
    bare = [msgspec.structs.replace(each, zone=None) for each in recipients] if named else recipients
    known = [each if isinstance(each, str) else "" for each in given]
    found = _told(check, recipients, known) if told else ""
    return Places(bare, ",".join(known), found)


def _told(check: Problems, recipients: list[Recipient], given: Sequence[str] = ()) -> str:
    found = set(filter(None, given))
    for position, recipient in enumerate(recipients):
        where = f"recipients[{position}]"
        if given and given[position]:
            continue
        if where not in check.by_field and f"{where}.phone_number" not in check.by_field:
            found.add(check(f"{where}.zone", zone_of, recipient.phone_number))
    return " ".join(sorted(found))
