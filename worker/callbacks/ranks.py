"""How the statuses of receipts outrank each other."""

from typing import Final

#: Receipt statuses that are known, and how they outrank each other: a receipt that comes late or twice never
#: replaces one of higher rank. After rank 0 another is expected. From Octopush's receipt pages, read by their
#: names.
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
