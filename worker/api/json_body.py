"""Reading bodies: bounded, in time, as JSON of bounded depth; and looking at its members one by one.

Bodies are decoded without types: a typed decoder ends at the first error, and whoever called is to learn of
all errors.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from worker.api.caller import Gone
from worker.api.problems import ERRORS_MAX, Refusal, Wrong, shown

#: Bytes of a body with messages or recipients, and of any other.
LARGE_BYTES: Final = 4 * 1024 * 1024
SMALL_BYTES: Final = 16 * 1024
#: Bytes of all bodies that a process reads at a time.
IN_FLIGHT_BYTES: Final = 64 * 1024 * 1024
#: Seconds that a body may take to arrive.
_BODY_S: Final = 30.0
#: Bytes from which on a body is taken apart in a thread, while other calls go on.
_ASIDE_BYTES: Final = 64 * 1024
#: Values in a body: a few thousand more than the largest batch has. Whoever decodes millions lets nobody else
#: run meanwhile, not even from a thread.
VALUES_MAX: Final = 65_536
#: Arrays and objects within each other.
DEPTH_MAX: Final = 32
#: Characters of any member: twice as many as the longest, the text, may have.
LONGEST: Final = 2_500

_JSON: Final = re.compile(r'application/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*', re.IGNORECASE)
_MISSING: Final = object()


class Bodies:
    """Reads the bodies of a process, and no more at a time than fit into its memory."""

    def __init__(self) -> None:
        self._in_flight = 0

    async def read(self, request: Request, most: int) -> dict[str, Any]:
        """Read the body of a call.

        Args:
            request: of which nothing was read yet.
            most: bytes that it may have.

        Raises:
            Refusal: it is too large, too slow, of another type, no JSON, or nothing fits any more.
            Gone: the client closed its connection before all of it was there.
        """
        expected = _announced(request.headers, most)
        if self._in_flight + expected > IN_FLIGHT_BYTES:
            raise Refusal("overloaded", headers={"Retry-After": "1"})
        self._in_flight += expected
        try:
            async with asyncio.timeout(_BODY_S):
                body = await _bytes(request, most)
            # A large body of many small things takes as long as hundreds of other calls.
            return _object(body) if len(body) <= _ASIDE_BYTES else await asyncio.to_thread(_object, body)
        except TimeoutError:
            raise Refusal("body-too-slow") from None
        except ClientDisconnect:
            raise Gone from None
        finally:
            self._in_flight -= expected


def _announced(headers: Headers, most: int) -> int:
    """Look at what the head says of the body, before a byte of it is read."""
    if not _JSON.fullmatch(headers.get("content-type", "")) or "content-encoding" in headers:
        raise Refusal("unsupported-media-type")
    length = headers.get("content-length", "")
    expected = int(length) if length.isascii() and length.isdigit() else most
    if expected > most:
        raise Refusal("body-too-large", f"at most {most} bytes")
    return expected


async def _bytes(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refusal("body-too-large", f"at most {most} bytes")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    # Each value but the first follows one of these; those within strings count, too, which costs nobody much.
    if sum(map(body.count, (b",", b"[", b"{"))) > VALUES_MAX:
        raise Refusal("body-too-large", f"at most {VALUES_MAX} values")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refusal("malformed-json") from None
    if not _is_shallow(value):
        raise Refusal("malformed-json", f"more than {DEPTH_MAX} arrays and objects within each other")
    if not isinstance(value, dict):
        wrong = Wrong()
        wrong.body("#", "must be an object")
        wrong.refuse()
    return value  # type: ignore[no-any-return]


def _is_shallow(value: object) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            each
            for outer in level
            if isinstance(outer, (dict, list))
            for each in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(each, (dict, list))
        ]
        if not level:
            return True
    return False


class Members:
    """The members of one object in a body, each looked at once.

    A member of the wrong type is noted, and read as its default: the checks of `producers` go on with that.

    Args:
        value: the object.
        at: its JSON pointer, such as ``#/messages/3``.
        known: the members that there may be.
        wrong: takes what is wrong.
    """

    def __init__(self, value: Mapping[str, Any], at: str, known: Collection[str], wrong: Wrong) -> None:
        self._value, self._at, self._wrong = value, at, wrong
        # An answer names no more of them; and nobody is to wait while thousands are looked at.
        for name in islice((each for each in value if each not in known), ERRORS_MAX):
            self._note_unknown(name, known)

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def wrong(self, name: str, detail: str) -> None:
        """Note that a member is wrong."""
        self._wrong.body(f"{self._at}/{name}", detail)

    def text(self, name: str, default: str | None = None, *, nullable: bool = False) -> Any:
        """Return a string; without a default it must be there. What is far too long is not looked at."""
        value = self._of(name, str, "must be a string", default, nullable=nullable)
        if isinstance(value, str) and len(value) > LONGEST:
            self.wrong(name, "is too long")
            return default
        return value

    def flag(self, name: str, default: bool) -> Any:  # noqa: FBT001 - the default of a flag is one
        """Return true or false."""
        return self._of(name, bool, "must be true or false", default)

    def array(self, name: str, most: int, what: str) -> list[Any]:
        """Return an array that must be there, with 1 to ``most`` elements; an empty one after a mistake."""
        value = self._of(name, list, "must be an array", None)
        if value is None or 1 <= len(value) <= most:
            return value or []
        self.wrong(name, f"must be 1 to {most} {what}")
        return []

    def integer(self, name: str, low: int, high: int, *, nullable: bool = False) -> int | None:
        """Return an integer within bounds; None if it is absent or wrong."""
        value = self._value.get(name)
        if value is None and (nullable or name not in self._value):
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # of JSON, 60.0 is an integer, too
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(name, f"must be an integer from {low} to {high}" + (", or null" if nullable else ""))
            return None
        return value

    def choice(self, name: str, words: Sequence[str]) -> str:
        """Return one of some words, of which the first is the default."""
        value = self._value.get(name, words[0])
        if not isinstance(value, str) or value not in words:
            self.wrong(name, "must be " + " or ".join(words))
            return words[0]
        return value

    def matching(self, name: str, pattern: str, takes: str) -> str:
        """Return a string that matches a pattern, which ``takes`` says in words; it must be there."""
        value = self.text(name)
        if isinstance(value, str) and not re.fullmatch(pattern, value, re.ASCII):
            self.wrong(name, f"must be {takes}")
        return str(value)

    def all_matching(self, name: str, values: Sequence[object], pattern: str, takes: str) -> None:
        """Note the elements of an array that are no strings, or do not match a pattern as a whole."""
        for place, value in enumerate(values):
            if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
                self.wrong(f"{name}/{place}", f"must be {takes}")

    def any(self, name: str) -> Any:
        """Return whatever is there; None if it is absent."""
        return self._value.get(name)

    def _of(self, name: str, kind: type, what: str, default: object, *, nullable: bool = False) -> Any:
        value = self._value.get(name, _MISSING)
        if value is _MISSING:
            if default is None and not nullable:
                self.wrong(name, "is required")
            return default
        if isinstance(value, kind) or (nullable and value is None):
            return value
        self.wrong(name, what + (", or null" if nullable else ""))
        return default

    def _note_unknown(self, name: str, known: Collection[str]) -> None:
        said = shown(name)
        if said == name:
            near = self._wrong.likely(name, tuple(known))
            self._wrong.body(f"{self._at}/{name}", f"unknown; did you mean {near}?" if near else "unknown")
        else:
            self._wrong.body(self._at, "has a member whose name is no name")
