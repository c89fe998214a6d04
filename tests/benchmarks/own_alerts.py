"""From `send()` to the first byte at the gateway, alert by alert."""

import random
import time

from tests.benchmarks.own_stand import TEXT, Stand, number
from tests.benchmarks.report import BenchmarkError

#: Numbers of alerts lie far from those of any backlog.
_FIRST_NUMBER = 40_000_000


def pick_up_ms(stand: Stand, count: int, gateway_ms: float, prefix: str) -> list[float]:
    """Send alerts one by one and return for each the ms until the gateway had its first byte.

    Both clocks are CLOCK_MONOTONIC of this machine: read here right before `send`, and in the gateway
    stand-in when a call's first bytes arrive. So freezing, Redis and the worker's whole way are in it. Pauses
    of 20 to 120 ms lie between sends, so that none waits for another and none meets a rhythm of the worker.

    Raises:
        BenchmarkError: an alert was POSTed more than once.
    """
    stand.gateway.reset(delay_ms=gateway_ms, record=True)
    rng = random.Random(42)
    sent_ns: dict[str, int] = {}
    for i in range(count):
        time.sleep(rng.uniform(0.02, 0.12))
        request_id = f"{prefix}-{i}"
        sent_ns[request_id] = time.monotonic_ns()
        stand.producer.send(
            number(_FIRST_NUMBER + i), TEXT, sender="Bench", purpose="alert", request_id=request_id
        )

    def all_posted() -> list[tuple[str, int]]:
        found = [
            (request_id, at_ns) for request_id, at_ns in stand.gateway.records() if request_id in sent_ns
        ]
        return found if len({request_id for request_id, _ in found}) == count else []

    posted = stand.wait_for(all_posted, every_s=0.2)
    if len(posted) != count:
        raise BenchmarkError(f"{len(posted)} calls for {count} alerts")
    return [(at_ns - sent_ns[request_id]) / 1e6 for request_id, at_ns in posted]
