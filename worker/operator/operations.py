"""Decisions about parked messages, and the list of those, on a blocking client: for the commands."""

from collections.abc import Iterator

import redis

from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from worker.inquiry.parked import Group, Parked, ParkedMessages
from worker.operator.decisions import Decision, Decisions

#: Messages that are read at a time.
_AT_ONCE = 200


class Operations:
    """Decisions about parked messages.

    Args:
        client: Redis client.
        settings: namespace, retention, stream length.
        by: who decides, for the audit stream.
    """

    def __init__(self, client: redis.Redis, settings: RedisSettings, by: str) -> None:
        self._redis = client
        self._messages = ParkedMessages.of(settings)
        self._decisions = Decisions(settings, by)

    def parked(self, states: tuple[str, ...], code: str | None = None) -> Iterator[Parked]:
        """Find parked messages by state and code, one group after the other, each oldest first.

        Messages may be replayed meanwhile.
        """
        found = drive(self._messages.groups(), self._redis)
        wanted = [each for each in found if each.state in states and code in {None, each.code}]
        for group in sorted(wanted, key=lambda each: (each.state, each.code)):
            yield from self._all_of(group)

    def _all_of(self, group: Group) -> Iterator[Parked]:
        cursor, first = "", True
        while cursor or first:
            page = drive(self._messages.page(group, cursor, _AT_ONCE), self._redis)
            yield from page.rows
            cursor, first = page.cursor, False

    def resolve(self, request_id: str, decision: Decision) -> str | None:
        """Decide about an unknown message; as `Decisions.resolve`."""
        return drive(self._decisions.resolve(request_id, decision), self._redis)

    def replay(self, request_id: str) -> str | None:
        """Send a failed or rejected message again; as `Decisions.replay`."""
        return drive(self._decisions.replay(request_id), self._redis)
