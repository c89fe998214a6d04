"""The values that travel through the simulator: a send call, and the campaign it becomes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from worker.sandbox.simulator.sms_text import fill_in, optimise


class Recipient(NamedTuple):
    """A usable number (``+`` and digits) and the values of its placeholders."""

    number: str
    fields: Mapping[str, str]


class SendCall(msgspec.Struct, kw_only=True):
    """One ``POST /sms-campaign/send`` after casting, before any decision.

    Attributes:
        login: Who calls.
        request_id: None when absent or empty.
        recipients: Usable ones, in the order of the call, repeats kept.
        contacts: How many entries the call carried; None when there was no list.
        bad_numbers: How many entries carried no usable number.
        text: As received, placeholders unfilled.
        sender: As received; empty when absent.
        low_cost: ``type`` is ``sms_low_cost``; anything else counts as premium (default not documented).
        marketing: ``purpose`` is not ``alert`` (documented default: ``wholesale``).
        send_at: Seconds since the epoch; None when absent or unreadable.
        served: The numbers that get the text if the call is accepted; None: all of them.
        tells_contacts: Whether the answer counts only the numbers in `served`.
    """

    login: str
    request_id: str | None
    recipients: Sequence[Recipient]
    contacts: int | None
    bad_numbers: int
    text: str
    sender: str
    low_cost: bool
    marketing: bool
    send_at: float | None
    with_replies: bool
    simulation: bool
    optimised: bool
    removes_blacklisted: bool
    served: Sequence[str] | None = None
    tells_contacts: bool = True

    @property
    def numbers(self) -> list[str]:
        """The usable numbers, in the order of the call."""
        return [recipient.number for recipient in self.recipients]

    @property
    def is_french_marketing(self) -> bool:
        """Whether French rules on marketing apply to any recipient."""
        return self.marketing and any(number.startswith("+33") for number in self.numbers)

    def filled_in(self, recipient: Recipient) -> str:
        """Return the text for one recipient, not yet optimised."""
        return fill_in(self.text, recipient.fields)

    def handset_text(self, recipient: Recipient) -> str:
        """Return the text one recipient will see."""
        filled = self.filled_in(recipient)
        return optimise(filled) if self.optimised else filled


class Campaign(msgspec.Struct, kw_only=True):
    """An accepted call.

    Attributes:
        ticket: ``sms_`` and 22 digits, the shape seen since 2022.
        contacts: Number of recipients, as the answer tells it.
        segments: Parts of all messages together.
        cost: Euros charged.
        accepted_at: Seconds since the epoch on the simulator's clock.
        leaves_at: When the messages leave or left, same clock.
        state: ``scheduled``, ``left`` or ``cancelled``.
    """

    ticket: str
    request_id: str | None
    login: str
    numbers: Sequence[str]
    text: str
    contacts: int
    segments: int
    cost: float
    accepted_at: float
    leaves_at: float
    state: str = "scheduled"
