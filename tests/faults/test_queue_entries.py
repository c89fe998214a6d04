"""Entries that must not hold up the others: far in the future, unreadable, or for nobody."""

from uuid import uuid4

from dramatiq.message import Message as Envelope

from producers.contract.jobs import QUEUE_ALERT
from tests.faults.promises import all_end, in_time
from tests.faults.queues import both_keep, stock_fails


@stock_fails("fetches delayed messages in order of arrival, up to 1,000 per thread")
def test_a_message_due_in_1_s_does_not_wait_behind_a_far_future_backlog(
    queue, journal, start_worker, measured
):
    """2,500 messages due tomorrow, then one due in a second, for a worker with one thread."""
    queue.send(*(f"tomorrow-{i:04}" for i in range(2_500)), delay_s=86_400)
    start_worker(threads=1)
    queue.send("soon", delay_s=1)

    all_end(journal, ["soon"], 5)
    assert journal.started() == ["soon"]
    waited = journal.notes("start")[0].at - journal.notes("ready")[0].at
    measured(f"far-future backlog: a message due in 1 s ran {waited:.2f} s after the worker was ready")


@stock_fails("restarts its consumer and leaves the rest of the batch with the worker")
def test_an_undecodable_payload_isolates_itself(queue, journal, start_worker):
    """One unreadable entry amid seven good ones, all in one fetch.

    Consumers restart after 0.2 s instead of 3 s, to see sooner that this does not help.
    """
    good = [f"good-{i}" for i in range(7)]
    queue.send(*good[:1])
    queue.plant("bad", b"\x00 not a message")
    queue.send(*good[1:])
    start_worker(threads=4, dramatiq_restart_delay="200")

    all_end(journal, good, 5)
    in_time(lambda: queue.held() == 0, 5, lambda: f"{queue.held()} entries are still held")


@both_keep
def test_a_message_for_an_unknown_actor_goes_to_the_dead_letters(queue, journal, start_worker):
    """Dead-lettered at once, and the others go on."""
    stranger = Envelope(QUEUE_ALERT, "nobody", (), {}, {"redis_message_id": str(uuid4())})
    entry = stranger.options["redis_message_id"] if queue.app.endswith("stock:setup") else stranger.message_id
    queue.plant(entry, stranger.encode())
    queue.send("good")
    start_worker()

    all_end(journal, ["good"], 10)
    in_time(lambda: queue.dead() == [entry], 5, lambda: f"the dead letters are {queue.dead()}")
    in_time(lambda: queue.held() == 0, 5, lambda: f"{queue.held()} entries are still held")
