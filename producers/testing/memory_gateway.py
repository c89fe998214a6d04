"""The gateway in the tests of an application: it takes what is sent while it is not away."""

import itertools
from decimal import Decimal
from typing import Final

from worker.gateway.outcomes import Accepted, Deferred, Outcome
from worker.ledger.claims import Claim

from ..messages.body import numbers_of
from ..messages.dues import ANSWERABLE
from ..rules.money import MICRO
from .queued import Queued

#: What the gateway answers while it is away, as a worker calls that.
_AWAY: Final = Deferred("client_connector_error")
#: Euros of a segment, as the simulator takes them.
_PRICE: Final = Decimal("0.05")
#: What a segment costs more that can be answered, as workers reckon.
_ANSWERABLE: Final = Decimal(ANSWERABLE) / MICRO


class MemoryGateway:
    """Answers POSTs as the gateway does.

    Args:
        queued: is told what has left.

    Attributes:
        is_away: whether it takes nothing.
    """

    def __init__(self, queued: Queued) -> None:
        self.is_away = False
        self._queued = queued
        self._tickets = itertools.count(1)

    def post(self, claim: Claim) -> Outcome:
        """Answer the POST of a claim."""
        if self.is_away:
            return _AWAY
        request_id, numbers = claim.entry.id, numbers_of(claim.body)
        segments = self._queued.note_left(request_id, numbers)
        ticket = f"sms_{next(self._tickets):09d}"
        price = _PRICE + (_ANSWERABLE if b'"with_replies":true' in claim.body else 0)
        return Accepted(ticket, str(price * segments), segments, len(numbers))
