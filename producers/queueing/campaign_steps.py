"""The steps of everything about campaigns, for both kinds of client. No I/O.

`Sending` is one run of `send_campaign`. It offers every slice to Redis and assumes nothing about any. The
script that queues a slice also notes it in the campaign, sees whether somebody has cancelled the campaign,
and tells a slice that ended long ago from one that is missing. So a cancel knows how far to look, wherever a
run was killed, and the next run queues what the last one did not reach or Redis has lost.
"""

from typing import Any, Final

from ..contract.scripts import Command, Script
from ..contract.settings import RedisSettings
from ..contract.steps import Commands, Steps, Together
from ..errors import CampaignCancelled, QueueUnavailable, RequestIdConflict
from .campaign_status import (
    Campaign,
    CampaignCancellation,
    CampaignStatus,
    Halt,
    Resumption,
    read_campaign,
)
from .campaigns import Slicer, checked
from .records import Cancellation, Records
from .slices import message_ids

_COMPLETE = Script(__package__, "complete_campaign")
_HALT = Script(__package__, "halt_campaign", when_full=True)
_RESUME = Script(__package__, "resume_campaign", when_full=True)

#: Slices cancelled in one round trip, and slices given back to a queue in one step.
_CANCELS: Final = 100
_RESUMES: Final = 1000


class Campaigns:
    """Builds the steps of everything about campaigns.

    Args:
        records: commands of single messages.
        settings: namespace and retention.
    """

    def __init__(self, records: Records, settings: RedisSettings) -> None:
        self._records, self._keys = records, records.keys
        self._retention_ms = settings.retention_ms

    def sending(self, slicer: Slicer) -> "Sending":
        """Begin one run of a campaign."""
        return Sending(slicer, self._records, self)

    def complete(self, campaign_id: str, slices: int, recipients: int) -> Command[bytes]:
        """Note that these were all; replies ``complete``, ``stopped`` or ``lost``."""
        given = {
            "campaign": campaign_id,
            "slices": slices,
            "recipients": recipients,
            "retention_ms": self._retention_ms,
        }
        return Command(_COMPLETE, self._keys.prefix, given, bytes)

    def status(self, campaign_id: str) -> Steps[CampaignStatus | None]:
        """Read where a campaign stands; None if it is unknown or forgotten."""
        campaign_id = checked(campaign_id)
        key = self._keys.campaign(campaign_id)
        (seconds, _), waiting, gates, fields = yield Commands(
            [
                ("TIME",),
                ("LLEN", self._keys.campaign_waiting(campaign_id)),
                ("HGETALL", self._keys.gates),
                ("HGETALL", key),
            ]
        )
        return read_campaign(
            *(campaign_id, fields, int(waiting), gates, int(seconds) * 1000), self._records.hours
        )

    def pause(self, campaign_id: str) -> Steps[Halt]:
        """Let no further attempt begin."""
        halt, _ = yield self._halt(campaign_id, "pause")
        return halt  # type: ignore[no-any-return]

    def resume(self, campaign_id: str) -> Steps[Resumption]:
        """Lift a pause, and give back all that waits, some at a time."""
        campaign_id = checked(campaign_id)
        verdict, waiting = yield self._resume(campaign_id, "lift")
        return (yield from self._empty(campaign_id, verdict, waiting)) if verdict == "resumed" else verdict

    def cancel(self, campaign_id: str) -> Steps[CampaignCancellation | None]:
        """Stop a campaign for good and cancel each of its slices; None if it is unknown."""
        campaign_id = checked(campaign_id)
        halt, ended = yield self._halt(campaign_id, "cancel")
        if halt == "unknown_id":
            return None
        if halt == "done":
            return CampaignCancellation(0, ended, done=True)
        [slices] = yield Commands([("HGET", self._keys.campaign(campaign_id), "slices")])
        verdicts: list[Cancellation] = []
        for start in range(0, int(slices or 0), _CANCELS):
            numbers = range(start, min(start + _CANCELS, int(slices)))
            ids = yield from message_ids(self._keys, campaign_id, numbers)
            for first in range(0, len(ids), _CANCELS):
                some = ids[first : first + _CANCELS]
                verdicts += yield Together([self._records.cancel(each) for each in some])
        yield from self.give_back(campaign_id)
        return CampaignCancellation(verdicts.count("cancelled"), verdicts.count("too_late"))

    def give_back(self, campaign_id: str) -> Steps[Resumption]:
        """Give back what waits although no pause is set, as after a resume that was cut short."""
        verdict, waiting = yield self._resume(campaign_id, "more")
        return (yield from self._empty(campaign_id, verdict, waiting))

    def _halt(self, campaign_id: str, how: str) -> Command[tuple[Halt, int]]:
        given = {"campaign": checked(campaign_id), "how": how, "retention_ms": self._retention_ms}
        return Command(_HALT, self._keys.prefix, given, lambda reply: (reply[0].decode(), reply[1]))

    def _empty(self, campaign_id: str, verdict: Resumption, waiting: int) -> Steps[Resumption]:
        # Bounded by what waits now: an entry that comes back meanwhile is another call's to move.
        for _ in range(0, waiting, _RESUMES):
            verdict, _left = yield self._resume(campaign_id, "more")
            if verdict == "paused":
                break
        return verdict

    def _resume(self, campaign_id: str, how: str) -> Command[tuple[Resumption, int]]:
        given = {"campaign": checked(campaign_id), "how": how, "most": _RESUMES}
        return Command(_RESUME, self._keys.prefix, given, lambda reply: (reply[0].decode(), reply[1]))


class Sending:
    """One run of a campaign: `begin`, then `take` per chunk of 500 recipients, then `end`.

    Args:
        slicer: cuts, checks and counts.
        records: commands of single messages.
        campaigns: commands of campaigns.
    """

    def __init__(self, slicer: Slicer, records: Records, campaigns: Campaigns) -> None:
        self._slicer, self._records, self._campaigns = slicer, records, campaigns
        self._id = slicer.campaign_id
        self._created = self._existing = self._noted = self._suppressed = 0

    def begin(self) -> Steps[None]:
        """Learn where the campaign stands.

        Raises:
            CampaignCancelled: it was cancelled.
        """
        [(recipients, stopped, limit)] = yield Commands(
            [("HMGET", self._records.keys.campaign(self._id), "recipients", "stopped", "limit")]
        )
        if stopped:
            raise CampaignCancelled(self._id)
        self._noted = int(recipients or 0)
        # An earlier run has given the campaign a budget, which holds until somebody gives another.
        self._slicer.priced = self._slicer.priced or limit is not None

    def take(self, chunk: list[Any]) -> Steps[None]:
        """Queue the next slice, unless it is there or has ended.

        Raises:
            InvalidMessage: somebody cannot be texted; nothing of this slice was queued.
            RequestIdConflict: the slice is there with other content; nothing was queued.
            CampaignCancelled: somebody cancelled it meanwhile.
            OverBudget: the campaign would cost more than its budget; nothing was queued.
        """
        messages = self._slicer.cut(chunk)
        if not messages:
            return
        answers = yield from self._records.enqueue_slice(messages, self._slicer.budget)
        verdicts = [verdict for verdict, _ in answers]
        self._suppressed += sum(left_out for _, left_out in answers)
        if "stopped" in verdicts:
            raise CampaignCancelled(self._id)
        pairs = list(zip(messages, verdicts, strict=True))
        if conflicting := [each.request_id for each, verdict in pairs if verdict == "conflict"]:
            raise RequestIdConflict(conflicting)
        created = [each for each, verdict in pairs if verdict == "created"]
        self._created += len(created)
        self._noted += sum(each.recipients for each in created)
        self._existing += len(pairs) - len(created)

    def end(self) -> Steps[Campaign]:
        """Note that these were all, and sum up.

        Raises:
            CampaignCancelled: somebody cancelled it meanwhile.
            QueueUnavailable: Redis has lost some of these slices meanwhile.
        """
        verdict = yield self._campaigns.complete(self._id, self._slicer.number, self._noted)
        if verdict == b"stopped":
            raise CampaignCancelled(self._id)
        if verdict == b"lost":
            raise QueueUnavailable((), "writes lost", self._id)
        yield from self._campaigns.give_back(self._id)
        return Campaign(
            campaign_id=self._id,
            recipients=self._slicer.recipients,
            segments=self._slicer.segments,
            slices=self._created + self._existing,
            created=self._created,
            existing=self._existing,
            left_out=self._slicer.left_out,
            suppressed=self._suppressed,
            warnings=self._slicer.warnings,
        )
