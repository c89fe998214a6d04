"""The gateway's error codes as data: what each means, and what it asks of us.

Source: Octopush's return-code page for the codes that are not marked as seen; those come from one public
client of 2026 and are unproven. A class below is proof that the call was not taken only where the official
words exclude acceptance, and only with a status below 500: see `worker.gateway.answers`. A code that is not
here is `Unexplained`: repeating it, splitting its call or giving its request_id up could send twice.
"""

from enum import Enum
from typing import Final, NamedTuple


class CodeClass(Enum):
    """What an error code asks of us."""

    PERMANENT = "permanent"
    """Proof: not taken, and this message never will be as it is."""
    ACCOUNT = "account"
    """Proof: no message is taken until somebody mends the account."""
    BUSY = "busy"
    """Proof: no message is taken for a while."""
    APPROVAL = "approval"
    """No proof: a person must approve or cancel a campaign, perhaps this one. All sending is held."""
    SELDOM = "seldom"
    """No proof: asked too often. A few tries far apart, then a person."""
    DOUBT = "doubt"
    """No proof: the words fit a call that was taken, or say nothing."""
    DUPLICATE = "duplicate"
    """The gateway has seen this request_id."""


class Code(NamedTuple):
    """One row of the table."""

    meaning: str
    kind: CodeClass


_P, _A, _D = CodeClass.PERMANENT, CodeClass.ACCOUNT, CodeClass.DOUBT

#: Every code known, by number.
CODES: Final[dict[int, Code]] = {
    100: Code("nothing was posted", _P),
    101: Code("wrong login details", _A),
    102: Code("text above 160 characters", _P),
    103: Code("message without recipients; seen for a refused number", _P),
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
    120: Code("a message with this request_id was already sent", CodeClass.DUPLICATE),
    121: Code("premium: STOP mention missing", _P),
    122: Code("low cost: no PUB=STOP missing", _P),
    123: Code("request hash missing", _P),
    124: Code("request hash wrong", _P),
    125: Code("undefined error", _D),
    126: Code("campaign awaits approval: validate or cancel it", CodeClass.APPROVAL),
    127: Code("campaign already being processed", _D),
    128: Code("too many attempts, start a new campaign", CodeClass.SELDOM),
    129: Code("campaign being built", _D),
    130: Code("campaign not marked finished", _D),
    132: Code("campaign already sent", _D),
    133: Code("user_batch_id already used", _D),
    150: Code("no country for this prefix", _P),
    151: Code("country not served", _P),
    152: Code("low cost not offered in that country", _P),
    153: Code("route congested: cannot be dispatched immediately", _D),
    160: Code("campaign state error, try again in seconds; seen", _D),
    181: Code("a number was refused; seen", _P),
    182: Code("request_id already seen within 24 h; seen", CodeClass.DUPLICATE),
    189: Code("text too long; seen", _P),
    201: Code("option available on request only", _P),
    206: Code("no campaign while a credit transfer runs", CodeClass.BUSY),
    207: Code("no access to this feature", _P),
    208: Code("wrong message type", _P),
    209: Code("not allowed to send to this user", _P),
    401: Code("access refused; seen", _A),
    403: Code("access refused; seen", _A),
    438: Code("transient, meaning not given; seen", _D),
    500: Code("request impossible to process", _D),
    501: Code("connection error", _D),
    1340: Code("forbidden word in the text; seen", _P),
    1341: Code("forbidden word in the sender; seen", _P),
}

#: Codes of a gateway that has too many calls at once.
STRAIN: Final = frozenset({"127", "128", "153", "http_429"})
#: Codes that hold the account until an operator has acted: no balance tells when that is.
OPERATORS: Final = frozenset({"126"})
#: Codes of an account that cannot pay this call; perhaps it can pay a smaller one.
UNPAID: Final = frozenset({"104", "105", "402", "http_402"})
#: Our word for a call with somebody who may not be texted: it was not posted.
NOT_ALLOWED: Final = "not_allowed"
#: Refusals that may be one recipient's fault: only they split a shared call. 103 stays here until somebody
#: has tried it live.
SPLITTING: Final = frozenset({NOT_ALLOWED, "103", "117", "150", "151", "152", "181"})
#: Codes that somebody should look at although the worker knows what to do.
LOUD: Final = frozenset({"126", "128", "130", "201", "207", "209"})
