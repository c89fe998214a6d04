"""What can go wrong on the application's side, each error with what to do about it.

    ProducerError
    ├── InvalidMessage (also ValueError)   the message is wrong; nothing was queued
    ├── RequestIdConflict                  this request_id already names another message
    ├── OverBudget                         the campaign would cost more than its budget
    ├── CampaignCancelled                  this campaign was cancelled and queues nothing any more
    ├── QueueUnavailable                   Redis did not answer; repeat with the same request_id
    ├── QueueRefused                       Redis refuses user or password; mend the settings
    │   └── UnservedLayout                 its data have a newer layout; install a newer release
    └── WrongEventLoop (also RuntimeError) an AsyncProducer is used in a second event loop
    ConfigError                            the environment is wrong; the process should not start
    └── WrongPseudonymKeys                 it lacks a key that this Redis needs

`ConfigError` stands outside on purpose: no handler of sending errors should swallow it.
Texts name fields and variables, never their values: errors travel into logs. All can be copied and pickled,
as process pools and task queues do with them.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any


class Portable(Exception):
    """An error that comes back from a copy and a pickle as it was, whatever its constructor asks for."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        # An exception is remade from its text alone otherwise, and these are made from more, or from less.
        return _remade, (type(self), self.args), self.__dict__


def _remade(kind: type[Portable], args: tuple[Any, ...]) -> Portable:
    """Make an error with its text, and without its constructor; its attributes follow."""
    return kind.__new__(kind, *args)


class ProducerError(Portable):
    """Base of the errors that a call on a producer raises."""


class InvalidMessage(ProducerError, ValueError):
    """The message breaks a rule of the gateway or of this library; nothing was queued.

    Attributes:
        fields: what is wrong, by field: ``{"sender": "3 to 11 letters and digits"}``. Recipients are
            named by position: ``recipients[2].phone_number``.
        position: index of the message in a `Producer.send_many` call; None for `Producer.send`.
    """

    def __init__(self, fields: Mapping[str, str], position: int | None = None) -> None:
        self.fields = dict(fields)
        self.position = position
        where = "" if position is None else f"message {position}: "
        super().__init__(where + "; ".join(f"{name}: {reason}" for name, reason in self.fields.items()))


class RequestIdConflict(ProducerError):
    """A request_id was used again for other content; the first message stands, this one was not queued.

    Attributes:
        request_ids: the ids in conflict, in call order. The other messages of the call were queued.
    """

    def __init__(self, request_ids: Sequence[str]) -> None:
        self.request_ids = tuple(request_ids)
        super().__init__("request_id already used for other content: " + ", ".join(self.request_ids))


class CampaignCancelled(ProducerError):
    """Somebody cancelled this campaign: nothing of it is queued any more.

    Choose another campaign_id to send it after all.

    Attributes:
        campaign_id: which.
    """

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        super().__init__(
            f"campaign {campaign_id} was cancelled for good; give another campaign_id to send it after all"
        )


class OverBudget(ProducerError):
    """A campaign would cost more than its budget; this slice and all after it were not queued.

    Slices before it were. Run the campaign again with a larger budget: what was queued is not queued again.

    Attributes:
        scope: whose budget it is, such as ``campaign:spring``.
        limit: the budget, in euros.
        wanted: what would have been spent and reserved with this slice, in euros.
    """

    def __init__(self, scope: str, limit: Decimal, wanted: Decimal) -> None:
        self.scope, self.limit, self.wanted = scope, limit, wanted
        super().__init__(f"{scope} may cost {limit:f} €, and would cost {wanted:f} € with its next slice")


class QueueUnavailable(ProducerError):
    """Redis could not be reached or refused the write; the messages may or may not be queued.

    Repeat the call with the same request_ids: what was queued is not queued again.

    Attributes:
        request_ids: the ids of the messages whose fate is open, in call order; empty for a call that
            names none.
        campaign_id: the campaign that the call was about, or None: repeat it with this id.
        server: address of Redis without user and password; empty where the application brought the client.
    """

    def __init__(
        self,
        request_ids: Sequence[str] = (),
        reason: str = "unreachable",
        campaign_id: str | None = None,
        server: str = "",
    ) -> None:
        self.request_ids = tuple(request_ids)
        self.campaign_id = campaign_id
        self.server = server
        at = f" at {server}" if server else ""
        super().__init__(f"queue unavailable{at} ({reason}); repeat with the same request_id")

    @property
    def request_id(self) -> str | None:
        """The id of the one message of a call that sends, cancels or asks for a status."""
        return self.request_ids[0] if self.request_ids else None


class QueueRefused(ProducerError):
    """Redis refuses this user or password, or allows this user too little. To repeat it helps nobody.

    Mend ``REDIS_URL``, or the rights of its user. Then repeat the call with the same request_ids: what was
    queued before is not queued again.

    Attributes:
        request_ids, campaign_id, server: as in `QueueUnavailable`.
    """

    def __init__(
        self,
        request_ids: Sequence[str] = (),
        what: str = "this user or password: see REDIS_URL",
        campaign_id: str | None = None,
        server: str = "",
    ) -> None:
        self.request_ids = tuple(request_ids)
        self.campaign_id = campaign_id
        self.server = server
        at = f" at {server}" if server else ""
        super().__init__(f"Redis{at} refuses {what}")


class UnservedLayout(QueueRefused):
    """The data in Redis have a layout that this release does not serve. The call read and wrote nothing.

    The text names that layout. Install a release that serves it, then repeat the call with the same
    request_ids: what was queued before is not queued again.

    Attributes:
        request_ids, campaign_id, server: as in `QueueUnavailable`.
    """


class WrongEventLoop(ProducerError, RuntimeError):
    """A client for asyncio was used in another event loop than its first: its connections belong to that one.

    Make one per event loop, within that loop. Where each call has a loop of its own, as with ``asyncio.run``
    or ``async_to_sync``, use the blocking client.

    Args:
        name: what was used, such as ``AsyncProducer``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"this {name} belongs to another event loop, where it was used first; make one per event loop, "
            "such as in the lifespan of an ASGI application: docs/applications.md"
        )


class ConfigError(Portable):
    """Settings are missing or wrong.

    Attributes:
        problems: what is wrong, by variable name: ``{"REDIS_URL": "must start with redis://"}``. Never
            the value.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        found = [f"{name}: {problem}" for name, problem in self.problems.items()]
        between = " " if len(found) == 1 else "\n  "
        super().__init__(between.join(["wrong or missing settings:", *found]))


class WrongPseudonymKeys(ConfigError):
    """This process lacks a key under which Redis holds pseudonyms: it would know nobody again.

    Give it all keys that were ever used, the one to write with first.

    Args:
        configured: whether it has keys at all.
    """

    def __init__(self, *, configured: bool) -> None:
        lacks = "lacks a key" if configured else "is empty, and lacks a key"
        super().__init__({"PSEUDONYM_KEYS": f"{lacks} under which this Redis holds pseudonyms"})
