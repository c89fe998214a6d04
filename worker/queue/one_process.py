"""What the consumers of one process have in common."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import redis

from producers.contract.keys import Keys
from worker.account.throttle import Limits
from worker.queue.leases import Leases
from worker.queue.slots import Slots


@dataclass
class Process:
    """What the consumers of one process have in common, and what outlives each of them.

    Attributes:
        client: Redis client without retries of its own.
        keys: key names.
        leases: renews what this process holds.
        limits: of the account, where none are set live.
        name: of this process, in its leases.
        slots: places for entries by queue.
        share_max: recipients in a shared call at most, now; 1 while none is shared.
        draining: no more fetching, the process stops.
        fetches: numbers the fetches, so that no two leases are the same.
    """

    client: redis.Redis
    keys: Keys
    leases: Leases
    limits: Limits
    name: str
    slots: Mapping[str, Slots]
    share_max: Callable[[], int]
    draining: bool = False
    fetches: Iterator[int] = field(default_factory=lambda: itertools.count(1))
