"""The urgent goes first."""

from producers import Message
from tests.support.installation import new_number

BACKLOG = 300
GATEWAY_MS = 200
THREADS = 4


def test_an_alert_does_not_wait_behind_a_marketing_backlog(install):
    installation = install(threads=THREADS)
    installation.gateway.settings(latency_ms=GATEWAY_MS)
    backlog = [Message(new_number(), "Sale! STOP au 30101", sender="Shop") for _ in range(BACKLOG)]
    installation.producer.send_many(backlog)
    installation.wait_for(lambda: len(installation.gateway.requests()) >= THREADS)
    before = len(installation.gateway.requests())

    alert = installation.send("Your code is 1234")

    installation.wait_for(lambda: installation.posts(alert))
    order = [record.request_id for record in installation.gateway.requests()]
    assert order.index(alert.request_id) - before <= THREADS
    assert installation.settled(alert).state == "accepted"
    assert len(installation.gateway.requests()) < BACKLOG / 2
