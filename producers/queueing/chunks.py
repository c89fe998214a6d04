"""Recipients as callers give them, handed out 500 at a time: in any kind of iterable, which is read once."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeVar

from ..errors import InvalidMessage
from ..messages.fields import RECIPIENTS_MAX
from ..messages.recipient import Recipient

T = TypeVar("T")

#: Recipients of a slice: as many as one call to the gateway takes.
SLICE: Final = RECIPIENTS_MAX


def chunks(recipients: Iterable[Any]) -> Iterator[list[Any]]:
    """Hand out recipients 500 at a time, reading no further.

    Raises:
        InvalidMessage: it is one number or `Recipient`, or nothing that can be read.
    """
    if not isinstance(recipients, Iterable) or isinstance(recipients, (str, bytes, Mapping)):
        raise InvalidMessage({"recipients": "must be an iterable of numbers or Recipients"})
    iterator = iter(recipients)
    while chunk := list(islice(iterator, SLICE)):
        yield chunk


async def achunks(recipients: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[list[Any]]:
    """Hand out recipients 500 at a time, from either kind of iterable; otherwise as `chunks`."""
    if not isinstance(recipients, AsyncIterable):
        for chunk in chunks(recipients):
            yield chunk
        return
    waiting = []
    async for recipient in recipients:
        waiting.append(recipient)
        if len(waiting) == SLICE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def several(recipients: T | str | Recipient | None) -> T | list[str | Recipient]:
    """Make one recipient, or none, a list of recipients."""
    if recipients is None:
        return []
    return [recipients] if isinstance(recipients, (str, Recipient)) else recipients
