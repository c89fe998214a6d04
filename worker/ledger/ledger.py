"""The ledger: which request_id is where, decided by one Lua script per transition.

queued -> sending -> accepted | rejected | expired | cancelled | unknown | failed; see docs/architecture.md.
A claim carries a fencing token; only the latest token may finish, so a worker that was suspended past
its lease cannot overwrite what its successor found out.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
import redis

from producers.contract.jobs import RECORD_VERSION
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.scripts import Command, Script
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive
from producers.rules.money import MoneySettings
from worker.account.gates import ASIDE_MS
from worker.account.identity import Account
from worker.ledger.answers import read_claim, read_correlations, read_states
from worker.ledger.budgets import Budgets
from worker.ledger.claims import Claim, Over, Result, Wait
from worker.ledger.confirmation import Confirmation, Proof
from worker.ledger.correlation import ANSWER_S, Correlation, Question
from worker.ledger.evidence import credit_seen, evidence
from worker.ledger.members import Members
from worker.ledger.openings import Openings, times_for
from worker.ledger.patience import Patience
from worker.queue.entries import Batch, Entry, is_call
from worker.queue.leases import LEASE_MS, Leases

_CLAIM = Script(__package__, "claim", when_full=True)
_UNCLAIM = Script(__package__, "unclaim", when_full=True)
_FINISH = Script(__package__, "finish", when_full=True)
_CORRELATE = Script(__package__, "correlate", when_full=True)

#: Seconds after the first attempt in which a repeat is safe. The gateway forgets a request_id after 24 h
#: (Octopush docs, send page); four hours are left for clocks, queues and a slow last attempt.
WINDOW_S: Final = 20 * 3600
#: Answers "too many attempts" (code 128) after which a message is left to a person.
SELDOM_MOST: Final = 4
#: Milliseconds after which a shared call whose claim was not confirmed comes again, to fall apart.
UNCONFIRMED_MS: Final = 50
#: What holds where the owner has chosen nothing.
_NO_BUDGETS: Final = Budgets(MoneySettings())
#: Milliseconds after which a shared call comes again that can neither leave nor fall apart for now.
UNSURE_MS: Final = 1_000


class Ledger:
    """Transitions of records. Thread-safe.

    Args:
        client: Redis client without retries of its own.
        settings: namespace, retention, stream length, keys of pseudonyms.
        leases: renews the leases of running attempts.
        confirmation: knows whether Redis will remember a claim.
        default_rate: recipients per second where no limit is set live; 0 for none.
        openings: when marketing may be claimed; None where it may at any hour.
        budgets: what the owner has chosen about money.
        account: that of this worker; None where nobody asks whose the namespace is.
    """

    def __init__(
        self,
        client: redis.Redis,
        settings: RedisSettings,
        leases: Leases,
        confirmation: Confirmation,
        default_rate: float = 0.0,
        openings: Openings | None = None,
        budgets: Budgets = _NO_BUDGETS,
        account: Account | None = None,
    ) -> None:
        self._patience = Patience()
        self._members = Members(client, settings, self._patience)
        self._redis = client
        self._keys = Keys(settings.namespace)
        self._leases = leases
        self._confirmation = confirmation
        self._default_rate = default_rate
        self._openings = openings
        self._retention_ms = settings.retention_ms
        self._maxlen = settings.stream_maxlen
        self._pseudonyms = KnownPseudonyms(settings)
        self._budgets = budgets
        self._account = account

    def compose(self, batch: Batch) -> frozenset[Entry]:
        """Make the shared calls of a batch ready for `claim`; a batch without any costs nothing.

        A call takes a round trip per 25 members: one of 500 takes twenty. As long as Redis may forget what it
        has answered nobody shares a call, and a call that was surely not taken falls apart. Safe to repeat.

        Returns:
            The calls that can neither leave nor fall apart for now.

        Raises:
            redis.RedisError: Redis did not answer.
        """
        stuck = set()
        for call in batch.entries:
            if not is_call(call.id):
                continue
            if self._confirmation.sharing:
                self._members.compose(call, batch.queue)
            elif self._members.dissolve(call, batch.queue, self._confirmation.safe_ms):
                stuck.add(call)
        return frozenset(stuck)

    def claim(self, batch: Batch, stuck: Collection[Entry]) -> list[Claim | Wait | Over]:
        """Claim the next attempt of each entry, in one step.

        A shared call is claimed only if Redis confirms that it will remember. Safe to repeat: a newer claim
        fences off an older one.

        Args:
            batch: entries of one queue.
            stuck: what `compose` has returned for this batch: these wait, and are not claimed.

        Returns:
            One answer per entry, in order. The leases of the claims are renewed until `finish` or `abandon`.

        Raises:
            redis.RedisError: Redis did not answer; the claims may or may not stand.
            ValueError: a gate said what nobody knows. No entry ends; claims that stand will be in doubt.
        """
        entries = [entry for entry in batch.entries if entry not in stuck]
        given = {
            "version": RECORD_VERSION,
            "lease_ms": LEASE_MS,
            "window_ms": WINDOW_S * 1000,
            "retention_ms": self._retention_ms,
            "maxlen": self._maxlen,
            "rate": self._default_rate,
            "queue": batch.queue,
            "aside_ms": ASIDE_MS,
            "hours": times_for(self._openings, batch.queue),
            "late_ms": self._openings.late_ms if self._openings else 0,
            "money": self._budgets.given(),
            "entries": entries,
        }
        calls = [entry for entry in entries if is_call(entry.id)]
        replies, proof = self._claimed(given, shared=bool(calls))
        if self._account and [b"foreign"] in replies and self._account.bind():
            # Redis had forgotten whose the namespace is, or names the account by another key.
            replies, proof = self._claimed(given, shared=bool(calls))
        found = [read_claim(*pair, batch.queue) for pair in zip(entries, replies, strict=True)]
        if self._openings:
            self._openings.meet(reply[1].decode() for reply in replies if reply[0] == b"zones")
        if calls and not proof.confirmed:
            found = [self._give_back_call(each, unsure=proof.unsure) for each in found]
        leases = [each.lease for each in found if isinstance(each, Claim)]
        self._leases.keep(self._keys.attempt_leases, *leases)
        batch.claimed = True
        # By their place: after Redis has lost something a batch may hold an entry twice.
        answers = iter(found)
        return [Wait(UNSURE_MS) if entry in stuck else next(answers) for entry in batch.entries]

    def _claimed(self, given: Mapping[str, Any], *, shared: bool) -> tuple[list[Any], Proof]:
        account = self._account.name if self._account else None
        command = Command(_CLAIM, self._keys.prefix, {**given, "account": account}, list[Any])
        return self._confirmation.run(command, shared=shared)

    def _give_back_call(self, found: Claim | Wait | Over, *, unsure: bool) -> Claim | Wait | Over:
        """Undo the claim of a shared call that Redis may forget.

        A call in doubt keeps its claim if Redis cannot forget its name and members: an earlier claim was
        confirmed, or, without replicas, was on the disk before its lease ran out. Doubt alone proves nothing:
        its worker may have died before it gave the claim back.
        """
        if not isinstance(found, Claim) or not is_call(found.entry.id):
            return found
        if found.in_doubt and (found.confirmed or self._confirmation.safe_ms is not None):
            return found
        given = {
            "id": found.entry.id,
            "token": found.token,
            "lease": found.entry.lease,
            "unsure": unsure,
            "retention_ms": self._retention_ms,
            "maxlen": self._maxlen,
        }
        Command(_UNCLAIM, self._keys.prefix, given, int).run(self._redis)
        return Wait(UNSURE_MS if found.in_doubt else UNCONFIRMED_MS)

    def finish(self, results: Sequence[Result]) -> list[str | None]:
        """Record what attempts brought and end their entries, in one step; keeps trying while Redis is away.

        The entry of a shared call that is over stays until its members have been told. Safe to repeat.

        Returns:
            Per attempt the state its record is in now: an end state, ``split`` for a call that has become
            two, ``queued`` or ``sending``. None when another claim has taken over: nothing was recorded.

        Raises:
            redis.RedisError: Redis stayed away; the attempts will count as ones of unknown outcome.
        """
        given = {
            "retention_ms": self._retention_ms,
            "maxlen": self._maxlen,
            "seldom_most": SELDOM_MOST,
            "credit": credit_seen(results),
            "credit_low": self._budgets.credit_low,
            "results": [evidence(result) for result in results],
        }
        command = Command(_FINISH, self._keys.prefix, given, read_states)
        try:
            return self._patience.record(lambda: command.run(self._redis))
        finally:
            self.abandon([result.claim for result in results])

    def end_members(self, call: Entry, queue: str) -> None:
        """Bring the end of a shared call to its members, then end its entry. Safe to repeat.

        Raises:
            redis.RedisError: Redis stayed away; the entry comes back and this is done then.
        """
        self._members.end(call, queue)

    def stop_waiting_within(self, seconds: float) -> None:
        """Leave so much time to all transitions together while Redis is away, because the process stops."""
        self._patience.end_within(seconds)

    def abandon(self, claims: Sequence[Claim]) -> None:
        """Stop renewing the leases of attempts; one without a result will count as of unknown outcome."""
        self._leases.release(self._keys.attempt_leases, *(claim.lease for claim in claims))

    def correlate(self, questions: Sequence[Question]) -> list[Correlation]:
        """Find the sends behind callbacks, in one step, each after those before it. Safe to repeat.

        Args:
            questions: at most as many as one script may take.

        Returns:
            One answer per question, in order.

        Raises:
            redis.RedisError: Redis did not answer.
            WrongPseudonymKeys: this process lacks a key.
        """
        given = {
            "retention_ms": self._retention_ms,
            "maxlen": self._maxlen,
            "answer_ms": ANSWER_S * 1000,
        }

        def correlating(known: Pseudonyms) -> Command[list[Correlation]]:
            asked = [_asked(each, known) for each in questions]
            return Command(_CORRELATE, self._keys.prefix, given | {"questions": asked}, read_correlations)

        return drive(self._pseudonyms.run(correlating), self._redis)


def _asked(question: Question, known: Pseudonyms) -> dict[str, Any]:
    """Write a question for the script, which makes no pseudonyms itself."""
    return {**msgspec.to_builtins(question), "pseudonyms": known.all_of(question.number)}
