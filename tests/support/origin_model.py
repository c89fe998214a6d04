"""Which send a callback belongs to, said once more in plain Python: what correlation is compared with."""

from dataclasses import dataclass, field

#: States of a send that somebody may have got.
REACHED = {"doubt", "accepted", "unknown"}


@dataclass(slots=True)
class Send:
    """What one POST carries: a message, a slice of a campaign, or a shared call.

    Attributes:
        members: request_id by number.
        two_way: whether it can be answered.
        alone: whether it is no shared call.
        state: ``queued``, ``running`` (its first attempt, or one after others that were surely not taken),
            ``doubt``, or an end.
        first: when its first attempt began, ms.
        busy_since: when the attempt that runs began; None while none runs.
        ticket: its ticket, as far as is known.
        adopted: the ticket came with a callback.
        ambiguous: two tickets claimed to be its own.
        open: it may have been taken, and no answer brought a ticket.
    """

    members: dict[str, str]
    two_way: bool
    alone: bool
    state: str = "queued"
    first: int | None = None
    busy_since: int | None = None
    ticket: str | None = None
    adopted: bool = False
    ambiguous: bool = False
    open: bool = False

    @property
    def knows_recipients(self) -> bool:
        """Whether Redis can tell who its recipients are: it keeps their numbers, or still has the text."""
        return not self.alone or self.two_way or self.state != "accepted"


@dataclass(slots=True)
class Asked:
    """A callback.

    Attributes:
        number: who wrote.
        ticket: as it was named, or None.
        received: when it came, ms.
        written: when it was written, at the latest, ms.
        short: digits that it was written to, or ``""``.
        is_reply: only a reply is bound without a ticket.
    """

    number: str
    ticket: str | None
    received: int
    written: int
    short: str
    is_reply: bool = True


@dataclass(slots=True)
class Origins:
    """All sends, and what was learnt of them.

    Attributes:
        sends: in no order that matters.
        queued: request_ids in the order in which they were queued.
        short: digits to which the answers to a request_id come; ``""`` when replies named several.
    """

    sends: list[Send] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    short: dict[str, str] = field(default_factory=dict)

    def of(self, asked: Asked, *, patient: bool) -> tuple[str, str] | None:
        """Say which send a callback belongs to and why; None while it has to wait.

        Returns:
            The match and the request_id, ``""`` for none.
        """
        if asked.ticket is not None:
            return self._by_ticket(asked, patient=patient)
        return self._by_number(asked, patient=patient) if asked.is_reply else ("none", "")

    def _by_number(self, asked: Asked, *, patient: bool) -> tuple[str, str] | None:
        fitting = [
            send
            for send in self.sends
            if send.two_way
            and asked.number in send.members
            and send.state in REACHED | {"running"}
            and send.first is not None
            and send.first <= asked.written
            and self._same_short(self.short.get(send.members[asked.number], ""), asked.short)
        ]
        if not fitting:
            return "none", ""
        # Of those that began together the one that was queued last.
        latest = max(fitting, key=lambda s: (s.first or 0, self.queued.index(s.members[asked.number])))
        if latest.state == "running" and patient:
            return None
        return "number", latest.members[asked.number]

    @staticmethod
    def _same_short(learnt: str, written_to: str) -> bool:
        return not learnt or not written_to or learnt == written_to

    def _by_ticket(self, asked: Asked, *, patient: bool) -> tuple[str, str] | None:
        assert asked.ticket is not None
        owner = next((send for send in self.sends if send.ticket == asked.ticket), None)
        if owner:
            return self._bound(owner, asked)
        busy = any(s.busy_since is not None and s.busy_since <= asked.received for s in self.sends)
        if busy and patient:
            return None
        if not asked.ticket.startswith("sms_"):
            return "none", ""
        candidates = [
            send
            for send in self.sends
            if send.open
            and not send.ambiguous
            and asked.number in send.members
            and send.first is not None
            and send.first <= asked.written
        ]
        without = [send for send in candidates if send.ticket is None]
        if len(without) == 1:
            without[0].ticket, without[0].adopted = asked.ticket, True
            if without[0].state == "unknown":
                without[0].state = "accepted"
            return self._bound(without[0], asked)
        if not without and len(candidates) == 1 and candidates[0].adopted:
            candidates[0].ambiguous, candidates[0].ticket, candidates[0].adopted = True, None, False
        return "none", ""

    def _bound(self, send: Send, asked: Asked) -> tuple[str, str]:
        request_id = send.members.get(asked.number)
        if request_id is None and send.knows_recipients:
            return "none", ""
        if send.state == "unknown":
            send.state = "accepted"
        request_id = request_id or next(iter(send.members.values()))
        if asked.short:
            learnt = self.short.setdefault(request_id, asked.short)
            self.short[request_id] = learnt if learnt == asked.short else ""
        return "ticket", request_id
