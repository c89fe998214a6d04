"""What the metrics say is what happened: each message, call and callback once, whatever was killed."""

import httpx
import pytest

from producers import Message
from tests.support.installation import IMPATIENT, new_number
from tests.support.scraping import Scraped
from tests.support.web_server import MetricsServer


def alerts(count):
    return [
        Message(new_number(), "Your code is 1234", sender="Bistro", purpose="alert") for _ in range(count)
    ]


@pytest.fixture(scope="module")
def running(install_for_module, tmp_path_factory):
    installation = install_for_module(web=True, **IMPATIENT)
    log = tmp_path_factory.mktemp("metrics") / "log"
    with MetricsServer(log, installation.environ) as server:
        yield installation, server


def read(server):
    return Scraped(httpx.get(f"{server.url}/metrics").text)


def test_after_a_kill_and_a_takeover_the_counts_equal_the_messages(running, tmp_path):
    installation, server = running
    installation.gateway.settings(latency_ms=50)
    number = new_number()
    installation.gateway.fault("accept_then_silence", times=1, match={"number": number})
    sends = [installation.send(to=number), *installation.producer.send_many(alerts(60))]
    marketing = [
        installation.send(f"Sale {n}. STOP 36034", purpose="wholesale", sender="Bistro") for n in range(3)
    ]
    bad = new_number()
    installation.gateway.fault("refuse", code=181, match={"number": bad})
    refused = installation.send(to=bad)
    installation.wait_for(lambda: len(installation.gateway.requests()) >= 20)
    installation.worker.kill()
    installation.worker.start()
    installation.all_settled([*sends, *marketing, refused])
    installation.gateway.reply(number, "Oui")
    installation.wait_for(lambda: installation.entries("replies"))
    handed = len(installation.gateway.messages())
    installation.wait_for(lambda: read(server)("receipts_total", status="DELIVERED") >= handed)

    told = read(server)

    assert told("enqueued_total", purpose="alert") == len(sends) + 1
    assert told("enqueued_total", purpose="wholesale") == len(marketing)
    assert told("ended_total", purpose="alert") == len(sends) + 1
    assert told("ended_total", purpose="wholesale", state="accepted") == len(marketing)
    assert told("ended_total", state="accepted") == len(sends) + len(marketing)
    assert told("ended_total", state="rejected") == 1
    assert told("ledger_imbalance") == 0
    assert told("queue_delay_seconds_count", queue="alert") == len(sends) + 1
    assert told("queue_delay_seconds_count", queue="marketing") == len(marketing)
    assert told("segments_total", country="FR") == len(sends) + len(marketing)
    assert told("gateway_errors_total", code="worker_lost") >= 1
    assert told("gateway_call_duration_seconds_count", outcome="refused") == 1
    assert told("replies_total", country="FR", match="ticket") == 1
    for stream, counter in {"receipts": "receipts_total", "replies": "replies_total"}.items():
        appended = len(installation.entries(stream))
        assert told(counter) == told("inbound_delay_seconds_count", kind=stream) == appended
    assert told("workers") in {1, 2}, "the one that was killed may seem alive for a while"

    with MetricsServer(tmp_path / "log", installation.environ) as other:
        first, second = read(server).samples, read(other).samples
    ages = {"octopush_build_info", "octopush_redis_up"}
    assert {key: value for key, value in first.items() if key[0] not in ages} == {
        key: value for key, value in second.items() if key[0] not in ages
    }


def test_each_web_process_tells_its_own_answers_and_how_long_they_took(running):
    installation, _ = running
    before = Scraped(httpx.get(f"{installation.web.url}/metrics").text)
    installation.post_callback(b"{}", "replies")

    after = Scraped(httpx.get(f"{installation.web.url}/metrics").text)

    assert after("callbacks_total") == before("callbacks_total") + 1
    assert (
        after("callback_duration_seconds_count", kind="replies")
        == before("callback_duration_seconds_count", kind="replies") + 1
    )
    assert after("enqueued_total") == 0
