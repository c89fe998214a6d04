"""What the metrics say is what happened: each message, call and callback once, whatever was killed."""

import httpx
import pytest

from producers import Message
from producers.callbacks import BODY_MAX_BYTES
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
        installation.send(f"Sale {n}. STOP au 30101", purpose="wholesale", sender="Bistro") for n in range(3)
    ]
    installation.wait_for(lambda: len(installation.gateway.requests()) >= 20)
    installation.worker.kill()
    installation.worker.start()
    installation.all_settled([*sends, *marketing])
    # Not before the kill: a refusal after an attempt in doubt proves nothing.
    bad = new_number()
    installation.gateway.fault("refuse", code=181, match={"number": bad})
    installation.settled(installation.send(to=bad))
    question = new_number()
    sends.append(installation.send(to=question, with_replies=True))
    installation.settled(sends[-1])
    installation.gateway.reply(question, "Oui")
    installation.wait_for(lambda: installation.entries("replies"))
    # The last receipt of each message says this; what it tells came before it, too.
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
    with MetricsServer(tmp_path / "log", installation.environ) as other:
        # The worker that was killed seems alive for a while: its end may lie between two scrapes.
        installation.wait_for(lambda: read(server).samples == read(other).samples)


def test_each_web_process_tells_its_own_answers_and_how_long_they_took(running):
    installation, _ = running
    before = Scraped(httpx.get(f"{installation.web.url}/metrics").text)
    too_long = b" " * (BODY_MAX_BYTES + 1)
    assert installation.post_callback(too_long, "replies") == [413]

    after = Scraped(httpx.get(f"{installation.web.url}/metrics").text)

    moved = {
        name: after(name, **labels) - before(name, **labels)
        for name, labels in {
            "callbacks_total": {"status": "413"},
            "callback_duration_seconds_count": {"kind": "replies"},
        }.items()
    }
    assert moved == {"callbacks_total": 1, "callback_duration_seconds_count": 1}
    assert after("enqueued_total") == 0
