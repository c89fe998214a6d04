"""The account's parameters, as far as they say where callbacks go. Pure.

Octopush docs, API default parameters: ``GET user/campaign-parameters`` and ``PATCH …/edit``, the addresses
below ``callbacks``. An older page gives the one of receipts another name. What the answer to a change looks
like is not documented, and what the gateway cannot understand it leaves out without a word: so whoever
changes something reads it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

#: The gateway's names of the address of each kind of callback, today's first.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "receipts": ("callback_url_for_deliveries", "callback_url_for_sms_deliveries"),
    "replies": ("callback_url_for_inbounds",),
    "optouts": ("callback_url_for_blacklisted_numbers",),
}
_GROUP: Final = "callbacks"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Where the account's callbacks go.

    Attributes:
        urls: by kind; empty where there is none.
        names: how the gateway calls each of these addresses.
        email: where the gateway mails replies to; empty for nowhere.
    """

    urls: Mapping[str, str] = field(repr=False)
    names: Mapping[str, str]
    email: str = field(repr=False)


def read(answer: Mapping[str, Any]) -> Parameters | None:
    """Read the answer of the gateway; None if it does not speak of callbacks, as none of the gateway does."""
    if _GROUP not in answer:
        return None
    group = answer[_GROUP]
    found = group if isinstance(group, dict) else {}
    names = {
        kind: next((each for each in known if each in found), known[0]) for kind, known in _NAMES.items()
    }
    urls = {kind: _text(found.get(name)) for kind, name in names.items()}
    return Parameters(urls, names, _text(found.get("email_for_inbounds")))


def change(urls: Mapping[str, str]) -> bytes:
    """Write the body of a change, by the gateway's names."""
    return msgspec.json.encode({_GROUP: dict(urls)})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
