"""The rounds of a send before the present one: a person has sent it again after each. Pure."""

import msgspec


class Round(msgspec.Struct, frozen=True):
    """One round of a send, from its first attempt to the decision of a person. Times are ms, as text.

    Attributes:
        state: the end state that it came to.
        again: when a person sent it again.
        first: when its first attempt began that made a POST; None without one.
        ended: when it came to its end.
        code: what it ended with, or None.
    """

    state: str
    again: str
    first: str | None = None
    ended: str | None = None
    code: str | None = None


_decode = msgspec.json.Decoder(tuple[Round, ...]).decode


def read_rounds(written: str | None) -> tuple[Round, ...]:
    """Read the field ``rounds`` of a record: the first round, and the newest nine others."""
    return _decode(written) if written else ()
