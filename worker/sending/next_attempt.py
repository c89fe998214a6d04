"""When the next attempt of a message begins.

Each time scale has one owner of its repeats; nothing else repeats a POST:

| scale | decides | carries out |
|---|---|---|
| seconds, within an attempt | `worker.sending.repeats` | tenacity makes up to three POSTs |
| seconds, Redis away | `worker.ledger.patience` | tenacity repeats the recording, not the POST |
| as the gateway asks | `worker.gateway.demands` | ``fetch.lua``, ``claim.lua`` obey hold, pause and gates |
| minutes, between attempts | this module | ``finish.lua`` delays the entry, ``fetch.lua`` brings it back |
| hours | `worker.ledger.ledger` | ``claim.lua`` ends the message after its window or time to live |

Dramatiq repeats only an actor that failed, such as a claim while Redis is away (`worker.main`): no POST had
been made. What follows an attempt is never Dramatiq's.

`worst_case_posts` is for a gateway that never gives a definite answer and asks for the shortest of pauses as
long as that counts, with each delay at the short end of its jitter and every attempt using all its tries. A
POST that only finds the account in trouble is not counted: there is one per hold.
"""

import random
from typing import Final

from worker.gateway.demands import pause_ms, wants_no_more
from worker.gateway.outcomes import Outcome
from worker.ledger.ledger import WINDOW_S
from worker.sending.repeats import TRIES

#: Seconds before the second attempt, doubling with each attempt up to the ceiling.
LATER_FIRST_S: Final = 10.0
LATER_MAX_S: Final = 1800.0
#: Share by which a delay between attempts may fall short of or exceed its nominal value.
JITTER: Final = 0.2
#: Attempts of a message that come back as soon as a pause is over. A gateway that goes on asking for short
#: pauses gets the ordinary, doubling delays after that: no message shall ask it every second for hours.
PAUSED_ATTEMPTS: Final = 10
#: Milliseconds after which a message that ran into an account in trouble is back in its queue, from which
#: nobody fetches while sending is held.
HELD_MS: Final = 1_000
#: Seconds at least before the next attempt of a message that the gateway wants to be asked no more for.
SELDOM_S: Final = 600.0


def later_ms(attempts: int) -> int:
    """Return the ordinary delay before the next attempt, in milliseconds.

    ``min(10 s · 2^(attempts-1), 30 min)``, ± 20 %.

    Args:
        attempts: attempts that the POSTs so far fill, at least 1.
    """
    nominal = min(LATER_FIRST_S * 2 ** min(attempts - 1, 30), LATER_MAX_S)
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load and guards nothing
    return int(1000 * nominal * jitter)


def next_attempt_ms(attempts: int, outcome: Outcome) -> int:
    """Return the delay before the next attempt after an outcome that may be repeated, in milliseconds.

    The pause that the gateway asked for, after each of the first `PAUSED_ATTEMPTS`; later on the ordinary
    delay, too.
    """
    pause = pause_ms(outcome)
    if wants_no_more(outcome):
        return max(pause, int(1000 * SELDOM_S), later_ms(attempts))
    if not pause:
        return later_ms(attempts)
    return pause if attempts <= PAUSED_ATTEMPTS else max(pause, later_ms(attempts - PAUSED_ATTEMPTS))


def stopped_ms(attempts: int) -> int:
    """Return the delay after an attempt that a gate has stopped and was surely not taken, in milliseconds.

    None, so that the next claim decides at once: it is kept, mostly. Should the gate be open again each time,
    this ends where that of pauses does, and the message gets no more POSTs than by these.
    """
    return 0 if attempts <= PAUSED_ATTEMPTS else later_ms(attempts - PAUSED_ATTEMPTS)


def worst_case_posts() -> int:
    """Return how many POSTs one request_id can get if no answer is ever definite."""
    attempts, at = 0, 0.0
    while at <= WINDOW_S:
        attempts += 1
        at += min(LATER_FIRST_S * 2 ** (attempts - 1), LATER_MAX_S) * (1 - JITTER)
    return (PAUSED_ATTEMPTS + attempts) * TRIES
