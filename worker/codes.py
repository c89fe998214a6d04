"""The gateway's error codes as data: what each means and what it means for a message.

Source: Octopush's return-code page for the codes below 600 not marked otherwise; those in `_SEEN` come
from one public client of 2026 and are unproven. A code that is not here is refused without repeat and
logged as an error: repeating blindly could send twice.
"""

from enum import Enum
from typing import Final, NamedTuple


class CodeClass(Enum):
    """What an error code asks of us."""

    PERMANENT = "permanent"
    """This message will never be taken as it is."""
    ACCOUNT = "account"
    """No message will be taken until somebody mends the account."""
    TRANSIENT = "transient"
    """Not taken now; the same call may be taken later."""
    DUPLICATE = "duplicate"
    """The gateway has seen this request_id."""


class Code(NamedTuple):
    """One row of the table."""

    meaning: str
    kind: CodeClass


_P, _A, _T, _D = CodeClass.PERMANENT, CodeClass.ACCOUNT, CodeClass.TRANSIENT, CodeClass.DUPLICATE

_PUBLISHED: Final = {
    100: Code("nothing was posted", _P),
    101: Code("wrong login details", _A),
    102: Code("text above 160 characters", _P),
    103: Code("message without recipients", _P),
    104: Code("credit exhausted", _A),
    105: Code("credit too low, a purchase awaits validation", _A),
    106: Code("bad sender", _P),
    107: Code("text missing", _P),
    108: Code("login missing", _A),
    109: Code("key missing", _A),
    110: Code("recipient list missing", _P),
    111: Code("no way of giving recipients chosen", _P),
    112: Code("quality missing", _P),
    113: Code("account not validated", _A),
    114: Code("account under fraud investigation", _A),
    115: Code("recipients and parameters differ in number", _P),
    116: Code("mail-merge needs a contact list", _P),
    117: Code("no correct number in the list", _P),
    118: Code("test-message box not ticked", _P),
    119: Code("more than 160 characters for this message type", _P),
    120: Code("a message with this request_id was already sent", _D),
    121: Code("premium: STOP mention missing", _P),
    122: Code("low cost: no PUB=STOP missing", _P),
    123: Code("request hash missing", _P),
    124: Code("request hash wrong", _P),
    125: Code("undefined error", _T),
    126: Code("campaign already awaits approval", _T),
    127: Code("campaign already being processed", _T),
    128: Code("too many attempts", _T),
    129: Code("campaign being built", _T),
    130: Code("campaign not marked finished", _T),
    131: Code("campaign not found", _P),
    132: Code("campaign already sent", _P),
    133: Code("user_batch_id already used", _P),
    150: Code("no country for this prefix", _P),
    151: Code("country not served", _P),
    152: Code("low cost not offered in that country", _P),
    153: Code("route congested", _T),
    155: Code("campaign cannot be modified", _P),
    156: Code("campaign cannot be cancelled", _P),
    157: Code("campaign state unknown", _P),
    158: Code("campaign state error", _P),
    159: Code("campaign state error", _P),
    160: Code("campaign state error, try again in seconds", _T),
    201: Code("option available on request only", _A),
    202: Code("credit transfer error", _P),
    203: Code("credit transfer error", _P),
    204: Code("credit transfer error", _P),
    205: Code("sub-account error", _P),
    206: Code("no campaign while a credit transfer runs", _T),
    207: Code("no access for this user", _A),
    208: Code("wrong message type", _P),
    209: Code("not allowed for this user", _A),
    210: Code("that e-mail is not yours", _P),
    300: Code("list: not allowed", _P),
    301: Code("list: too many", _P),
    302: Code("list exists already", _P),
    303: Code("list missing", _P),
    304: Code("list full", _P),
    305: Code("list: too many contacts", _P),
    306: Code("list: unknown action", _P),
    307: Code("list: file error", _P),
    308: Code("list: file error", _P),
    500: Code("request impossible to process", _T),
    501: Code("connection error", _T),
}

_SEEN: Final = {
    134: Code("fatal to the campaign, meaning not given", _P),
    139: Code("fatal to the campaign, meaning not given", _P),
    142: Code("fatal to the campaign, meaning not given", _P),
    181: Code("a number was refused", _P),
    182: Code("request_id already seen within 24 h", _D),
    189: Code("text too long", _P),
    401: Code("access refused", _A),
    403: Code("access refused", _A),
    438: Code("transient, meaning not given", _T),
    1340: Code("forbidden word in the text", _P),
    1341: Code("forbidden word in the sender", _P),
}

#: Every code known, by number.
CODES: Final[dict[int, Code]] = {**_PUBLISHED, **_SEEN}

#: What says that the account cannot pay this call; a smaller one perhaps.
UNPAID: Final = frozenset({"104", "105", "402", "http_402"})
#: What a gateway says that has too many calls at once.
STRAIN: Final = frozenset({"126", "127", "128", "153", "http_429"})
#: Refusals that concern what all members of a shared call have in common: sender, type, no text at all.
WHOLE_CALL: Final = frozenset({"106", "107", "112", "208", "1341"})
