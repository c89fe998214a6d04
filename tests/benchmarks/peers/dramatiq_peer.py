"""Plain Dramatiq: stock RedisBroker and middleware, threads, hiredis, one httpx client per thread.

A client per thread because httpx's pool slows down when threads share it; the prefetch of 1000 because the
stock consumer polls, and its default of two per thread leaves fast threads idle.
"""

import sys
import threading

import dramatiq
import httpx
from dramatiq.brokers.redis import RedisBroker
from job import HEADERS, REDIS_URL, URL, bodies, ticket

dramatiq.set_broker(RedisBroker(url=REDIS_URL))
_local = threading.local()
_tls = httpx.create_ssl_context()


def _client() -> httpx.Client:
    if not hasattr(_local, "client"):
        _local.client = httpx.Client(headers=HEADERS, verify=_tls, trust_env=False, timeout=10)
    return _local.client


@dramatiq.actor
def send(body: str) -> None:
    """Do the job."""
    response = _client().post(URL, content=body.encode())
    ticket(response.status_code, response.content)


if __name__ == "__main__":
    for body in bodies(int(sys.argv[1])):
        send.send(body)
