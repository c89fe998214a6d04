"""The options of a message, checked once for all messages that have the same."""

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from . import fields
from .body import encode

if TYPE_CHECKING:
    from .message import Message


class Options(msgspec.Struct, frozen=True, gc=False):
    """The checked options that messages commonly share."""

    sender: str
    type: str
    purpose: str
    with_replies: bool
    simulation_mode: bool
    auto_optimize_text: bool
    auto_remove_blacklisted_numbers: bool
    ttl_ms: int | None
    schedule: str


def checked_options(message: "Message", allow_spaces: bool) -> Options:  # noqa: FBT001 - passed through Problems
    """Check the options. The result of a check is remembered by the values and their types."""
    given = (
        message.sender,
        message.type,
        message.purpose,
        message.with_replies,
        message.simulation_mode,
        message.auto_optimize_text,
        message.auto_remove_blacklisted_numbers,
        message.ttl,
        message.schedule,
        allow_spaces,
    )
    try:
        return _remembered_options(*given)
    except TypeError:  # a value such as a list cannot be looked up; it will be refused
        return _checked_options(*given)


def _checked_options(  # positional: this is the key of a cache
    sender: object,
    type_: object,
    purpose: object,
    with_replies: object,
    simulation_mode: object,
    auto_optimize_text: object,
    auto_remove_blacklisted_numbers: object,
    ttl: object,
    schedule: object,
    allow_spaces: bool,  # noqa: FBT001
) -> Options:
    check = fields.Problems()
    options = Options(
        check.field("sender", fields.sender, sender, allow_spaces),
        check.field("type", fields.one_of, type_, ("sms_premium", "sms_low_cost")),
        check.field("purpose", _purpose, purpose),
        check.field("with_replies", fields.flag, with_replies),
        check.field("simulation_mode", fields.flag, simulation_mode),
        check.field("auto_optimize_text", fields.flag, auto_optimize_text),
        check.field("auto_remove_blacklisted_numbers", fields.flag, auto_remove_blacklisted_numbers),
        check.field("ttl", fields.ttl_ms, ttl),
        check.field("schedule", fields.one_of, schedule, ("queue", "gateway")),
    )
    check.raise_if_any()
    return options


_remembered_options = lru_cache(maxsize=128, typed=True)(_checked_options)


def _purpose(value: object) -> str:
    """Check the gateway's word for what a message is for; its word for marketing is not everybody's."""
    try:
        return fields.one_of(value, ("wholesale", "alert"))
    except ValueError:
        raise ValueError("must be wholesale (marketing) or alert") from None


@lru_cache(maxsize=256)
def share_of(text: str, options: Options, zones: str, others: str = "") -> str:
    """Fingerprint of all that two messages must have in common to leave in one call; empty for going alone.

    To be asked for a message to one recipient whose text uses a placeholder. A message goes alone if it asks
    the gateway to simulate, or to drop blocked numbers: the gateway does so per call, and its answer must
    speak of one message. The time to live counts, so that the messages of a call expire about together. Zones
    count, so that no message waits for the hours of another one's recipient; so do others: the opt-outs that
    end it, which hold for the whole call, the application, which may have a budget of its own, and whether
    what it may cost is counted.
    """
    if options.simulation_mode or options.auto_remove_blacklisted_numbers:
        return ""
    return hashlib.blake2b(encode([text, options, zones, others]), digest_size=12).hexdigest()
