"""The body of a message: the JSON bytes of a POST, as producers write them and as everybody else reads them.

Whoever reads decodes as little as it needs. Scripts read the same bytes, most of them by pattern, so a change
here is a change there:

- ``content.seen`` cuts it before ``,"type":``;
- ``compose.lua`` cuts the recipient out, up to ``],"text":``, and puts another ``request_id`` in;
- ``gates/breaker.lua`` and ``suspect.lua`` look for ``sender`` and ``type``;
- ``prices.lua`` looks for ``type`` and the country code of each ``phone_number``;
- ``unticketed.lua`` decodes the JSON for each ``phone_number``.
"""

from typing import Final

import msgspec

from ..contract.discreet import discreet
from .recipient import Recipient


@discreet
class Body(msgspec.Struct, omit_defaults=True, gc=False):
    """The JSON of a POST. Scripts rely on its order: the recipients come first, then the text."""

    recipients: list[Recipient]
    text: str
    sender: str
    type: str
    purpose: str
    request_id: str
    # Explicit always: the gateway's own pages disagree on what its absence means.
    auto_optimize_text: bool
    with_replies: bool = False
    simulation_mode: bool = False
    auto_remove_blacklisted_numbers: bool = False
    send_at: str | None = None


#: Writes a `Body` as the bytes of a POST.
encode: Final = msgspec.json.Encoder().encode
#: Reads the whole of what `encode` wrote.
decode: Final = msgspec.json.Decoder(Body).decode


@discreet
class _Numbered(msgspec.Struct):
    phone_number: str


@discreet
class _Numbers(msgspec.Struct):
    recipients: list[_Numbered]


@discreet
class BodyFacts(msgspec.Struct):
    """The parts of a body that the worker looks at."""

    recipients: list[_Numbered]
    sender: str = ""
    type: str = ""
    simulation_mode: bool = False


_NUMBERS: Final = msgspec.json.Decoder(_Numbers)
_FACTS: Final = msgspec.json.Decoder(BodyFacts)


def numbers_of(body: bytes) -> list[str]:
    """Read the numbers of the recipients, in order.

    Raises:
        msgspec.MsgspecError: somebody damaged the body.
    """
    return [each.phone_number for each in _NUMBERS.decode(body).recipients]


def facts_of(body: bytes) -> BodyFacts:
    """Read what the worker looks at.

    Raises:
        msgspec.MsgspecError: somebody damaged the body.
    """
    return _FACTS.decode(body)
