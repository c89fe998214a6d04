"""Erasing one person: from waiting messages to dead letters, until a walk through all finds nothing."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import redis
from msgspec import json
from redis.exceptions import ResponseError

from producers.contract.keys import Keys, upload_place
from producers.contract.scripts import Command, Script, as_string
from producers.contract.settings import RedisSettings
from worker.account.throttle import AUDIT_MAXLEN
from worker.person.named import Person
from worker.person.searching import Found, Search
from worker.person.spooled import Spooled, erase_spooled

_BEGIN: Final = Script(__package__, "erase_person", when_full=True)
_MESSAGE: Final = Script(__package__, "erase_message", when_full=True)
_ENTRIES: Final = Script(__package__, "erase_entries", when_full=True)
_EVENT: Final = Script(__package__, "erase_event", when_full=True)
_CALLBACK: Final = Script(__package__, "erase_callback", when_full=True)

#: Walks at most. The second one mostly finds what was written during the first, and the third nothing.
_WALKS: Final = 5
#: Entries that one script deletes.
_AT_ONCE: Final = 100

#: Looks at the spool, and seconds between two: a web process moves what it holds within about a second.
_LOOKS: Final = 20
_LOOK_S: Final = 0.25

#: What became of the append-only file: it is written anew without what was deleted, there is none, or Redis
#: did not do it.
Rewrite = Literal["begun", "none", "refused"]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure has found and done.

    Attributes:
        done: how many of each: ``cancelled``, ``left_out``, ``erased`` and ``gone`` are messages;
            ``entries``, ``callbacks``, ``events``, ``uploads``, ``twins``, ``keys``, ``spooled``.
        open: ids of messages that may have been taken: they are marked, and erased when they come back.
        mentions: where the number stands in what is somebody else's, and stays.
        busy: files of the spool that a web process writes: look again in a few seconds.
        rewrite: see `Rewrite`.
    """

    done: Mapping[str, int]
    open: Sequence[str]
    mentions: Sequence[str]
    busy: int
    rewrite: Rewrite

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of the person."""
        return not (self.open or self.busy or self.mentions)


class Erasure:
    """The erasure of one person. Safe to repeat, also after it was cut short: a second run finds nothing.

    Args:
        client: Redis client.
        settings: namespace, retention, stream length.
        person: who.
        by: who erases, for the audit stream.
        spool: the spool of this machine, or None.
    """

    def __init__(
        self, client: redis.Redis, settings: RedisSettings, person: Person, by: str, spool: Path | None
    ) -> None:
        self._redis, self._settings, self._person = client, settings, person
        self._keys, self._by, self._spool = Keys(settings.namespace), by, spool
        self._search = Search(client, self._keys, person)
        self._messages: set[str] = set()
        self._acts: Mapping[str, Callable[[Found], int]] = {
            "callback": self._erase_callback,
            "event": self._erase_event,
            "upload": self._erase_upload,
            "twin": self._erase_twin,
            "key": self._erase_key,
        }

    def run(self) -> Erased:
        """Erase.

        Raises:
            redis.RedisError: Redis did not answer to the end; repeat.
            OSError: the spool cannot be written; repeat.
        """
        self._begin()
        spooled = self._erase_spooled()
        done = Counter({"spooled": spooled.callbacks})
        for _ in range(_WALKS):
            counted, open_ids, mentions = self._walk()
            done += counted
            if not counted:
                break
        return Erased(
            done=+done,
            open=sorted(open_ids),
            mentions=sorted(mentions),
            busy=spooled.busy,
            rewrite=self._rewrite(),
        )

    def _begin(self) -> None:
        pseudonyms = self._person.pseudonyms
        audited = {"by": self._by, "audit_maxlen": AUDIT_MAXLEN}
        given = {"pseudonym": pseudonyms[0], "pseudonyms": pseudonyms, **self._retention, **audited}
        self._run(_BEGIN, given)

    def _erase_spooled(self) -> Spooled:
        """Erase what lies in the spool; files that a process writes are waited for, since it moves them."""
        busy = callbacks = 0
        for _ in range(_LOOKS if self._spool else 0):
            spooled = erase_spooled(cast("Path", self._spool), self._person)
            callbacks += spooled.callbacks
            if not (busy := spooled.busy):
                break
            time.sleep(_LOOK_S)
        return Spooled(callbacks, busy)

    def _walk(self) -> tuple[Counter[str], set[str], set[str]]:
        """Walk through everything once: what was done, what is open, what is somebody else's."""
        done, open_ids, mentions = Counter[str](), set[str](), set[str]()
        entries: dict[str, list[Found]] = defaultdict(list)
        messages: set[str] = set()
        for found in self._search.everything(self._messages):
            if found.kind == "mention":
                mentions.add(found.name)
            elif found.kind == "entry":
                entries[found.name].append(found)
                if len(entries[found.name]) == _AT_ONCE:
                    done["entries"] += self._erase_entries(found.name, entries.pop(found.name))
            elif found.kind == "message":
                messages.add(found.name)
            else:
                done[f"{found.kind}s"] += self._acts[found.kind](found)
        for stream, some in entries.items():
            done["entries"] += self._erase_entries(stream, some)
        # Last: whoever goes on after a kill knows by these whose the statuses are.
        for request_id in sorted(messages):
            verdict = self._erase_message(request_id)
            if verdict == "open":
                open_ids.add(request_id)
            elif verdict == "mentioned":
                mentions.add(f"message {request_id}")
            else:
                done[verdict] += 1
        self._messages |= messages
        return +done, open_ids, mentions

    def _erase_message(self, request_id: str) -> str:
        person = self._person
        named = {"number": person.number, "pseudonyms": person.pseudonyms}
        given = {"id": request_id, "is_named": person.is_id_of(request_id), **named, **self._retention}
        given["maxlen"] = self._settings.stream_maxlen
        return str(self._run(_MESSAGE, given).decode())

    def _erase_entries(self, stream: str, found: Iterable[Found]) -> int:
        entries = [{"id": each.entry, "country": _country(each)} for each in found]
        return int(self._run(_ENTRIES, {"stream": stream, "entries": entries}))

    def _erase_callback(self, found: Found) -> int:
        left = self._person.left_of(found.fields["raw"].encode())
        raw = json.encode(left) if left else b""
        return int(self._run(_CALLBACK, {"id": found.name, "raw": as_string(raw)}))

    def _erase_event(self, found: Found) -> int:
        return int(self._run(_EVENT, {"forward": found.entry, "id": found.name}))

    def _erase_upload(self, found: Found) -> int:
        block, field = upload_place(self._person.number)
        return int(self._redis.hdel(self._keys.upload_numbers(found.name, block), field))

    def _erase_twin(self, found: Found) -> int:
        return int(self._redis.hdel(self._keys.twins(*found.name.split(":")), found.entry))

    def _erase_key(self, found: Found) -> int:
        return int(self._redis.delete(self._keys.prefix + found.name))

    def _rewrite(self) -> Rewrite:
        """Let Redis write its append-only file anew, so that nothing of the person is in it."""
        try:
            about: Any = self._redis.info("persistence")
            if not about.get("aof_enabled"):
                return "none"
            self._redis.bgrewriteaof()
        except ResponseError as error:
            # One that runs already may have begun before the end: Redis then begins another by itself.
            return "begun" if "in progress" in str(error) else "refused"
        return "begun"

    @property
    def _retention(self) -> dict[str, int]:
        return {"retention_ms": self._settings.retention_ms}

    def _run(self, script: Script, given: Mapping[str, Any]) -> Any:
        return Command(script, self._keys.prefix, given, lambda reply: reply).run(self._redis)


def _country(found: Found) -> str:
    return (found.fields.get("country") or "ZZ") if found.name == "replies" else ""
