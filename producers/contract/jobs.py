"""The contract between producers and workers: queues, actors, and what a queue entry means.

A queue entry is only an id. The queue it lies in says which actor runs; the id says on what: a request_id or
a shared call for sends, a callback id for callbacks. An entry ``~<share>`` stands for all the messages that
gather to share a call; the fetch turns it into one. Content never travels through a queue: it lies in the
record (or in the raw callback), so a repeated, late or lost entry decides nothing and leaks nothing.
"""

from typing import Final, Literal, get_args

#: Version of the record's layout, written into each record as ``v``. A worker refuses a newer one.
RECORD_VERSION: Final = 1
#: Newest layout of the data in Redis that this release serves, as it serves all older ones. ``lua/head.lua``
#: has the same number, and refuses newer ones.
LAYOUT: Final = 1
#: What the id of a shared call begins with; no request_id that an application can choose does.
CALL: Final = "@"
#: What an entry of a queue begins with that stands for all messages of a share: as ``lua/queue.lua``.
MARKER: Final = "~"

#: States from which no attempt leads any further. All but ``unknown`` are facts.
End = Literal["accepted", "rejected", "expired", "cancelled", "failed", "unknown"]
#: States of a request_id.
State = Literal["queued", "sending", End]
#: The end states, as a tuple; Lua has them in ``lua/states.lua``.
ENDS: Final[tuple[End, ...]] = get_args(End)
#: The end states after which a person may decide otherwise; also in ``lua/states.lua``.
PARKED: Final[tuple[End, ...]] = ("rejected", "failed", "unknown")

QUEUE_ALERT: Final = "alert"
QUEUE_MARKETING: Final = "marketing"
QUEUE_CALLBACKS: Final = "callbacks"


#: The Dramatiq actor that the entries of each queue are for.
ACTORS: Final = {
    QUEUE_ALERT: "send_sms",
    QUEUE_MARKETING: "send_marketing",
    QUEUE_CALLBACKS: "process_callbacks",
}


def queue_for(purpose: str) -> str:
    """Name the queue of a send: alerts never wait behind marketing."""
    return QUEUE_ALERT if purpose == "alert" else QUEUE_MARKETING
