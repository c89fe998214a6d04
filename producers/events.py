"""The entries of the public streams, as typed objects and as fields; docs/streams.md is their contract.

Applications import the types of events from here; `producers.feeds` reads them.
"""

from .contract.events import (
    ENTRY_VERSION,
    Alarm,
    Event,
    OptOut,
    Receipt,
    Reply,
    Status,
    from_fields,
    to_fields,
)
from .contract.kinds import TYPES

__all__ = [
    "ENTRY_VERSION",
    "TYPES",
    "Alarm",
    "Event",
    "OptOut",
    "Receipt",
    "Reply",
    "Status",
    "from_fields",
    "to_fields",
]
