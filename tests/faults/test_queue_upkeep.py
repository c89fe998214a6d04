"""What the queue costs Redis and the idle: no scan of all keys, no key outside the hash tag, no wait."""

import json
import statistics
import time
from uuid import uuid4

from tests.faults.promises import all_end, in_time
from tests.faults.queues import OurQueue, StockQueue, stock_fails
from tests.support.queue_apps.journal import Journal
from tests.support.waiting import until

#: How often the idle workers are given something to do.
PUSHES = 7


@stock_fails("looks for the keys of each dead worker with KEYS")
def test_upkeep_never_scans_all_keys(queue, journal, start_worker):
    """A dead worker's messages are recovered without a single KEYS, which would block Redis.

    To see in seconds what happens anyway, the stock broker's heartbeats time out after 1 s
    and all its commands look for dead workers; our leases are made to run out.
    """
    environ = {"STOCK_OPTIONS": json.dumps({"heartbeat_timeout": 1_000, "maintenance_chance": 1_000_000})}
    doomed = start_worker(**environ)
    queue.send(*(f"held-{i}" for i in range(8)))
    queue.send("later", delay_s=1)
    until(lambda: len(journal.started()) == 4)
    doomed.kill()
    queue.let_leases_run_out()
    journal.release()
    start_worker(**environ)

    until(lambda: len(set(journal.ended())) == 9, 20)
    in_time(lambda: queue.left() == 0, 5, lambda: f"{queue.left()} entries are left")
    assert "cmdstat_keys" not in queue.redis.info("commandstats")


@stock_fails("has no hash tag by default")
def test_all_keys_share_one_hash_tag(queue, journal, start_worker):
    """Ready, delayed, held and dead entries and all marks lie in one slot, as Redis Cluster wants it."""
    start_worker(threads=1)
    queue.plant("bad", b"\x00 not a message")
    queue.send("held-first", "ready-1", "ready-2", "ready-3")
    queue.send("later", delay_s=3_600)
    # The stock broker now and then loses what it fetches together with an entry that is no message.
    in_time(lambda: len(journal.started()) == 1, 20, lambda: f"{journal.started()} have started")

    tags = {key.partition(b"}")[0] for key in queue.redis.scan_iter() if key.startswith(b"{")}
    strays = [key for key in queue.redis.scan_iter() if not key.startswith(b"{")]

    assert strays == []
    assert tags == {b"{" + queue.namespace.encode()}


def test_an_idle_worker_starts_a_message_at_once(redis_url, server, start_worker, measured):
    """From the send to the first line of the actor: less than a fifth of what the stock broker takes.

    That one polls an empty queue, at last once a second. Both workers run side by side and are given a second
    to fall idle before each message.
    """
    queues = [kind(server.port, uuid4().hex) for kind in (OurQueue, StockQueue)]
    waits = []
    for queue in queues:
        journal = Journal(redis_url, queue.namespace)
        start_worker(queue=queue, journal=journal)
        waits.append((queue, journal, []))

    for number in range(PUSHES):
        time.sleep(1)  # to fall idle takes time: nothing happens that could be waited for
        for queue, journal, seconds in waits:
            with queue.application() as send:
                sent = time.time()
                send(f"job-{number}")
            all_end(journal, [f"job-{number}"], 10)
            seconds.append(journal.notes("start")[-1].at - sent)
    for queue, journal, _ in waits:
        queue.close()
        journal.close()

    ours, stock = (statistics.median(seconds) for _, _, seconds in waits)
    measured(f"idle pick-up, median of {PUSHES}: stock {stock * 1000:.0f} ms, ours {ours * 1000:.0f} ms")
    assert ours < stock / 5
