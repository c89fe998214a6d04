"""The gateway itself: decides about a call, remembers it, charges it, lets its messages leave."""

import asyncio
import functools
import random
from decimal import Decimal
from typing import Any

from worker.sandbox.simulator.accounts import Account
from worker.sandbox.simulator.campaign import Campaign, SendCall
from worker.sandbox.simulator.clock import Clock
from worker.sandbox.simulator.french_hours import is_open, next_opening
from worker.sandbox.simulator.journal import Journal
from worker.sandbox.simulator.memory import RequestMemory
from worker.sandbox.simulator.network import Network
from worker.sandbox.simulator.refusals import Refusal, refuse
from worker.sandbox.simulator.settings import SimulatorSettings
from worker.sandbox.simulator.validation import check, segments_of

_TICKET_DIGITS = 22
#: A scheduled campaign can be cancelled only until this long before it leaves (documented).
_CANCEL_MARGIN_S = 600.0
#: A scheduled campaign can be cancelled only with fewer recipients than this (documented).
_CANCEL_RECIPIENTS = 3


class SimulatedGateway:
    """Takes send calls; the only place where a message can come into being."""

    def __init__(
        self,
        settings: SimulatorSettings,
        clock: Clock,
        account: Account,
        network: Network,
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._account = account
        self._network = network
        self._rng = rng
        self.memory = RequestMemory(settings, clock)
        self.journal = Journal()
        self._resets = 0

    async def submit(self, call: SendCall) -> Campaign | Refusal:
        """Decide about a call and let its messages leave, or schedule them.

        The gateway decides, uses up the request_id and charges in one step without ``await``; the messages
        leave after ``processing_ms``. A call without a request_id is not safe to repeat.
        """
        resets = self._resets
        if self._settings.concurrent_duplicate == "wait":
            await self.memory.wait_while_running(call.login, call.request_id)
        admitted = self._admit(call) if resets == self._resets else refuse(500, status=503)
        if isinstance(admitted, Refusal):
            return admitted
        self.memory.start(call.login, call.request_id)
        try:
            if self._settings.processing_ms:
                await asyncio.sleep(self._settings.processing_ms / 1000)
            early = self._send(call, admitted) if resets == self._resets else []
        finally:
            self.memory.finish(call.login, call.request_id)
        if early:
            await asyncio.wait(early)
        return admitted

    def claim(self, call: SendCall) -> None:
        """Use up a request_id; one that is used up already is not remembered for a longer time."""
        if not self.memory.is_known(call.login, call.request_id):
            self.memory.remember(call.login, call.request_id)

    def success_body(self, campaign: Campaign) -> dict[str, Any]:
        """Build the documented answer to an accepted call; ``residual_credit`` is the balance right now."""
        return {
            "sms_ticket": campaign.ticket,
            "number_of_contacts": campaign.contacts,
            "number_of_sms_needed": campaign.segments,
            "residual_credit": self._account.balance,
            "total_cost": campaign.cost,
        }

    def simulated_body(self, call: SendCall) -> dict[str, Any]:
        """Build the fake result of ``simulation_mode``; nothing is remembered, charged or sent."""
        segments = sum(segments_of(call.handset_text(r), self._settings) for r in call.recipients)
        ticket = {"sms_ticket": self._ticket()} if self._settings.simulation_has_ticket else {}
        return ticket | {
            "number_of_contacts": len(call.recipients),
            "number_of_sms_needed": segments,
            "residual_credit": self._account.balance,
            "total_cost": float(segments * Decimal(str(self._settings.price_per_segment))),
        }

    def cancel(self, ticket: str) -> Refusal | None:
        """Cancel a scheduled campaign within the documented limits and give its cost back (assumed)."""
        campaign = self.journal.campaigns.get(ticket)
        if campaign is None or campaign.state == "cancelled":
            return refuse(131)
        if campaign.state == "left":
            return refuse(132)
        too_late = campaign.leaves_at - self._clock.now() <= _CANCEL_MARGIN_S
        if too_late or campaign.contacts >= _CANCEL_RECIPIENTS:
            return refuse(156)
        campaign.state = "cancelled"
        self._account.charge(-Decimal(str(campaign.cost)))
        return None

    def reset(self) -> None:
        """Forget request_ids, requests and campaigns; calls being processed have no effect any more."""
        self._resets += 1
        self.memory.reset()
        self.journal.reset()

    def _admit(self, call: SendCall) -> Campaign | Refusal:
        refusal = check(call, self._settings)
        if refusal is None and self.memory.is_known(call.login, call.request_id):
            return refuse(self._settings.duplicate_code, status=self._settings.duplicate_status)
        admitted = refusal or self._enter(call)
        if isinstance(admitted, Campaign) or self._burns(admitted):
            self.claim(call)
        return admitted

    def _burns(self, refusal: Refusal) -> bool:
        return self._settings.refusals_burn_request_id or refusal.code in self._settings.burning_codes

    def _enter(self, call: SendCall) -> Campaign | Refusal:
        if call.removes_blacklisted:
            call.recipients = [r for r in call.recipients if r.number not in self._account.blacklist]
            if not call.recipients:
                return refuse(117)
        contacts = len(call.recipients)
        if self._settings.bad_numbers == "partial_uncounted":
            contacts += call.bad_numbers
        if call.served is not None:
            call.recipients = [r for r in call.recipients if r.number in call.served]
            contacts = len(call.recipients) if call.tells_contacts else contacts
        leaves_at = self._departure(call)
        if leaves_at is None:
            return refuse(
                self._settings.marketing_reject_code, message="Marketing is not allowed at this hour"
            )
        segments, cost = self._price(call)
        if not self._account.can_pay(cost):
            return refuse(104, status=self._settings.low_balance_status)
        self._account.charge(cost)
        campaign = Campaign(
            ticket=self._ticket(),
            request_id=call.request_id,
            login=call.login,
            numbers=call.numbers,
            text=call.text,
            contacts=contacts,
            segments=segments,
            cost=float(cost),
            accepted_at=self._clock.now(),
            leaves_at=leaves_at,
        )
        self.journal.campaigns[campaign.ticket] = campaign
        return campaign

    def _price(self, call: SendCall) -> tuple[int, Decimal]:
        """Count segments and their cost; messages to blacklisted numbers are free (one client's reading)."""
        counts = {
            position: segments_of(call.handset_text(recipient), self._settings)
            for position, recipient in enumerate(call.recipients)
        }
        charged = [p for p, r in enumerate(call.recipients) if r.number not in self._account.blacklist]
        each = Decimal(str(self._settings.price_per_segment))
        if call.with_replies:
            each += Decimal(str(self._settings.reply_surcharge))
        cost = sum(counts[p] for p in charged) * each
        if call.removes_blacklisted:
            cost += Decimal(str(self._settings.blacklist_removal_fee))
        return sum(counts.values()), cost

    def _departure(self, call: SendCall) -> float | None:
        """Return when the messages leave; None when the hour forbids it."""
        wanted = max(call.send_at or 0.0, self._clock.now())
        hours = (self._settings.marketing_from_hour, self._settings.marketing_until_hour)
        moment = self._clock.paris(wanted)
        if self._settings.marketing_hours == "off" or not call.is_french_marketing or is_open(moment, *hours):
            return wanted
        return next_opening(moment, *hours).timestamp() if self._settings.marketing_hours == "hold" else None

    def _send(self, call: SendCall, campaign: Campaign) -> list[asyncio.Task[None]]:
        if campaign.leaves_at > self._clock.now():
            self._clock.call_at(campaign.leaves_at, functools.partial(self._leave, call, campaign))
            return []
        return self._leave(call, campaign)

    def _leave(self, call: SendCall, campaign: Campaign) -> list[asyncio.Task[None]]:
        if campaign.state == "cancelled":
            return []
        campaign.state = "left"
        return self._network.carry(call, campaign.ticket)

    def _ticket(self) -> str:
        return f"sms_{self._rng.randrange(10**_TICKET_DIGITS):0{_TICKET_DIGITS}d}"
