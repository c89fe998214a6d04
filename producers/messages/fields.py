"""What each field of a message may be. Each check takes any object and returns the clean value.

A check raises ValueError with the reason, in words that hold no value. `Problems` collects the reasons,
so that the caller learns of all bad fields at once.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple

import msgspec

from ..contract.phone import to_e164
from ..contract.plain_text import plain
from ..errors import InvalidMessage
from .recipient import VARIABLES, Recipient
from .template import VARIABLE_MAX, Template, template

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

#: Octopush docs, send page: 1 to 1224 characters, which is 8 chained parts of 153. Each recipient's filled
#: text is held to it.
TEXT_MAX = 1224
#: Octopush docs, send page: contacts in one call.
RECIPIENTS_MAX = 500

_REQUEST_ID_MAX = 36
#: From this year on nobody can tell the hours of all zones.
_YEAR_WITHOUT_HOURS = 9990
_REQUEST_ID = re.compile(rf"[A-Za-z0-9_.:-]{{1,{_REQUEST_ID_MAX}}}")
#: As the worker names the event of a reply: see `producers.events.Reply`.
_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_SENDER = re.compile(r"[A-Za-z0-9]{3,11}")
_SENDER_WITH_SPACES = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ]{1,9})[A-Za-z0-9]")


class Problems:
    """Collects what is wrong, field by field."""

    __slots__ = ("by_field",)

    def __init__(self) -> None:
        self.by_field: dict[str, str] = {}

    def field(self, name: str, check: Callable[[Any, *Ts], T], value: object, *args: *Ts) -> T:
        """Run a check; note its reason under the field's name when it fails.

        A failed check's return value is the untouched input: it is never used, since `raise_if_any` ends
        the run before anything is built from it.
        """
        try:
            return check(value, *args)
        except ValueError as error:
            self.by_field[name] = str(error)
            return value  # type: ignore[return-value]

    def together(self, check: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run a check of several fields; note all its reasons. The value of a failed check is not used."""
        try:
            return check(*args)
        except InvalidMessage as error:
            self.by_field |= error.fields
            return None  # type: ignore[return-value]

    def raise_if_any(self) -> None:
        """End the run if anything was noted.

        Raises:
            InvalidMessage: with every bad field.
        """
        if self.by_field:
            raise InvalidMessage(self.by_field)


def request_id(value: object) -> str:
    """1 to 36 ASCII letters, digits or ``-_.:`` (the gateway documents no limit; a UUID surely fits).

    An empty id is refused and not replaced: its sender relies on it, and a repeat would be sent twice.
    """
    if not isinstance(value, str) or not _REQUEST_ID.fullmatch(value):
        # Who puts a word before a UUID has counted neither.
        length = len(value) if isinstance(value, str) else 0
        found = f" (it has {length} characters)" if length > _REQUEST_ID_MAX else ""
        raise ValueError(f"must be 1 to 36 letters, digits or -_.:{found}, or None to have one made")
    return value


def reply_to(value: object, recipients: int) -> str:
    """The event_id of a reply, which a message to one recipient answers; empty for None."""
    if value is None:
        return ""
    if recipients > 1:
        raise ValueError("must be absent from a message to several recipients")
    if not isinstance(value, str) or not _EVENT_ID.fullmatch(value):
        raise ValueError("must be the event_id of a reply, 32 hexadecimal digits")
    return value


def text(value: object, optimise: bool = True) -> Template:  # noqa: FBT001, FBT002 - passed through Problems
    """1 to 1224 characters of valid Unicode that show something, taken apart at the placeholders.

    Placeholders count as they stand: whether the gateway counts before or after it fills them is not
    documented. What each recipient gets is checked by `wording`.
    """
    clean = _unicode(value)
    found = template(clean, optimise)
    if not 1 <= len(clean) <= TEXT_MAX:
        raise ValueError(f"must be 1 to {TEXT_MAX} characters")
    if found.is_blank and len(found.pieces) == 1:
        raise ValueError("must show something, not only white space")
    return found


def sender(value: object, allow_spaces: bool = False) -> str:  # noqa: FBT001, FBT002 - passed through Problems
    """3 to 11 letters and digits, with inner spaces if allowed."""
    shape = _SENDER_WITH_SPACES if allow_spaces else _SENDER
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ValueError("must be 3 to 11 letters and digits" + (" or inner spaces" if allow_spaces else ""))
    return value


def one_of(value: object, allowed: Iterable[str]) -> str:
    """One of the words allowed."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError("must be " + " or ".join(allowed))
    return value


def flag(value: object) -> bool:
    """A bool and nothing that merely looks like one."""
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def send_at(value: object) -> datetime | None:
    """An aware datetime before the year 9990, or ISO 8601 text with an offset."""
    if value is None:
        return None
    reason = "must be an aware datetime or ISO 8601 with an offset, such as 2030-01-31T09:00:00+01:00"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(reason) from None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(reason)
    if value.year >= _YEAR_WITHOUT_HOURS:
        raise ValueError(f"must be before the year {_YEAR_WITHOUT_HOURS}")
    return value


def ttl_ms(value: object) -> int | None:
    """A positive timedelta, in milliseconds."""
    if value is None:
        return None
    if not isinstance(value, timedelta) or value < timedelta(milliseconds=1):
        raise ValueError("must be a positive timedelta")
    return value // timedelta(milliseconds=1)


def recipients(check: Problems, value: object, region: str = "") -> list[Recipient]:
    """1 to 500 recipients, each valid, each number once; problems are noted by position.

    Args:
        check: takes the problems.
        value: what the caller gave.
        region: whose national numbers are read, such as ``FR``; none if empty.
    """
    if isinstance(value, (str, Recipient)):
        return [_recipient(check, 0, value, region)]
    if not isinstance(value, Iterable) or isinstance(value, (bytes, Mapping)):
        check.by_field["recipients"] = "must be a number, a Recipient, or a list of them"
        return []
    given = list(value)
    if not 1 <= len(given) <= RECIPIENTS_MAX:
        check.by_field["recipients"] = f"must be 1 to {RECIPIENTS_MAX} recipients"
        return []
    clean = [_recipient(check, position, each, region) for position, each in enumerate(given)]
    _refuse_repeats(check, clean)
    return clean


def _refuse_repeats(check: Problems, clean: list[Recipient]) -> None:
    positions: dict[str, int] = {}
    refused = set(check.by_field)
    for position, recipient in enumerate(clean):
        # What was refused is no number: whoever leaves people out leaves out all of these at once.
        if refused and _is_among(refused, position):
            continue
        first = positions.setdefault(recipient.phone_number, position)
        if first != position:
            check.by_field[f"recipients[{position}].phone_number"] = f"same number as recipients[{first}]"


def _is_among(refused: set[str], position: int) -> bool:
    where = f"recipients[{position}]"
    return not refused.isdisjoint((where, f"{where}.phone_number"))


def _recipient(check: Problems, position: int, value: object, region: str) -> Recipient:
    if isinstance(value, str):
        return Recipient(_number_at(check, position, value, region))
    where = f"recipients[{position}]"
    if not isinstance(value, Recipient):
        check.by_field[where] = "must be a number or a Recipient"
        return Recipient(where)
    changed = {}
    for name in VARIABLES:
        given = getattr(value, name)
        if given is not None:
            try:  # as `check.field` does, in half the time: campaigns have many values
                if (clean := _variable(given)) is not given:
                    changed[name] = clean
            except ValueError as error:
                check.by_field[f"{where}.{name}"] = str(error)
    number = _number_at(check, position, value.phone_number, region)
    if number is not value.phone_number:
        changed["phone_number"] = number
    if isinstance(value.zone, str) and type(value.zone) is not str:
        changed["zone"] = plain(value.zone)
    return msgspec.structs.replace(value, **changed) if changed else value


def _number_at(check: Problems, position: int, value: object, region: str) -> str:
    # As `Problems.field` does, which wants the name of the field beforehand: mostly nobody needs it.
    why = "must be text"
    if isinstance(value, str):
        try:
            return to_e164(value, default_region=region)
        except ValueError as error:
            why = str(error)
    check.by_field[f"recipients[{position}].phone_number"] = why
    return value  # type: ignore[return-value]


def _variable(value: object) -> str:
    clean = _unicode(value)
    if len(clean) > VARIABLE_MAX:
        raise ValueError(f"must be at most {VARIABLE_MAX} characters")
    return clean


def _unicode(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return plain(value)
