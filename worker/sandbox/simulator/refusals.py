"""The gateway's way of saying no: the published codes and the body that carries them."""

from typing import NamedTuple

#: Code to message. The codes are Octopush's published table (182, 181, 189: seen in one client's code only);
#: the wording is ours, since the real one varies and must never be parsed.
MESSAGES = {
    100: "Nothing was posted",
    101: "Wrong login details",
    103: "The message has no recipients",
    104: "Credit exhausted",
    105: "Credit too low, a purchase awaits validation",
    106: "Wrong sender: 3 to 11 characters among 0-9, a-z, A-Z",
    107: "The text is missing",
    108: "The login is missing",
    109: "The key is missing",
    110: "The list of recipients is missing",
    113: "Account not validated",
    114: "Account under fraud investigation",
    117: "No correct number in the list of recipients",
    120: "A message with the same request_id was already sent",
    121: "Premium message: the STOP mention is missing",
    122: "Low cost message: the opt-out mention is missing",
    125: "Undefined error",
    127: "A campaign is already being processed",
    128: "Too many attempts",
    131: "Campaign not found",
    132: "Campaign already sent",
    153: "Route congested",
    156: "This campaign cannot be cancelled",
    181: "A number was refused",
    182: "Loop detected",
    189: "Message too long",
    305: "Too many contacts",
    404: "Not found",
    405: "Method not allowed",
    500: "Request impossible to process",
    501: "Connection error",
}


#: Codes of a request_id that was used before.
DUPLICATE_CODES = frozenset({120, 182})


class Refusal(NamedTuple):
    """One refused call: HTTP status, code, human message."""

    status: int
    code: int | str
    message: str


def refuse(code: int, *, status: int = 400, message: str = "") -> Refusal:
    """Build a refusal; without a message, the code's usual one is taken."""
    return Refusal(status, code, message or MESSAGES.get(code, f"Error {code}"))


def refusal_body(refusal: Refusal, *, code_as_string: bool) -> dict[str, int | str]:
    """Build the JSON body: ``code`` (integer, or digits in a string if asked) and ``message``."""
    code = str(refusal.code) if code_as_string else refusal.code
    return {"code": code, "message": refusal.message}
