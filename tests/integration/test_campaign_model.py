"""Campaigns against a plain model of the world: whatever happens in whatever order, nobody is texted twice.

The world is a gateway that remembers a request_id for a day, an application that runs a campaign and may die
between any two commands, somebody who extends the list, pauses, resumes or cancels, a worker, and a Redis
that may be full, forget its last writes or outlive the retention. Judged is what the gateway took: nobody is
texted twice, and everybody once after the last run.
"""

from collections import Counter
from contextlib import contextmanager, suppress

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from producers import CampaignCancelled, Producer, QueueUnavailable
from producers.queueing import chunks
from tests.integration.test_ledger_model import ENDS, FATES, SELDOM
from tests.support.hand_worker import KEYS, HandWorker, gateway_id, numbers_of
from tests.support.random_model import run_model
from tests.support.redis_history import History, Killed, Watched, retention_passes
from worker.gateway.outcomes import Duplicate, Outcome, Unknown
from worker.ledger.ledger import WINDOW_S, Claim

NAME = "spring"
TEXT = "Hello STOP au 30101"
#: Recipients of a slice, and slices of the longest list.
SLICE, SLICES = 2, 6
#: What may happen before or after one of a run's commands.
TROUBLES = ("none", "none", "killed before", "killed after", "full", "lost")
TAKEN_OR_NOT = sorted(set(FATES) - {"refused", "account in trouble"})
#: Rounds in which a world without trouble must bring everything to its end.
ROUNDS = 40


class World(RuleBasedStateMachine):
    """One campaign, one gateway, one Redis."""

    server_port: int

    @initialize(slices=st.integers(1, 3), nobody=st.sets(st.integers(0, SLICES - 1), max_size=2))
    def begin(self, slices, nobody):
        """``nobody``: the slices in which nobody can be texted."""
        self.redis = redis.Redis(port=self.server_port)
        self.redis.flushall()
        self.history = History(self.redis)
        self.sms = Producer(client=Watched(self.history, self.server_port))
        self.looker = Producer(client=self.redis)
        self.hand = HandWorker(Watched(self.history, self.server_port), queue="marketing")
        self.slices, self.nobody = slices, nobody
        self.paused = self.stopped = False
        self.begin_campaign()

    def begin_campaign(self):
        #: What the gateway knows: its request_ids, and how often it took a text for each number.
        self.remembered: set[str] = set()
        self.texted: Counter[str] = Counter()
        #: Slices of which a day has passed since their first attempt: they may end as unknown or failed.
        self.overtime: set[str] = set()

    def teardown(self):
        if hasattr(self, "redis"):
            try:
                self.everything_ends()
            finally:
                self.redis.config_set("maxmemory", 0)
                self.sms.close()
                self.hand.redis.close()
                self.redis.close()

    def numbers(self, number: int) -> list[str]:
        return [f"+33612000{number:02d}{place}" for place in range(SLICE)]

    def recipients(self):
        for number in range(self.slices):
            yield from ["rubbish"] * SLICE if number in self.nobody else self.numbers(number)

    @contextmanager
    def in_trouble(self, trouble, at, back):
        """Let one thing happen at one command."""

        def hook(side, number):
            if number != at or (side == "before") != (trouble != "killed after"):
                return
            if trouble.startswith("killed"):
                raise Killed
            if trouble == "full":
                self.redis.config_set("maxmemory", 1)
            if trouble == "lost":
                self.lose(back)
            if trouble == "cancelled":
                self.looker.cancel_campaign(NAME)
                self.look()

        self.history.watch(None if trouble == "none" else hook)
        try:
            yield
        except (Killed, QueueUnavailable):
            pass
        finally:
            self.history.watch(None)
            self.redis.config_set("maxmemory", 0)

    def lose(self, commands: int) -> None:
        self.history.lose(commands)
        self.look()

    def look(self):
        """What is so from now on, as far as somebody may have decided it just now, or Redis forgot it."""
        self.paused, self.stopped = (
            self.redis.hexists(KEYS.campaign(NAME), name) for name in ("paused", "stopped")
        )

    def send(self):
        return self.sms.send_campaign(
            TEXT, self.recipients(), campaign_id=NAME, sender="Bistro", on_invalid=lambda *_: None
        )

    @rule(seldom=SELDOM, at=st.integers(2, SLICES + 3))
    def run_while_it_is_cancelled(self, seldom, at):
        if seldom:
            with self.in_trouble("cancelled", at, 0), suppress(CampaignCancelled):
                self.send()

    @rule(at=st.integers(3, SLICES))
    def run_cut_short_and_sent(self, at):
        """What was queued has all ended when the next run comes."""
        with self.in_trouble("killed before", at, 0), suppress(CampaignCancelled):
            self.send()
        self.work_well()

    @rule(trouble=st.sampled_from(TROUBLES), at=st.integers(1, SLICES + 4), back=st.integers(1, 8))
    def run(self, trouble, at, back):
        with self.in_trouble(trouble, at, back):
            try:
                result = self.send()
            except CampaignCancelled:
                assert self.stopped
                return
            assert not self.stopped
            assert result.created + result.existing == len(set(range(self.slices)) - self.nobody)

    @rule()
    def extend(self):
        self.slices = min(SLICES, self.slices + 1)

    @rule(trouble=st.sampled_from(TROUBLES), at=st.integers(1, 3), back=st.integers(1, 8))
    def pause(self, trouble, at, back):
        with self.in_trouble(trouble, at, back):
            self.sms.pause_campaign(NAME)
        self.look()

    @rule(trouble=st.sampled_from(TROUBLES), at=st.integers(1, 3), back=st.integers(1, 8))
    def resume(self, trouble, at, back):
        with self.in_trouble(trouble, at, back):
            self.sms.resume_campaign(NAME)
        self.look()

    @rule(seldom=SELDOM, trouble=st.sampled_from(TROUBLES), at=st.integers(1, 6), back=st.integers(1, 8))
    def cancel(self, seldom, trouble, at, back):
        if seldom:
            with self.in_trouble(trouble, at, back):
                self.sms.cancel_campaign(NAME)
            self.look()

    @rule(fate=st.sampled_from(TAKEN_OR_NOT), dies=st.booleans())
    def work(self, fate, dies):
        for claim in self.hand.claim(self.hand.fetch()):
            outcome = self.post(claim, fate)
            if dies:
                self.hand.lose(claim)
            else:
                self.hand.finish(claim, outcome)

    @rule()
    def work_well(self):
        for claim in self.hand.take():
            self.hand.finish(claim, self.post(claim, "accepted"))

    @rule(fate=st.sampled_from(TAKEN_OR_NOT), at=st.integers(1, 6), back=st.integers(1, 8))
    def work_while_writes_are_lost(self, fate, at, back):
        with self.in_trouble("lost", at, back):
            self.work(fate, dies=False)

    @rule(back=st.integers(1, 16))
    def lose_writes(self, back):
        self.lose(back)
        self.leases_run_out()

    @rule()
    def a_week_passes(self):
        """Leases, retention and the gateway's memory run out; nobody leaves lost writes alone so long."""
        if any(self.is_unaware(each) for each in self.remembered):
            return
        for each in self.records("queued", "sending"):
            if self.redis.hexists(KEYS.record(each), "first"):
                self.redis.hincrby(KEYS.record(each), "first", -WINDOW_S * 1000 - 1)
                self.overtime.add(each)
        self.leases_run_out()
        known = self.redis.hmget(KEYS.campaign(NAME), "complete", "stopped")
        self.history.reach_the_disk()
        retention_passes(self.redis)
        self.remembered.clear()
        if any(known) and not self.redis.exists(KEYS.campaign(NAME)):
            # All of it had ended; whoever sends it again now sends another one.
            assert not self.records(*ENDS, "queued", "sending")
            self.begin_campaign()
            self.look()

    def is_unaware(self, request_id: str) -> bool:
        """Whether the ledger has lost that the gateway took this slice: only the gateway can tell now."""
        state = self.redis.hget(KEYS.record(request_id), "state")
        number = int(request_id.removeprefix(f"{NAME}."))
        return state == b"queued" or not (state or self.redis.getbit(KEYS.campaign_ended(NAME), number))

    def records(self, *states: str) -> list[str]:
        ids = (key.decode().removeprefix(KEYS.record("")) for key in self.redis.scan_iter(KEYS.record("*")))
        return sorted(each for each in ids if self.redis.hget(KEYS.record(each), "state").decode() in states)

    def leases_run_out(self):
        for key in (KEYS.attempt_leases, self.hand.names.leases):
            for member in self.redis.zrange(key, 0, -1):
                self.redis.zadd(key, {member: 1})

    def post(self, claim: Claim, fate: str) -> Outcome:
        assert claim.in_doubt or not self.paused
        taken, outcome = FATES[fate]
        if gateway_id(claim) in self.remembered:
            if "lost" in fate:
                return Unknown("read_timeout")
            return Duplicate("120") if taken else outcome
        if taken:
            self.remembered.add(gateway_id(claim))
            self.texted.update(numbers_of(claim))
        return outcome

    def everything_ends(self):
        """All trouble ends: a last run, a resume or a cancel, and the worker's time."""
        self.leases_run_out()
        if self.stopped:
            self.sms.cancel_campaign(NAME)
        else:
            self.send()
            self.sms.resume_campaign(NAME)
            self.look()
        for _ in range(ROUNDS):
            for claim in self.hand.take():
                self.hand.finish(claim, self.post(claim, "accepted"))
            if self.hand.is_idle():
                break
        assert self.hand.left() == []
        assert not self.records("queued", "sending")
        assert not self.redis.exists(KEYS.campaign_waiting(NAME))
        self.nobody_is_texted_twice()
        if not self.stopped:
            assert self.send().created == 0
            asked = {f"{NAME}.{number}": number for number in set(range(self.slices)) - self.nobody}
            reached = [number for each, number in asked.items() if each not in self.overtime]
            assert all(self.texted[each] == 1 for number in reached for each in self.numbers(number))

    @invariant()
    def nobody_is_texted_twice(self):
        assert all(count == 1 for count in getattr(self, "texted", Counter()).values())

    @invariant()
    def it_is_remembered_as_long_as_anything_of_it(self):
        if not hasattr(self, "redis"):
            return
        campaign, ended = map(self.redis.pexpiretime, (KEYS.campaign(NAME), KEYS.campaign_ended(NAME)))
        assert ended in {-2, campaign}
        if self.records("queued", "sending"):
            assert campaign == -1
        for each in self.records(*ENDS):
            assert campaign == -1 or campaign >= self.redis.pexpiretime(KEYS.record(each))

    @invariant()
    def it_counts_what_is_there(self):
        if not hasattr(self, "redis"):
            return
        status = self.looker.campaign_status(NAME)
        pending = SLICE * len(self.records("queued", "sending"))
        assert (status.pending if status else 0) == pending
        assert status is None or status.waiting <= status.slices


@pytest.mark.timeout(300)
def test_campaigns_keep_their_word(redis_server, monkeypatch):
    monkeypatch.setattr(chunks, "SLICE", SLICE)

    class Machine(World):
        server_port = redis_server.port

    run_model(Machine, examples=80, steps=25)
