"""Redis dies, freezes, loads or refuses writes, and comes back. The processes around it stay the same."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import redis

from tests.faults.promises import all_end, in_time, none_ran_twice
from tests.faults.queues import NOT_CONFIRMED, only_ours, stock_fails
from tests.support.waiting import until
from worker.queue.leases import LEASE_MS
from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import RedisServer


@stock_fails("delayed messages stay frozen as long as the worker lives")
def test_redis_killed_and_back_costs_no_message_ready_or_delayed(
    server, queue, journal, start_worker, measured
):
    """Redis killed and back after 1 s, with 200 ready and 50 delayed messages."""
    ready, delayed = [f"ready-{i:03}" for i in range(200)], [f"later-{i:02}" for i in range(50)]
    start_worker(threads=4, JOB_S="0.05")
    queue.send(*delayed, delay_s=5)
    queue.send(*ready)
    until(lambda: len(journal.ended()) > 8 and queue.delayed_are_taken_up())

    server.kill()
    time.sleep(1)  # the fault lasts so long
    server.start()
    back = time.monotonic()

    all_end(journal, [*ready, *delayed], 15)
    measured(f"Redis killed for 1 s: all done {time.monotonic() - back:.1f} s after it was back")
    in_time(lambda: queue.left() == 0, 15, lambda: f"{queue.left()} entries are left")
    none_ran_twice(journal)


@stock_fails("messages whose answers were lost stay with the worker, sends are queued twice")
def test_redis_frozen_for_12_s_costs_no_message_and_doubles_none(
    server, queue, journal, start_worker, measured
):
    """Redis frozen for 12 s, with 300 ready and 30 delayed messages, and applications that go on sending.

    An application that gets no confirmation repeats the call, as the documentation tells it to.
    """
    ready, delayed = [f"ready-{i:03}" for i in range(300)], [f"later-{i:02}" for i in range(30)]
    sent = [f"sent-{i:02}" for i in range(8)]
    start_worker(threads=4, JOB_S="0.05")
    queue.send(*delayed, delay_s=5)
    queue.send(*ready)
    until(lambda: len(journal.ended()) > 8 and queue.delayed_are_taken_up())

    with ThreadPoolExecutor(len(sent)) as applications:
        server.suspend()
        timer = threading.Timer(12, server.resume)
        timer.start()
        sending = [applications.submit(send_until_confirmed, queue, job) for job in sent]
        timer.join()
        thawed = time.monotonic()
        for result in sending:
            result.result()

    all_end(journal, [*ready, *delayed, *sent], 15)
    measured(f"Redis frozen for 12 s: all done {time.monotonic() - thawed:.1f} s after it ran on")
    in_time(lambda: queue.left() == 0, 15, lambda: f"{queue.left()} entries are left")
    none_ran_twice(journal)


@only_ours
def test_redis_frozen_for_longer_than_a_lease_takes_no_job_from_a_live_worker(
    server, queue, journal, start_worker
):
    """Redis frozen until every lease has run out by its clock: nobody could renew, nobody has died."""
    start_worker(threads=4, dramatiq_queue_prefetch="4")
    jobs = [f"held-{i}" for i in range(4)]
    queue.send(*jobs)
    until(lambda: len(journal.started()) == 4)
    start_worker(threads=8)

    server.suspend()
    time.sleep(LEASE_MS / 1000 + 1)  # the fault lasts so long
    server.resume()
    queue.send("after")
    # Whoever runs this one has fetched since, and seen to the leases that ran out.
    all_end(journal, ["after"], 15)
    none_ran_twice(journal)
    journal.release()

    all_end(journal, jobs, 5)
    in_time(lambda: queue.left() == 0, 15, lambda: f"{queue.left()} entries are left")
    none_ran_twice(journal)


def send_until_confirmed(queue, job: str) -> None:
    with queue.application() as send:
        while True:
            try:
                return send(job)
            except NOT_CONFIRMED:
                time.sleep(0.1)  # an application's own pause


@stock_fails("gives up on the acknowledgement, the message stays with the worker")
def test_a_job_that_ends_while_redis_is_a_replica_is_acknowledged_later(queue, journal, start_worker):
    """-READONLY for a while, as around a fail-over, when jobs end: trouble that passes, not a bug."""
    start_worker(threads=2, dramatiq_restart_delay="200")
    queue.send("held-a", "held-b")
    until(lambda: len(journal.started()) == 2)

    queue.redis.replicaof("127.0.0.1", free_port())  # a master that never answers
    journal.release()
    until(lambda: len(journal.ended()) == 2)
    refused = errors(queue, "READONLY")
    until(lambda: errors(queue, "READONLY") > refused + 5)
    queue.redis.replicaof("NO", "ONE")
    queue.send("after")

    all_end(journal, ["after"], 15)
    in_time(lambda: queue.left() == 0, 8, lambda: f"{queue.left()} entries are left")
    none_ran_twice(journal)


@only_ours
def test_a_redis_that_is_still_loading_costs_no_message(queue, journal, start_worker, server):
    """-LOADING for some seconds after a restart, when jobs end: as good as not being there yet."""
    start_worker(threads=2, dramatiq_restart_delay="200")
    queue.send("held-a", "held-b", "next-a", "next-b")
    until(lambda: len(journal.started()) == 2)
    with queue.redis.pipeline(transaction=False) as pipeline:
        for number in range(20_000):
            pipeline.set(f"{{{queue.namespace}}}:filling:{number}", "")
        pipeline.execute()

    server.kill()
    # 0.15 ms for each command of the append-only file: a large data set in small.
    slow = RedisServer(server.data_dir, server.port, options=["--key-load-delay", "150"])
    starting = threading.Thread(target=slow.start)
    starting.start()
    try:
        until(lambda: refused_while_loading(queue) > 0)
        journal.release()
        until(lambda: len(journal.ended()) == 2)
        refused = refused_while_loading(queue)
        until(lambda: refused_while_loading(queue) > refused)
        starting.join()
        all_end(journal, ["next-a", "next-b"], 15)
        in_time(lambda: queue.left() == 0, 8, lambda: f"{queue.left()} entries are left")
        none_ran_twice(journal)
    finally:
        starting.join()
        slow.kill()


def errors(queue, code: str) -> int:
    found = queue.redis.info("errorstats").get(f"errorstat_{code}", {"count": 0})
    return found["count"]


def refused_while_loading(queue) -> int:
    """Count the script calls that this start of the server refused because it was loading."""
    try:
        return queue.redis.info("commandstats").get("cmdstat_evalsha", {}).get("rejected_calls", 0)
    except redis.ConnectionError:
        return 0
