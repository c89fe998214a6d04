"""Which keys of pseudonyms a process works with: those of its settings, and one that Redis may hold.

Redis remembers by name under which keys anything was ever written. A process that lacks one of them would not
know again whom it knows, so it refuses to work.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import redis

from ..errors import WrongPseudonymKeys
from .keys import Keys
from .pseudonyms import Pseudonyms, fresh_key, key_id, read_key
from .scripts import Command, Script
from .settings import RedisSettings
from .steps import Steps

T = TypeVar("T")

_NOTE: Final = Script(__package__, "note_pseudonyms", when_full=True)
#: What a script answers that was given pseudonyms, if the keys have changed: see ``known_key.lua``.
_CHANGED: Final = b"pseudonym keys have changed"
#: Times that a step is taken if keys change. Twice is enough, unless they change again.
_TRIES: Final = 3
#: What a process says at its start that has no keys of its own.
KEPT_IN_REDIS: Final = (
    "PSEUDONYM_KEYS is empty: the key of all pseudonyms lies in Redis beside them. Whoever has a copy of "
    "Redis can tell the numbers; and if Redis loses the key, nobody is known again. Before going live, set "
    "it in all processes, as docs/privacy.md says. The sandbox needs none"
)


class KnownPseudonyms:
    """The pseudonyms of a process. Thread-safe; connects to nothing itself.

    Args:
        settings: namespace, and keys if there are any.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self._prefix = Keys(settings.namespace).prefix
        self._configured = tuple(read_key(each.reveal()) for each in settings.pseudonym_keys)
        # Together, since several threads may read: the pseudonyms, and the ids of all keys as Redis has them.
        self._known: tuple[Pseudonyms, str] | None = None

    def read(self) -> Steps[Pseudonyms]:
        """Ask Redis which keys there are; one round trip. Safe to repeat.

        The first process without keys makes one, which Redis keeps for all.

        Raises:
            WrongPseudonymKeys: this process lacks a key under which something was written.
        """
        fresh = fresh_key()
        given = {
            "key_ids": [key_id(key) for key in self._configured],
            "fresh": fresh,
            "fresh_id": key_id(read_key(fresh)),
        }
        made, *ids = yield Command(_NOTE, self._prefix, given, tuple)
        if not ids:
            self._known = None
            raise WrongPseudonymKeys(configured=bool(self._configured))
        found = Pseudonyms([*self._configured, *([read_key(made.decode())] if made else [])])
        self._known = found, ids[0].decode()
        return found

    def known(self) -> Steps[Pseudonyms]:
        """Return what `read` returned last, or ask; mostly no round trip."""
        return self._known[0] if self._known else (yield from self.read())

    def run(self, make: Callable[[Pseudonyms], Command[T]]) -> Steps[T]:
        """Run a script that is given pseudonyms; one round trip, but two the first time.

        Args:
            make: makes the call, but for what is said of keys; is called again if those have changed.

        Raises:
            WrongPseudonymKeys: as `read`.
        """
        for _ in range(_TRIES):
            answer: T | None = yield (yield from self.call(make))
            if answer is not None:
                return answer
            self._known = None
        raise redis.RedisError("Redis keeps losing the key of pseudonyms")

    def call(self, make: Callable[[Pseudonyms], Command[T]]) -> Steps[Command[T | None]]:
        """Make the call that `run` makes; its answer is None if keys were lost or added meanwhile."""
        if self._known is None:
            yield from self.read()
        known, ids = cast("tuple[Pseudonyms, str]", self._known)
        command = make(known)

        def read(reply: Any) -> T | None:
            return None if reply == _CHANGED else command.read(reply)

        given = {**command.given, "keys": ids}
        return Command(command.script, command.prefix, given, read)
