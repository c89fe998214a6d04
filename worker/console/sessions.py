"""Who is logged in: tokens of the settings, sessions in Redis.

A session is 32 random bytes in a cookie. Redis keeps a digest of them, and a fingerprint of session and token
together: whoever reads Redis can neither take over a session nor try tokens, and a token that leaves the
settings takes its sessions with it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

import redis.asyncio

from producers.contract.keys import Keys
from worker.console.settings import Role, Token

#: Seconds that a session lasts.
SESSION_S: Final = 12 * 3600
#: Log-ins that may fail from one address within `FAILURES_S` seconds.
FAILURES_MAX: Final = 5
FAILURES_S: Final = 60
#: Seconds for which a number that was revealed is seen in full, and numbers of a session at a time.
REVEAL_S: Final = 600
REVEALED_MAX: Final = 200
#: Numbers that a viewer may look up within `LOOKED_UP_S` seconds: behind a masked one there are a million.
LOOKED_UP_MAX: Final = 30
LOOKED_UP_S: Final = 600
#: Seconds for which what an action did waits to be told.
_NOTICE_S: Final = 60
#: Characters of a cookie that is worth looking up: 32 bytes in base64.
_COOKIE_LENGTH: Final = 43


class TooManyFailures(Exception):
    """An address has failed to log in too often within a minute."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for a page.

    Attributes:
        name: as in the audit stream.
        role: ``viewer`` or ``operator``.
        digest: names the session in Redis.
        notice: what to tell once about the action before, or ``""``.
        cookie: the session itself.
        revealed: digests of the numbers that this session sees in full now.
    """

    name: str
    role: Role
    digest: str
    notice: str = ""
    cookie: str = field(default="", repr=False)
    revealed: frozenset[str] = frozenset()

    @property
    def is_operator(self) -> bool:
        """Whether this person may act."""
        return self.role == "operator"

    def sees(self, number: str) -> bool:
        """Say whether this session sees a number in full."""
        return bool(self.revealed) and self._digest_of(number) in self.revealed

    def _digest_of(self, number: str) -> str:
        return hmac.new(self.cookie.encode(), number.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    async def reveal(self, client: redis.asyncio.Redis, keys: Keys, number: str) -> None:
        """Let this session see one number in full for `REVEAL_S` seconds. Safe to repeat."""
        key, now_s = keys.console_revealed(self.digest), (await client.time())[0]
        async with client.pipeline() as pipeline:
            pipeline.zadd(key, {self._digest_of(number): now_s})
            pipeline.zremrangebyrank(key, 0, -REVEALED_MAX - 1)
            pipeline.expire(key, REVEAL_S)
            await pipeline.execute()


class Sessions:
    """Logs people in and out, and knows them by their cookie.

    Args:
        client: Redis client.
        keys: key names.
        people: who may log in.
    """

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, people: Sequence[Token]) -> None:
        self._redis = client
        self._keys = keys
        self._people = people
        # There are few addresses: nobody without a token of ours can tell one by trying all.
        self._key = _digest(" ".join(token.secret.reveal() for token in people)).encode()

    async def log_in(self, address: str, secret: str) -> tuple[Token, str] | None:
        """Begin a session.

        Args:
            address: where the request comes from.
            secret: what was entered.

        Returns:
            Who it is and the cookie; None if nobody has such a token.

        Raises:
            TooManyFailures: even the right token is refused now.
        """
        where = hmac.new(self._key, _neighbourhood(address).encode(), hashlib.sha256).hexdigest()
        failed = self._keys.console_failed(where)
        # All tokens are compared, so that the time taken tells nothing.
        found = [token for token in self._people if _same(token.secret.reveal(), secret)]
        if not found:
            await self._count_failure(failed)
            return None
        failures, revoked = await self._redis.mget(failed, self._keys.console_revoked(found[0].name))
        if int(failures or 0) >= FAILURES_MAX:
            raise TooManyFailures
        cookie = secrets.token_urlsafe(32)
        value = f"{_fingerprint(cookie, found[0])} {int(revoked or 0)}"
        await self._redis.set(self._keys.console_session(_digest(cookie)), value, ex=SESSION_S)
        return found[0], cookie

    async def _count_failure(self, failed: str) -> None:
        """Count a wrong token, and no right one: people of one office log in at the same time.

        Of tokens that are tried all at once no more are wrong before the right one is refused.
        """
        async with self._redis.pipeline() as pipeline:
            pipeline.set(failed, 0, ex=FAILURES_S, nx=True)
            pipeline.incr(failed)
            _, tried = await pipeline.execute()
        if tried > FAILURES_MAX:
            raise TooManyFailures

    async def visitor(self, cookie: str, *, takes_notice: bool = True) -> Visitor | None:
        """Find out whose session this is; None if it is none, has ended, or its token is no longer valid.

        Args:
            cookie: as the browser sent it.
            takes_notice: whether what waits to be told is told with this answer.
        """
        if len(cookie) != _COOKIE_LENGTH:
            return None
        digest, keys = _digest(cookie), self._keys
        notice = keys.console_notice(digest)
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.get(keys.console_session(digest))
            pipeline.time()
            pipeline.zrange(keys.console_revealed(digest), 0, -1, withscores=True)
            pipeline.mget([keys.console_revoked(token.name) for token in self._people])
            pipeline.getdel(notice) if takes_notice else pipeline.get(notice)
            session, (now_s, _), revealed, revoked, told = await pipeline.execute()
        fingerprint, _, before = (session or b"").decode().partition(" ")
        for token, ended in zip(self._people, revoked, strict=True):
            if session and hmac.compare_digest(fingerprint, _fingerprint(cookie, token)):
                if int(ended or 0) != int(before):
                    return None
                seen = frozenset(each.decode() for each, at in revealed if at > now_s - REVEAL_S)
                return Visitor(token.name, token.role, digest, (told or b"").decode(), cookie, seen)
        return None

    async def may_look_up(self, visitor: Visitor) -> bool:
        """Count a viewer's look-up of a number; False if there are so many that numbers are tried out."""
        if visitor.is_operator:
            return True
        key = self._keys.console_looked(visitor.name)
        async with self._redis.pipeline() as pipeline:
            pipeline.set(key, 0, ex=LOOKED_UP_S, nx=True)
            pipeline.incr(key)
            _, looked_up = await pipeline.execute()
        return int(looked_up) <= LOOKED_UP_MAX

    async def log_out(self, visitor: Visitor) -> None:
        """End a session. Safe to repeat."""
        keys, digest = self._keys, visitor.digest
        await self._redis.delete(
            keys.console_session(digest), keys.console_revealed(digest), keys.console_notice(digest)
        )

    async def log_out_everywhere(self, visitor: Visitor) -> None:
        """End all sessions of somebody, on whatever machine they are. Safe to repeat.

        Counted, not timed: Redis's clock may go back.
        """
        await self._redis.incr(self._keys.console_revoked(visitor.name))
        await self.log_out(visitor)

    async def tell(self, visitor: Visitor, notice: str) -> None:
        """Keep what an action did, for the page that comes next."""
        await self._redis.set(self._keys.console_notice(visitor.digest), notice, ex=_NOTICE_S)


def _neighbourhood(address: str) -> str:
    """Name what one person has: one address, or of IPv6 the 64 bits that every line gets."""
    try:
        at = ip_address(address)
    except ValueError:
        return address
    if at.version == 4:
        return str(at)
    return str(at.ipv4_mapped or ip_network((int(at), 64), strict=False))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def _fingerprint(cookie: str, token: Token) -> str:
    """Bind a session to its token."""
    return _digest(f"{cookie} {token.role}:{token.name}:{token.secret.reveal()}")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(_digest(one), _digest(other))
