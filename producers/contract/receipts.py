"""What receipts tell of recipients: a state that never goes backwards, and of whom nothing was heard."""

from collections.abc import Mapping
from typing import Final, Literal

#: What became of a message at one recipient, each further than the one before: it left; the network could not
#: deliver it; a handset has it. What was delivered stays so, whatever comes later.
DeliveryState = Literal["sent", "undelivered", "delivered"]

#: The state by the rank of a receipt, from 0; also in ``lua/deliveries.lua``. The ranks are in
#: `worker.callbacks.ranks`.
STATES: Final[tuple[DeliveryState, ...]] = ("sent", "sent", "undelivered", "delivered", "delivered")

HOUR_MS: Final = 3_600_000
#: Milliseconds after its acceptance for which a message awaits its receipts: networks try for two days.
AWAITED_MS: Final = 48 * HOUR_MS


def missing(hours: Mapping[bytes, bytes] | Mapping[int, int], now_ms: int, kept_ms: int | None = None) -> int:
    """Count the recipients of whom no receipt came in time; up to an hour late, since hours are counted.

    Args:
        hours: recipients without a receipt by the hour of acceptance, counted from the epoch.
        now_ms: epoch milliseconds by Redis's clock.
        kept_ms: for how long records are kept; what was accepted earlier does not count. None counts all.
    """
    last = (now_ms - AWAITED_MS) // HOUR_MS
    first = 0 if kept_ms is None else (now_ms - kept_ms) // HOUR_MS
    return sum(int(count) for hour, count in hours.items() if first < int(hour) < last)
