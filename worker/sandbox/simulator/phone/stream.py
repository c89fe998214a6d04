"""The page's server-sent events: the newest entries at first, then what changed.

An event's id is the epoch and version of `Threads`. A reader that comes back with the id it has seen last
gets what changed since; a reader whose epoch is over gets everything. Nothing is kept per reader, so a
reader that does not read costs nothing and holds up nobody.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.phone.situation import situation
from worker.sandbox.simulator.phone.wording import in_words
from worker.sandbox.simulator.simulator import Simulator

#: Real seconds between two looks when nothing happens: the port may have come back, a rule may be spent.
LOOK_EVERY_S: Final = 1.0
#: Real seconds that changes are gathered for one event.
GATHER_S: Final = 0.04
#: Digits of a version that are too many; Python refuses to read very long numbers.
_DIGITS: Final = 20
#: Looks without an event until a comment proves that the connection lives.
_SILENT_LOOKS: Final = 15


async def events(simulator: Simulator, listener: Listener, last_id: str) -> AsyncIterator[bytes]:
    """Yield server-sent events without end.

    ``snapshot`` has ``entries`` (all that are kept), ``oldest`` and ``situation``. ``change`` has the entries
    that are new or different, and ``situation``, null when it is as before. Entries with a lower ``order``
    than ``oldest`` says, for handsets that are ``talking`` or ``silent``, are forgotten.

    Args:
        simulator: What to tell about.
        listener: The gateway's port.
        last_id: The id of the last event that the reader has; anything else asks for everything.
    """
    threads = simulator.threads
    epoch, _, seen = last_id.partition("-")
    version = int(seen) if seen.isdecimal() and len(seen) < _DIGITS and int(seen) <= threads.version else -1
    is_known = epoch == threads.epoch and version >= 0
    told: Any = None
    silent = 0
    while True:
        now = situation(simulator, listener)
        is_new = not is_known or epoch != threads.epoch
        if is_new or threads.version != version or now != told:
            changed = threads.entries(after=0 if is_new else version)
            content = {
                "entries": [in_words(entry, simulator.network.handsets) for entry in changed],
                "oldest": threads.oldest,
                "situation": None if now == told and not is_new else now,
            }
            epoch, version, is_known, told, silent = threads.epoch, threads.version, True, now, 0
            yield _event("snapshot" if is_new else "change", f"{epoch}-{version}", content)
        elif silent >= _SILENT_LOOKS:
            silent = 0
            yield b": still here\n\n"
        silent += 1
        if threads.version == version and threads.epoch == epoch:
            await threads.change(LOOK_EVERY_S)
        await asyncio.sleep(GATHER_S)


def _event(name: str, serial: str, content: Any) -> bytes:
    """Write one event; JSON has no line ends of its own."""
    return b"event: %s\nid: %s\ndata: %s\n\n" % (name.encode(), serial.encode(), msgspec.json.encode(content))
