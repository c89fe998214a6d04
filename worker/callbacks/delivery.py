"""The words of delivery receipts: which are final, and which outrank which."""

from typing import Final

#: Receipt statuses after which no other is expected, and how they outrank each other: a receipt that comes
#: late or twice never replaces one of higher rank. From Octopush's receipt pages, read by their names.
RANKS: Final = {
    **dict.fromkeys(("ACK", "PROCESSED", "TRANSMITTED", "ISP_SEND"), 0),
    **dict.fromkeys(("UNKNOWN_DELIVERY", "UNDEFINED"), 1),
    **dict.fromkeys(
        (
            *("DELIVERED", "NOT_DELIVERED", "NOT_ALLOWED", "BAD_DESTINATION", "BLACKLISTED_NUMBER"),
            *("EXPIRED", "ANTI_FLOODING", "NOT_DELIVERABLE", "BUSY", "REFUSED"),
        ),
        2,
    ),
    **dict.fromkeys(("READ", "OPENED", "CLICKED"), 3),
}


def is_final(status: str) -> bool:
    """Say whether no other status is expected; an unknown word is not final."""
    return RANKS.get(status, 0) > 0
