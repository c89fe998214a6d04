"""Freezing many messages, in slices that fit one round trip each."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from ..contract.tracing import traceparent
from ..errors import InvalidMessage
from ..messages.fields import Problems
from ..messages.fields import send_at as send_at_of
from ..messages.frozen import FrozenMessage
from ..messages.leaving import check_leaving
from ..messages.message import Message, freeze
from ..settings import ProducerSettings

#: Messages per round trip: large enough to make trips cheap, small enough not to hold up Redis.
SLICE = 500
#: Messages checked in one go.
_BREATH = 50


def freeze_slices(
    messages: Iterable[Message | FrozenMessage], settings: ProducerSettings
) -> Iterator[list[FrozenMessage]]:
    """Check messages and hand them out by the slice; those that are frozen were checked before.

    A list or tuple is checked whole before the first slice, so a bad message means that nothing is queued.
    Any other iterable is read and checked one slice at a time.

    Yields:
        Slices; between them empty ones, so that an event loop gets its turn.

    Raises:
        InvalidMessage: with the position of the bad message.
    """
    whole = isinstance(messages, Sequence)
    frozen: list[FrozenMessage] = []
    for position, message in enumerate(messages):
        # Between two messages of a list nobody else gets a turn: time and span are the same for a breath.
        if not whole or position % _BREATH == 0:
            now, parent = datetime.now(UTC), traceparent()
        frozen.append(_freeze_at(position, message, settings, now, parent))
        if not whole and len(frozen) == SLICE:
            yield frozen
            frozen = []
        elif len(frozen) % _BREATH == 0:
            yield []
    yield from (frozen[start : start + SLICE] for start in range(0, len(frozen), SLICE))


def freeze_one(
    message: Message,
    settings: ProducerSettings,
    campaign: str = "",
    *,
    to_leave: bool = True,
    priced: bool = False,
    among_others: bool = False,
) -> FrozenMessage:
    """Check a message by the settings of an application and make its wire form; as `freeze`.

    It notes the span that is current, if any: what comes of the message belongs to its trace.

    Args:
        message: what the caller gave.
        settings: of the application.
        campaign: the campaign it is a slice of.
        to_leave: whether it is to leave as it is, and so must be able to.
        priced: whether to say what it may cost although no rule asks.
        among_others: whether the current span is about other messages, too.
    """
    frozen = freeze(
        message,
        rules=settings,
        allow_spaces=settings.sender_allow_spaces,
        default_region=settings.default_region,
        campaign=campaign,
        now=datetime.now(UTC) if to_leave else None,
        priced=priced,
    )
    if not (parent := traceparent()):
        return frozen
    # One trace of a campaign would never end, and nobody could look at it: see docs/tracing.md.
    noted = {"links": parent} if campaign or among_others else {"trace": parent}
    return msgspec.structs.replace(frozen, **noted)


def refuse_what_never_leaves(message: Message, zones: str, settings: ProducerSettings) -> None:
    """Look whether a message that was checked otherwise can ever leave.

    Args:
        message: what the caller gave; its recipients do not matter.
        zones: of its recipients.
        settings: of the application.

    Raises:
        InvalidMessage: it cannot.
    """
    check = Problems()
    send_at = check.field("send_at", send_at_of, message.send_at)
    check_leaving(check, message, zones, send_at=send_at, rules=settings, now=datetime.now(UTC))
    check.raise_if_any()


def _freeze_at(
    position: int, message: Message | FrozenMessage, settings: ProducerSettings, now: datetime, parent: str
) -> FrozenMessage:
    if isinstance(message, FrozenMessage):
        return message
    spaces, region = settings.sender_allow_spaces, settings.default_region
    try:
        frozen = freeze(message, rules=settings, allow_spaces=spaces, default_region=region, now=now)
    except InvalidMessage as error:
        raise InvalidMessage(error.fields, position) from None
    return msgspec.structs.replace(frozen, links=parent) if parent else frozen


def ids_of(messages: Iterable[FrozenMessage]) -> list[str]:
    """Name the messages of a slice."""
    return [each.request_id for each in messages]
