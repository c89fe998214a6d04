"""How the statuses of receipts outrank each other."""

from typing import Final

#: Receipt statuses that are known, and how they outrank each other: a receipt that comes late or twice never
#: replaces one of higher rank. After rank 0 another is expected. Rank 2 says that it was not delivered, 3 and
#: 4 that it was: no later receipt takes away what a handset has. The states by rank are in
#: `producers.contract.receipts`. From Octopush's receipt pages, read by their names.
RANKS: Final = {
    **dict.fromkeys(("ACK", "PROCESSED", "TRANSMITTED", "ISP_SEND"), 0),
    **dict.fromkeys(("UNKNOWN_DELIVERY", "UNDEFINED"), 1),
    **dict.fromkeys(
        (
            *("NOT_DELIVERED", "NOT_ALLOWED", "BAD_DESTINATION", "BLACKLISTED_NUMBER"),
            *("EXPIRED", "ANTI_FLOODING", "NOT_DELIVERABLE", "BUSY", "REFUSED"),
        ),
        2,
    ),
    "DELIVERED": 3,
    **dict.fromkeys(("READ", "OPENED", "CLICKED"), 4),
}
