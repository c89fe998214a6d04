"""What an application may rely on when it sends: once means once, and a full Redis says so."""

import pytest

from tests.faults.promises import all_end, in_time, none_ran_twice
from tests.faults.queues import NOT_CONFIRMED, only_ours, stock_fails
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until
from worker.queue.leases import RENEW_S


@stock_fails("its client repeats the command, which queues the message again")
def test_a_lost_answer_does_not_queue_a_message_twice(queue, server, journal, start_worker):
    """The network loses Redis's answer to an enqueue; the client repeats the command by itself.

    The worker starts after that: the stock broker drops a second copy that arrives after the first was done.
    """
    with TcpProxy(server.port) as proxy, queue.application(proxy.port) as send:
        send("before")  # connects, and loads the scripts
        proxy.drop_next_reply(after=b"EVALSHA")
        send("once")
        if proxy.replies_dropped != 1:
            raise RuntimeError("no answer was lost")
    queue.send("after")
    start_worker()

    all_end(journal, ["before", "once", "after"], 10)
    in_time(lambda: queue.left() == 0, 5, lambda: f"{queue.left()} entries are left")
    none_ran_twice(journal)


@stock_fails("workers cannot fetch or acknowledge either")
def test_a_full_redis_refuses_sends_and_still_lets_the_workers_drain_it(queue, journal, start_worker):
    """``maxmemory`` reached without eviction: the queue shrinks by itself, and then sends are taken again."""
    jobs = [f"job-{i:02}" for i in range(50)]
    start_worker(threads=1)
    queue.send("held-first")
    queue.send(*jobs)
    until(lambda: journal.started() == ["held-first"])
    fill(queue)

    with pytest.raises(NOT_CONFIRMED):
        queue.send("refused")
    journal.release()
    all_end(journal, jobs, 6)
    in_time(lambda: queue.left() == 0, 8, lambda: f"{queue.left()} entries are left")
    queue.redis.config_set("maxmemory", 0)
    queue.send("accepted")
    all_end(journal, ["accepted"], 10)
    assert "refused" not in journal.started()


@only_ours
def test_a_full_redis_takes_no_job_from_a_live_worker(queue, journal, start_worker):
    """Leases are renewed while ``maxmemory`` is reached; else running jobs would be run again elsewhere."""
    start_worker()
    queue.send("held")
    until(lambda: journal.started() == ["held"])
    fill(queue)
    deadline_ms = queue.lease_deadline_ms()

    in_time(
        lambda: queue.lease_deadline_ms() > deadline_ms + RENEW_S * 1000,
        3 * RENEW_S,
        lambda: "the lease was not renewed",
    )


def fill(queue) -> None:
    """Let Redis have more than it may."""
    queue.redis.config_set("maxmemory", queue.redis.info("memory")["used_memory"] // 2)
