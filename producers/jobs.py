"""The contract between producers and workers: queues, actors, and what a queue entry means.

A queue entry is only an id. The queue it lies in says which actor runs; the id says on what: a request_id
for sends, a callback id for callbacks. Content never travels through a queue: it lies in the record (or in
the raw callback), so a repeated, late or lost entry decides nothing and leaks nothing.
"""

from dataclasses import dataclass
from typing import Final, Literal

#: Version of the record's layout, written into each record as ``v``. A worker refuses a newer one.
RECORD_VERSION: Final = 1

#: States of a request_id. All but ``sending`` are facts.
State = Literal["queued", "sending", "accepted", "rejected", "expired", "cancelled", "unknown", "failed"]

QUEUE_ALERT: Final = "alert"
QUEUE_MARKETING: Final = "marketing"
QUEUE_CALLBACKS: Final = "callbacks"


@dataclass(frozen=True, slots=True)
class Job:
    """What the entries of one queue ask for.

    Attributes:
        actor: name of the Dramatiq actor.
        argument: name of its only keyword argument, which receives the entry id.
    """

    actor: str
    argument: str


SEND_SMS: Final = Job("send_sms", "request_id")
PROCESS_CALLBACK: Final = Job("process_callback", "callback_id")

#: Which job the entries of a queue stand for.
JOBS: Final = {
    QUEUE_ALERT: SEND_SMS,
    QUEUE_MARKETING: SEND_SMS,
    QUEUE_CALLBACKS: PROCESS_CALLBACK,
}


def queue_for(purpose: str) -> str:
    """Name the queue of a send: alerts never wait behind marketing."""
    return QUEUE_ALERT if purpose == "alert" else QUEUE_MARKETING
