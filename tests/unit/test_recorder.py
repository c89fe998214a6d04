"""What is recorded, in which order."""

from tests.support.sends import NoHolder
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted, Deferred
from worker.ledger.ledger import Claim, Result
from worker.queue.entries import Entry
from worker.sending.recorder import Recorder


class Journal:
    """A ledger, and all else that a recorder tells, in the order in which they were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[str]]] = []
        self.recorder: Recorder[Made] = Recorder(self, self.warn, self.report)

    def _note(self, what: str, ids: list[str]) -> None:
        self.told.append((what, ids))

    def warn(self, made) -> None:
        self._note("warned", [each.claim.entry.id for each in made])

    def finish(self, results) -> list[str]:
        self._note("recorded", [result.claim.entry.id for result in results])
        return ["queued" for _ in results]

    def stop_waiting_within(self, seconds) -> None:
        """Redis is never away here."""

    def report(self, made, state) -> None:
        self._note(f"reported {state}", [made.claim.entry.id])


class Made:
    """An attempt that has come to its end."""

    def __init__(self, request_id: str, outcome=None) -> None:
        self.claim = Claim(Entry(request_id, f"p.1:{request_id}"), "alert", 1, b"", False, None)
        self.result = Result(
            self.claim, outcome or Accepted("t"), posts=1, in_doubt=False, id_used_up=False, delay_ms=0
        )
        self.holder = NoHolder()


def test_all_are_warned_before_a_message_comes_back():
    """Recorded first, it could be fetched again, by anybody, before the hold or the pause is there."""
    journal = Journal()
    journal.recorder.put(Made("a", Deferred("104", account=True)))
    journal.recorder.put(Made("b", Deferred("104", account=True)))
    journal.recorder.start()
    until(lambda: len(journal.told) == 4)
    journal.recorder.stop()
    assert journal.told == [
        ("warned", ["a", "b"]),
        ("recorded", ["a", "b"]),
        ("reported queued", ["a"]),
        ("reported queued", ["b"]),
    ]
