"""What is kept of one person, as a copy for that person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis
from msgspec import MsgspecError, json

from producers.contract.keys import Keys
from worker.person.named import Person
from worker.person.searching import Search

#: Fields of a record that say something about the message, and not about the queue.
_TOLD: Final = (
    *("state", "queued", "due", "expires", "first", "ended", "attempts", "code", "message", "ticket", "cost"),
    *("segments", "campaign", "context", "reply_to", "zones", "app"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that is kept of the person.

    Attributes:
        where: ``message``, ``callback``, ``event``, ``upload``, the name of a stream, ``suppressed`` or
            ``consent``.
        name: id of the message, callback, event or campaign; id of the entry; scope of what is suppressed.
        fields: what it says, as it is kept. Times in records are milliseconds since the epoch.
    """

    where: str
    name: str
    fields: Mapping[str, Any]


def export(client: redis.Redis, keys: Keys, person: Person) -> Iterator[Kept]:
    """Hand out all that is kept of a person. Changes nothing; safe to repeat.

    Of a message to several persons only what this one gets.

    Raises:
        redis.RedisError: Redis did not answer to the end; repeat.
    """
    yield from _rights(client, keys, person)
    told = set()
    for found in Search(client, keys, person).everything():
        if found.kind == "message" and found.name not in told:
            told.add(found.name)
            yield Kept("message", found.name, _message(client, keys, person, found.name))
        elif found.kind == "entry":
            yield Kept(found.name, found.entry, found.fields)
        elif found.kind in {"callback", "event", "upload"}:
            yield Kept(found.kind, found.name, found.fields)


def _rights(client: redis.Redis, keys: Keys, person: Person) -> Iterator[Kept]:
    """What the person has refused and agreed to, in whatever scope."""
    for pseudonym in person.pseudonyms:
        for name, value in client.hscan_iter(keys.suppressed, match=f"*|{pseudonym}", count=1_000):
            at, reason, _ = value.decode().split("|", 2)
            yield Kept("suppressed", name.decode().rpartition("|")[0], {"at": at, "reason": reason})
        agreed: Any = client.hget(keys.consent, pseudonym)
        if agreed:
            names = ("at", "last_contact", "source", "wording")
            yield Kept("consent", "", dict(zip(names, agreed.decode().split("|", 3), strict=False)))


def _message(client: redis.Redis, keys: Keys, person: Person, request_id: str) -> Mapping[str, Any]:
    record: Any = client.hmget(keys.record(request_id), _TOLD)
    fields: dict[str, Any] = {
        name: value.decode() for name, value in zip(_TOLD, record, strict=True) if value is not None
    }
    body: Any = client.get(keys.body(request_id))
    receipt: Any = client.hget(keys.deliveries(request_id), person.number)
    if receipt:
        fields["receipt"] = receipt.decode()
    try:
        sent = json.decode(body or b"{}")
    except MsgspecError:  # somebody damaged it
        return fields
    own = [each for each in sent.get("recipients", ()) if each.get("phone_number") == person.number]
    if own:
        fields |= {"text": sent.get("text"), "sender": sent.get("sender"), "recipient": own[0]}
    return fields
