"""The trace of a message goes with its record: alone, among others, in a shared call, to its callbacks."""

import contextvars
import subprocess
import sys

import pytest
from opentelemetry import trace

from producers import Message, Recipient
from producers.contract import tracing
from producers.outbox import kept
from producers.settings import ProducerSettings
from tests.support.api_client import ONE, ApiClient, api_settings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.template_sends import CODE, number, only
from worker.gateway.outcomes import Accepted
from worker.ledger.correlation import Question

OPTIONS = {"sender": "Bistro", "purpose": "alert"}


def span(which, *, sampled=True):
    """Make a span that this process did not begin current; no SDK is there that would begin others in it."""
    flags = trace.TraceFlags(int(sampled))
    return trace.use_span(trace.NonRecordingSpan(trace.SpanContext(255, which, True, flags)))


def parent(which, flags="01"):
    return f"00-{255:032x}-{which:016x}-{flags}"


def fields(client, request_id):
    trace_, links = client.hmget(KEYS.record(request_id), "trace", "links")
    return (trace_ or b"").decode(), (links or b"").decode()


@pytest.fixture
def worker(redis_client):
    return HandWorker(redis_client)


def test_one_message_has_the_trace_and_messages_among_others_a_link(redis_client, sms):
    with span(1):
        alone = sms.send(number(1), "a", **OPTIONS)
        [among] = sms.send_many([Message(number(2), "a", **OPTIONS)])
        sms.send_campaign("a", [number(3)], campaign_id="c", **OPTIONS)
    without = sms.send(number(4), "a", **OPTIONS)

    assert fields(redis_client, alone.request_id) == (parent(1), "")
    assert fields(redis_client, among.request_id) == ("", parent(1))
    assert fields(redis_client, "c.0") == ("", parent(1))
    assert fields(redis_client, without.request_id) == ("", "")


def test_the_trace_is_no_part_of_what_makes_a_repeat(sms):
    with span(1):
        first = sms.send(number(1), "a", request_id="once", **OPTIONS)
    with span(2):
        again = sms.send(number(1), "a", request_id="once", **OPTIONS)
    assert (first.created, again.created) == (True, False)


def test_a_row_of_an_outbox_keeps_the_trace_of_its_transaction(redis_client, sms):
    with span(1):
        row = kept.keep(Message(number(1), "a", request_id="row", **OPTIONS), ProducerSettings())
    with span(2):
        sms.send_many([kept.read("row", row.payload).message])
    assert fields(redis_client, "row") == (parent(1), "")


def test_what_is_queued_by_http_belongs_to_the_trace_of_its_call(redis_client, api_url):
    """Each call has a trace of its own, although they share a connection."""
    list_of_one = {"recipients": ["+33600000003"]}
    campaign = {name: ONE[name] for name in ("text", "sender", "purpose")}
    with ApiClient(api_settings(api_url)) as api:
        api.post("/v1/messages", {**ONE, "request_id": "a"}, headers={"traceparent": parent(1, "03")})
        api.post(
            "/v1/batch", {"messages": [{**ONE, "request_id": "b"}]}, headers={"traceparent": parent(2, "02")}
        )
        api.put("/v1/campaigns/c", campaign)
        api.put("/v1/campaigns/c/parts/0", list_of_one, headers={"traceparent": parent(3)})
        api.post("/v1/messages", {**ONE, "request_id": "d"})

    assert fields(redis_client, "a") == (parent(1), "")
    assert fields(redis_client, "b") == ("", parent(2, "00"))
    assert fields(redis_client, "c.0") == ("", parent(3))
    assert fields(redis_client, "d") == ("", "")


@pytest.mark.parametrize(
    ("header", "carried"),
    [
        (parent(1), parent(1)),
        ("01" + parent(1)[2:] + "-what-comes-later", parent(1)),
        (parent(1) + "-more", ""),
        ("ff" + parent(1)[2:], ""),
        (parent(0), ""),
        ("", ""),
        ("0" * 10_000, ""),
    ],
)
def test_a_header_of_a_later_version_is_read_and_what_is_none_counts_as_absent(header, carried):
    def told():
        return tracing.carry(header), tracing.traceparent()

    assert contextvars.copy_context().run(told) == (carried[3:35], carried)


def test_a_claim_brings_the_trace_and_a_shared_call_each_link_of_its_members_once(worker, sms):
    with span(1):
        sms.send(number(0), "a", **OPTIONS)
    claim = only(worker.take())
    assert (claim.trace, claim.links) == (parent(1), "")

    for place, which in enumerate((1, 1, 2), 10):
        with span(which):
            sms.send(Recipient(number(place), param1="x"), CODE, **OPTIONS)
            sms.send_many([Message(Recipient(number(place + 10), param1="x"), CODE, **OPTIONS)])
    sms.send(Recipient(number(3), param1="x"), CODE, **OPTIONS)
    claim = only(worker.take())
    assert (claim.trace, claim.links) == ("", f"{parent(1)} {parent(2)}")


def test_a_shared_call_has_no_more_links_than_a_span_may_have(worker, sms):
    for which in range(1, 135):
        with span(which):
            sms.send(Recipient(number(which), param1="x"), CODE, **OPTIONS)
    links = only(worker.take()).links.split()
    assert links == [parent(which) for which in range(1, len(links) + 1)]
    assert 120 < len(links) <= 128


@pytest.mark.parametrize("ticket", ["sms_abc", ""])
@pytest.mark.parametrize("campaign", [False, True])
def test_a_callback_learns_the_trace_of_its_message(worker, redis_client, sms, ticket, campaign):
    with span(1):
        if campaign:
            sms.send_campaign("a", [number(1)], campaign_id="c", with_replies=True, **OPTIONS)
        else:
            sms.send(number(1), "a", with_replies=True, **OPTIONS)
    worker.finish(only(worker.take()), Accepted(ticket or None))
    now_ms = int(redis_client.time()[0] * 1000) + 2000
    [found] = worker.ledger.correlate([Question(ticket, number(1), now_ms, now_ms, only_when_idle=False)])
    assert found.trace == parent(1)


@pytest.mark.parametrize("field", ["trace", "links"])
def test_a_damaged_trace_keeps_neither_its_message_nor_a_neighbour_nor_a_callback(
    worker, redis_client, sms, field
):
    damaged, sound = (
        sms.send(number(which), "a", with_replies=True, **OPTIONS).request_id for which in range(2)
    )
    redis_client.hset(KEYS.record(damaged), field, b"\xff" * 55)

    claims = {claim.entry.id: claim for claim in worker.take()}
    assert set(claims) == {damaged, sound}
    worker.finish(claims[damaged], Accepted("sms_abc"))
    now_ms = int(redis_client.time()[0] * 1000) + 2000
    [found] = worker.ledger.correlate([Question("sms_abc", number(0), now_ms, now_ms, only_when_idle=False)])
    assert (found.request_id, tracing.is_sampled(found.trace)) == (damaged, False)


def test_an_application_without_opentelemetry_sends_and_handles_as_ever(redis_url):
    # The import of what is None fails, as if it were not installed.
    lines = """
import sys
sys.modules["opentelemetry"] = None
from producers import Feed, Producer
from producers.events import Reply
Producer(sys.argv[1]).send("+33612345678", "a", sender="Bistro", purpose="alert")
reply = Reply(**dict.fromkeys(Reply.__struct_fields__, None) | {"trace": sys.argv[2]})
with reply.span() as span:
    print(span, "opentelemetry.trace" in sys.modules)
"""
    line = [sys.executable, "-c", lines, redis_url, parent(1)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == "None False\n"


@pytest.mark.parametrize("written", ["", "00-x", parent(1) + "-more", f"00-{0:032x}-{1:016x}-01", "é" * 55])
def test_what_somebody_has_written_in_place_of_a_trace_is_no_trace(written):
    assert tracing.api() is not None
    begun = tracing.begin("process replies", "CONSUMER", {}, parent=written, links=[written])
    assert not begun.get_span_context().is_valid


def test_a_trace_that_nobody_records_is_still_carried_on(redis_client, sms):
    with span(1, sampled=False):
        sent = sms.send(number(1), "a", **OPTIONS)
    assert fields(redis_client, sent.request_id) == (parent(1, "00"), "")
    assert not tracing.is_sampled(parent(1, "00"))


def test_a_sampler_that_fails_costs_no_message(redis_url):
    lines = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider, sampling
from producers import Producer
from producers.contract import tracing

class Broken(sampling.Sampler):
    def should_sample(self, *_, **__):
        raise ValueError("broken")
    def get_description(self):
        return "broken"

trace.set_tracer_provider(TracerProvider(sampler=Broken()))
flags = trace.TraceFlags(1)
with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(1, 1, True, flags))):
    print(Producer(sys.argv[1]).send("+33612345678", "a", sender="Bistro", purpose="alert").created)
for kind, parent in (("CLIENT", trace.INVALID_SPAN), ("CONSUMER", "")):
    span = tracing.begin("a", kind, {}, parent=parent, links=["00-" + "1" * 32 + "-" + "1" * 16 + "-01"])
    tracing.end(span)
"""
    done = subprocess.run(
        [sys.executable, "-c", lines, redis_url], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
