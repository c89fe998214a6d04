"""What was measured, in one table: the inputs of the simulation.

Whoever measures again, with ``make bench BENCH=memory``, changes the figures here; docs/scaling.md has the
same table, and a test compares.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Figures:
    """What one recipient takes, on one core of the machine that was measured.

    Attributes:
        waiting_bytes: memory of Redis while it waits.
        kept_bytes: memory of Redis after its end, without the stream.
        queue_commands, send_commands: commands of Redis, in scripts and outside of them.
        queue_us, send_us: µs of Redis's CPU.
        client_us: µs of an application's CPU to queue it.
        worker_us: µs of a worker's CPU to send it.
    """

    waiting_bytes: float
    kept_bytes: float
    queue_commands: float
    send_commands: float
    queue_us: float
    send_us: float
    client_us: float
    worker_us: float


#: An alert that leaves in a call of its own.
ALONE: Final = Figures(880, 711, 1.74, 24.5, 16, 120, 25, 246)
#: An alert that shares a call with others of its template.
SHARED: Final = Figures(914, 685, 1.72, 8.17, 19, 54, 31, 17)
#: A recipient of a campaign, whose messages have 500 each.
CAMPAIGN: Final = Figures(67, 41, 0.05, 0.09, 1.6, 1.4, 5.7, 1)
#: Bytes of an entry of the stream ``statuses``; a stream keeps STREAM_MAXLEN of them.
ENTRY_BYTES: Final = 141.0
#: µs of Redis's CPU for a receipt, in its scripts: docs/performance.md.
RECEIPT_US: Final = 60.0
#: Callbacks a second that one web process and one worker were measured at, without falling behind.
CALLBACKS_PER_WEB: Final = 1_000
#: Entries that a stream keeps by default.
STREAM_MAXLEN: Final = 100_000
