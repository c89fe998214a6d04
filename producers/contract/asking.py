"""Servers that know where the primary is: Sentinels, or the nodes of a cluster.

Some of them may be down, hang, or be cut off from the others and know only what was. So several are asked,
and of what they tell the newest counts: each failover has a higher epoch than the one before.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

from .redis_url import Server
from .routes import LOOK_S, Peer, Watched, addresses

#: Seconds that one server may take to connect, and to answer.
ASK_S: Final = 0.4
#: Seconds without a look after which a command waits for one.
STALE_S: Final = 2 * LOOK_S
#: Seconds after which no further server is asked.
ENOUGH_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class Told:
    """What one server says.

    Attributes:
        epoch: which failover made this server the primary; the newest has the highest.
        primary: where the primary is.
        servers: further servers that can be asked.
    """

    epoch: int
    primary: Server
    servers: tuple[Server, ...] = ()


class Asking(Watched):
    """Asks servers where the primary is.

    Args:
        servers: whom to ask first; those that they name are asked, too.
        options: how to connect to them, as redis-py's pools take it, without host and port.
        ask: asks one server, at the address that is given beside it. None if it knows of no primary.
        agreeing: how many must tell the same before the others need not be asked.
    """

    ASKS: ClassVar[bool] = True

    def __init__(
        self,
        servers: Sequence[Server],
        options: Mapping[str, Any],
        ask: Callable[[redis.Redis, Server], Told | None],
        agreeing: int,
    ) -> None:
        super().__init__()
        self._options = dict(options)
        self._ask = ask
        self._agreeing = agreeing
        self._given = tuple(servers)
        self._known = tuple(servers)
        #: Servers that did not answer the last time: asked after all others.
        self._silent: frozenset[Server] = frozenset()

    def address(self, within_s: float | None = None) -> Server:
        """Ask where the primary is now.

        Args:
            within_s: seconds that this may take; None for `ENOUGH_S`.

        Raises:
            redis.AuthenticationError: none tells, since the password is wrong.
            redis.ConnectionError: none of those asked knows a primary that lives.
        """
        return self._newest(ENOUGH_S if within_s is None else min(ENOUGH_S, within_s)).primary

    def is_stale(self) -> bool:
        """Say whether no look has begun for `STALE_S`, as before the first command after a pause.

        An old primary that takes writes until it learns of the failover would take that command.
        """
        return time.monotonic() >= self._began_s + STALE_S

    def refresh(self, within_s: float | None = None) -> None:
        """Look now, and wait for it."""
        now = self._began_s = time.monotonic()
        with suppress(redis.RedisError, OSError):
            self._seen = (now, addresses(*self.address(within_s)))

    def look(self) -> frozenset[Peer]:
        """Ask, and look up the name where the answer is one."""
        return addresses(*self._newest(ENOUGH_S).primary)

    def _newest(self, within_s: float) -> Told:
        told: list[Told] = []
        silent, wrong = set(), None
        ends_s = time.monotonic() + within_s
        for server in self._order():
            left_s = ends_s - time.monotonic()
            if left_s <= 0 or self._agree(told):
                break
            try:
                answer = self._ask_one(server, min(ASK_S, left_s))
            except redis.AuthenticationError as error:
                wrong = error
            except (redis.RedisError, OSError):
                silent.add(server)
            else:
                told += [answer] if answer else []
        self._silent = frozenset(silent)
        if not told:
            raise wrong or redis.ConnectionError(f"none of {len(self._known)} servers knows a primary")
        newest = max(told, key=lambda each: each.epoch)
        self._known = tuple(dict.fromkeys((*self._given, *newest.servers)))
        return newest

    def _agree(self, told: Sequence[Told]) -> bool:
        return len(told) >= self._agreeing and len({each.primary for each in told}) == 1

    def _order(self) -> list[Server]:
        """Shuffle, so that one server that knows only what was does not always come first."""
        known = list(self._known)
        random.shuffle(known)
        return sorted(known, key=lambda server: server in self._silent)

    def _ask_one(self, server: Server, within_s: float) -> Told | None:
        options = {**self._options, "host": server[0], "port": server[1]}
        options |= {"socket_timeout": within_s, "socket_connect_timeout": within_s}
        pool = ConnectionPool(max_connections=1, retry=Retry(NoBackoff(), 0), **options)
        with redis.Redis.from_pool(pool) as client:
            return self._ask(client, server)
