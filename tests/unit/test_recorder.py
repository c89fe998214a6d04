"""What is recorded, in which order, and what is not lost."""

import redis
from structlog.testing import capture_logs

from tests.support.attempts import ended
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted, Deferred
from worker.sending.recorder import AT_ONCE, Recorder

NO_LOGIN = Deferred("101", account=True)


class Journal:
    """A ledger, and all else that a recorder tells, in the order in which they were told."""

    def __init__(self, *, away: bool = False) -> None:
        self._away = away
        self.told: list[tuple[str, list[str]]] = []
        self.recorder = Recorder(self, self, self, self)

    def hold(self, code: str) -> bool:
        if self._away:
            raise redis.ConnectionError
        self.told.append(("held", [code]))
        return False

    def observe(self, observed) -> None:
        self.told.append(("warned", [each.request_id for each in observed]))

    def finish(self, results) -> list[str]:
        self.told.append(("recorded", [result.claim.entry.id for result in results]))
        return ["queued" for _ in results]

    def stop_waiting_within(self, seconds: float) -> None:
        self.told.append(("stopping", []))

    def what(self) -> list[str]:
        """What was told, without of whom."""
        return [what for what, _ in self.told]


def test_all_are_warned_before_a_message_comes_back():
    """Recorded first, it could be fetched again, by anybody, before the hold or the pause is there."""
    journal = Journal()
    journal.recorder.put(ended(NO_LOGIN, request_id="a"))
    journal.recorder.put(ended(NO_LOGIN, request_id="b"))
    with capture_logs() as lines:
        journal.recorder.start()
        until(lambda: "recorded" in journal.what())
        journal.recorder.stop()
    warned = ("warned", ["a", "b"])
    held = ("held", ["101"])
    assert journal.told[:5] == [warned, held, held, warned, ("recorded", ["a", "b"])]
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("sms.queued", "a"),
        ("sms.queued", "b"),
    ]


def test_without_redis_nobody_is_warned_but_the_results_are_not_lost():
    journal = Journal(away=True)
    journal.recorder.put(ended(NO_LOGIN, request_id="a"))
    journal.recorder.start()
    until(lambda: "recorded" in journal.what())
    journal.recorder.stop()
    assert ("recorded", ["a"]) in journal.told


def test_what_is_due_when_the_process_stops_is_recorded_some_at_a_time():
    journal = Journal()
    for number in range(2 * AT_ONCE + 1):
        journal.recorder.put(ended(Accepted("t"), request_id=str(number)))
    journal.recorder._due.put(None)
    journal.recorder.start()
    journal.recorder.stop()
    assert [len(ids) for what, ids in journal.told if what == "recorded"] == [AT_ONCE, AT_ONCE, 1]
