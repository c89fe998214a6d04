"""A worker ends, or is too busy to say that it has not."""

import itertools
import json
import time

from tests.faults.promises import all_end, in_time, none_ran_twice
from tests.faults.queues import only_ours, stock_fails
from tests.support.waiting import until
from worker.queue.leases import LEASE_MS

#: Seconds within which a dead worker's messages run again.
TAKE_OVER_S = 15


@stock_fails("puts what the worker had fetched behind everything that came later")
def test_a_stopped_worker_gives_its_messages_back_to_the_front_in_order(queue, journal, start_worker):
    """Clean SIGTERM with jobs running, fetched and waiting: nothing stays held, and the order is kept."""
    jobs = ["held-a", "held-b", *(f"job-{i:02}" for i in range(20))]
    queue.send(*jobs)
    worker = start_worker(threads=2, JOB_S="0.3")
    until(lambda: len(journal.started()) == 2 and queue.held() > 2)

    worker.terminate()
    until(lambda: journal.notes("stopping"))
    journal.release()
    status, held, ran = worker.wait(), queue.held(), len(journal.started())
    if ran > 15:
        raise RuntimeError("the worker went on for too long to show anything")
    start_worker(threads=1)
    all_end(journal, jobs, 15)

    assert (status, held) == (0, 0)
    assert journal.started()[ran:] == jobs[ran:]


@only_ours
def test_workers_stopped_under_load_leave_nothing_behind(queue, journal, start_worker):
    """Clean SIGTERM under load, again and again: no message stays held by a worker that is gone.

    The stock broker strands a few messages in about one of twenty such stops, too rarely to be shown here.
    """
    jobs = [[f"job-{stop}-{i:03}" for i in range(150)] for stop in range(2)]

    for batch in jobs:
        queue.send(*batch)
        worker = start_worker(threads=8, JOB_S="0.1")
        until(lambda batch=batch: not set(batch[:10]).isdisjoint(journal.ended()))
        worker.terminate()
        assert worker.wait() == 0
        assert queue.held() == 0
        assert queue.left() > 0
    start_worker(threads=8)

    jobs = list(itertools.chain(*jobs))
    all_end(journal, jobs, 15)
    none_ran_twice(journal)
    in_time(lambda: queue.left() == 0, 5, lambda: f"{queue.left()} entries are left")


@stock_fails("waits 60 s, then for a chance of 0.1 % per poll")
def test_a_killed_workers_messages_run_again_within_15_s_on_an_idle_queue(
    queue, journal, start_worker, measured
):
    """SIGKILL of a worker with running and fetched messages, while another worker of the queue is idle."""
    jobs = [f"held-{i}" for i in range(8)]
    doomed = start_worker(threads=4)
    queue.send(*jobs)
    until(lambda: len(journal.started()) == 4)
    start_worker(threads=8)

    doomed.kill()
    killed = time.time()

    def again() -> dict[str, float]:
        return {note.job: note.at - killed for note in journal.notes("start") if note.at > killed}

    in_time(lambda: len(again()) == 8, TAKE_OVER_S, lambda: f"only {sorted(again())} run again")
    measured(f"killed worker: all its messages run again after {max(again().values()):.1f} s")
    journal.release()
    all_end(journal, jobs, 5)
    in_time(lambda: queue.left() == 0, 5, lambda: f"{queue.left()} entries are left")


@stock_fails("takes a worker for dead whose fetch-ahead is full, and runs its jobs a second time")
def test_jobs_longer_than_a_lease_run_once_however_full_the_worker_is(queue, journal, start_worker):
    """All threads busy and everything fetched that may be, ready and delayed, for longer than a lease lasts.

    To see in seconds what the stock broker does after a minute, its heartbeats time out after 2 s, another
    process certainly looks for dead workers, and a worker fetches 8 delayed messages ahead instead of 4,000.
    """
    options = json.dumps({"heartbeat_timeout": 2_000, "maintenance_chance": 1_000_000})
    environ = {"STOCK_OPTIONS": options, "dramatiq_delay_queue_prefetch": "8"}
    start_worker(threads=4, **environ)
    queue.send(*(f"later-{i}" for i in range(8)), delay_s=3_600)
    queue.send(*(f"held-{i}" for i in range(8)))
    until(lambda: len(journal.started()) == 4 and queue.ready() == 0 and queue.delayed_are_taken_up())
    busy_since = time.monotonic()

    start_worker(threads=4, **environ)
    for number in itertools.count():
        queue.send(f"more-{number}")
        all_end(journal, [f"more-{number}"], 10)
        none_ran_twice(journal)
        if time.monotonic() - busy_since > LEASE_MS / 1000 + 2:
            break

    journal.release()
    all_end(journal, [f"held-{i}" for i in range(8)], 10)
    none_ran_twice(journal)
