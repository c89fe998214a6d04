"""A gateway that has too many calls at once: fewer are made, everything arrives once, then more again."""

from collections import Counter

import pytest

from producers import Message
from tests.support.installation import new_number


def alerts(count: int) -> list[Message]:
    return [
        Message(new_number(), "Your code is 1234", sender="Bistro", purpose="alert") for _ in range(count)
    ]


def limit(installation) -> float | None:
    found = installation.redis.hget(installation.keys.strain, "limit")
    return None if found is None else float(found)


@pytest.mark.parametrize(
    "strain",
    [
        {"max_parallel": 4, "latency_ms": 50},
        {"rate_limit_per_s": 100.0, "rate_limit_burst": 10},
    ],
    ids=["parallel requests refused", "429 storm"],
)
def test_the_limit_falls_sending_goes_on_and_the_limit_recovers(install, strain):
    installation = install(SEND_IN_FLIGHT="24")
    installation.gateway.settings(**strain)
    sends = installation.producer.send_many(alerts(150))
    installation.wait_for(lambda: (limit(installation) or 24) <= 12)
    installation.wait_for(lambda: '"gateway.strained"' in installation.worker.output)
    assert installation.all_settled(sends, 90) == {"accepted"}

    installation.calm()
    for _ in range(20):
        more = installation.producer.send_many(alerts(100))
        sends += more
        assert installation.all_settled(more) == {"accepted"}
        if limit(installation) is None:
            break
    assert limit(installation) is None
    shown = Counter({request_id: n for (request_id, _), n in installation.gateway.delivered().items()})
    assert Counter(shown[sent.request_id] for sent in sends) == {1: len(sends)}
