"""What a producer tells about campaigns, and how it reads a campaign's hash. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal, get_args

from ..contract.admission import describe, read_gate
from ..contract.amounts import read_amount
from ..contract.jobs import ENDS
from ..contract.receipts import DeliveryState, missing
from ..rules.held import read_held, words
from ..rules.hours import Hours

#: How the fields begin that count what waits at a gate.
_ASIDE: Final = "aside:"
#: How those begin that count what is held until a time.
_HELD: Final = "held:"
#: And those that count, by the hour of acceptance, of whom no receipt came yet.
_AWAITED: Final = b"awaited:"

#: What became of a pause: ``stopped`` if the campaign was cancelled, ``done`` if all of it had ended.
Halt = Literal["paused", "stopped", "done", "unknown_id"]
#: What became of a resume: ``paused`` if somebody paused it again meanwhile, ``stopped`` if it was cancelled.
Resumption = Literal["resumed", "paused", "stopped", "unknown_id"]


@dataclass(frozen=True, slots=True)
class Hold:
    """What of a campaign is held until a time.

    Attributes:
        messages: how many.
        reason: ``hours`` or ``over_budget``.
        until: until when.
        words: for people: ``held until Tue 08:00, Easter Monday``.
    """

    messages: int
    reason: str
    until: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """What one run of `Producer.send_campaign` came to.

    Attributes:
        campaign_id: names the campaign; give it to run the same campaign again.
        recipients: recipients in all its slices, whether queued now or before.
        segments: segments over all recipients, as we count them; the gateway's count decides the bill.
        slices: messages it consists of: ``created + existing``.
        created: messages queued by this run.
        existing: messages that are in the ledger or have ended; nothing was queued for them.
        left_out: recipients given that cannot be texted, or are repeated; 0 unless ``on_invalid`` is a
            callable.
        warnings: what is allowed, and probably a mistake, by field, as `Sent.warnings`.
        suppressed: of the recipients, those who were left out as their slice was queued, since they want no
            more SMS. They count as cancelled.
    """

    campaign_id: str
    recipients: int
    segments: int
    slices: int
    created: int
    existing: int
    left_out: int
    warnings: tuple[str, ...] = ()
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """Where a campaign stands.

    Numbers count recipients, but ``slices`` and ``waiting`` count messages.

    Attributes:
        campaign_id: its name.
        recipients: queued so far.
        pending: of these, not at an end: queued or being sent.
        accepted, rejected, expired, cancelled, failed, unknown: of these, at this end. They and ``pending``
            add up to ``recipients``.
        sent, undelivered, delivered: recipients by what their receipts say: it left and no more is known; the
            network could not deliver it; a handset has it. A recipient without a receipt is in none of them.
        receipts_missing: recipients of whom no receipt came within 48 h of the acceptance, counted by hours.
        cost: what the gateway has charged so far, in the account's currency.
        slices: slices so far, also those that nobody is left in: at least as many as there are messages.
        waiting: messages that a worker has put aside because of the pause; others still lie in the queue.
        complete: a run has come to the end of its recipients since the last slice was queued. If not, a run
            is at work or was cut short.
        paused: no attempt begins; also while it is uploaded, if it waits for that.
        uploading: not all of its parts are there, and it waits for them.
        stopped: it was cancelled for good.
        aside: messages that wait for a reason that concerns them and not all, in ``waits_for``.
        waits_for: those reasons, in words for people.
        suppressed: of those cancelled, recipients left out of slices that have others, and of slices that
            nobody was left in as they were queued: they want no more SMS.
        holds: what is held until a time, the first to leave first.
        started_at, completed_at: begin of the first run, end of the run that made it complete, in UTC by
            Redis's clock.
    """

    campaign_id: str
    recipients: int
    pending: int
    accepted: int
    rejected: int
    expired: int
    cancelled: int
    failed: int
    unknown: int
    cost: Decimal
    slices: int
    waiting: int
    complete: bool
    paused: bool
    stopped: bool
    started_at: datetime | None
    completed_at: datetime | None
    sent: int = 0
    undelivered: int = 0
    delivered: int = 0
    receipts_missing: int = 0
    aside: int = 0
    waits_for: tuple[str, ...] = ()
    suppressed: int = 0
    holds: tuple[Hold, ...] = ()
    uploading: bool = False

    @property
    def done(self) -> bool:
        """Whether nothing more will happen by itself, since all that will be queued is at an end."""
        return not self.pending and (self.complete or self.stopped)


@dataclass(frozen=True, slots=True)
class CampaignCancellation:
    """What `Producer.cancel_campaign` came to, in messages (slices).

    Attributes:
        cancelled: never sent, whether cancelled now or before.
        too_late: an attempt has begun, or they are at another end.
        done: all of the campaign had ended before: nothing was changed, and it is not stopped.
    """

    cancelled: int
    too_late: int
    done: bool = False


def read_campaign(
    campaign_id: str,
    reply: Mapping[bytes, bytes],
    waiting: int,
    gates: Mapping[bytes, bytes],
    now_ms: int,
    hours: Hours,
) -> CampaignStatus | None:
    """Read a campaign's hash and the gates as Redis returns them; None for an unknown id."""
    if not reply:
        return None
    fields = {name.decode(): value.decode() for name, value in reply.items()}
    ended = {state: int(fields.get(state, 0)) for state in ENDS}
    recipients = int(fields.get("recipients", 0))
    aside = {name.removeprefix(_ASIDE): int(n) for name, n in fields.items() if name.startswith(_ASIDE)}
    deliveries = {state: int(fields.get("delivery:" + state, 0)) for state in get_args(DeliveryState)}
    awaited = {hour[len(_AWAITED) :]: n for hour, n in reply.items() if hour.startswith(_AWAITED)}
    return CampaignStatus(
        campaign_id=campaign_id,
        recipients=recipients,
        pending=max(0, recipients - sum(ended.values())),
        **ended,
        cost=read_amount(fields.get("cost", "0")),
        slices=int(fields.get("slices", 0)),
        waiting=waiting,
        complete="complete" in fields,
        paused="paused" in fields or "uploading" in fields,
        uploading="uploading" in fields,
        stopped="stopped" in fields,
        started_at=_at(fields.get("started")),
        completed_at=_at(fields.get("complete")),
        **deliveries,
        receipts_missing=missing(awaited, now_ms),
        aside=sum(aside.values()),
        suppressed=int(fields.get("suppressed", 0)),
        waits_for=tuple(_why(name, gates, fields.get("price:" + name)) for name in sorted(aside)),
        holds=_holds(hours, fields, datetime.fromtimestamp(now_ms / 1000, UTC)),
    )


def _holds(hours: Hours, fields: Mapping[str, str], now: datetime) -> tuple[Hold, ...]:
    """Sum up what is held, by what people are told of it: several zones may open at the same time."""
    counts = {name.removeprefix(_HELD): count for name, count in fields.items() if name.startswith(_HELD)}
    found: dict[tuple[str, str], Hold] = {}
    for held, count in read_held(counts).items():
        told = held.reason, words(hours, held, now)
        before = found[told].messages if told in found else 0
        found[told] = Hold(before + count, held.reason, held.until, told[1])
    return tuple(found.values())


def _why(name: str, gates: Mapping[bytes, bytes], price: str | None) -> str:
    return describe(name, read_gate(gates.get(name.encode(), b"{}")), Decimal(price) if price else None)


def _at(ms: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(ms) / 1000, UTC) if ms else None
