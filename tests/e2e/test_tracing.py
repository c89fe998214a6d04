"""Traces go from an application's span through worker and gateway to the handler of the reply."""

import os
import subprocess
import sys
import time

import pytest
from opentelemetry import trace

from producers.contract.span_names import ATTRIBUTES
from tests.support.installation import API_KEY, API_LOGIN, TOKEN, new_number
from tests.support.telemetry import TelemetryServer

TEXT = "canary-text-Zebrafink"
ANSWER = "canary-answer-Gimpel"
REQUEST_ID = "canary-id-Amsel"
#: Sends what has gathered often, so that nobody waits for it.
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_EXPORTER_OTLP_TIMEOUT": "20"}


@pytest.fixture(scope="module")
def telemetry():
    with TelemetryServer() as server:
        yield server


@pytest.fixture(scope="module")
def shared(install_for_module, telemetry):
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": telemetry.otlp, "SENTRY_DSN": telemetry.dsn, **SOON}
    return install_for_module(web=True, **variables)


@pytest.fixture(scope="module")
def story(shared, telemetry):
    """A booking that is answered, messages that share a call, and a campaign; then a refusal nobody knows."""
    number, others = new_number(), [new_number() for _ in range(3)]
    environ = {**os.environ, **shared.environ_of("app"), "OTEL_SERVICE_NAME": "shop"}
    line = [sys.executable, "-m", "tests.support.traced_app", number, TEXT, *others]
    app = subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        shared.wait_for(lambda: shared.gateway.messages(number=number) or app.poll())
        shared.all_settled([REQUEST_ID, "party.0", *(f"many-{i}" for i in range(3)), "untraced"])
        shared.gateway.reply(number, ANSWER)
        assert app.wait(60) == 0, app.stdout.read().decode()
    finally:
        app.kill()
        app.stdout.close()
    refused = new_number()
    shared.gateway.fault("refuse", code=999, match={"number": refused})
    shared.settled(shared.send(TEXT, to=refused))
    shared.wait_for(lambda: telemetry.events)
    # Its last spans leave when it ends.
    assert shared.worker.terminate() == 0
    return [number, *others, refused]


def only(spans, name, **facts):
    found = [s for s in spans if s.name == name and all(getattr(s, k) == v for k, v in facts.items())]
    assert len(found) == 1, spans
    return found[0]


def test_one_trace_leads_from_the_applications_span_to_the_post_and_its_link_to_the_handler(story, telemetry):
    spans = telemetry.spans
    own = only(spans, "book a table")
    sent = only(spans, "send alert", trace=own.trace)
    attempt = only(spans, "process alert", trace=own.trace)
    post = only(spans, "POST", trace=own.trace)
    assert [s.service for s in (own, sent, attempt, post)] == ["shop", "shop", *["octopush-worker"] * 2]
    assert [s.kind for s in (own, sent, attempt, post)] == ["INTERNAL", "PRODUCER", "CONSUMER", "CLIENT"]
    assert [s.parent for s in (own, sent, attempt, post)] == ["", own.id, sent.id, attempt.id]

    came = only(spans, "process replies", service="octopush-worker")
    handled = only(spans, "process replies", service="shop")
    confirmed = only(spans, "confirm the booking")
    assert (came.links, came.parent) == ([sent.id], "")
    assert [handled.parent, confirmed.parent] == [came.id, handled.id]
    receipts = [s for s in spans if s.name == "process receipts" and s.links == [sent.id]]
    assert len(receipts) == len({s.trace for s in receipts}) == 2


def test_messages_that_share_a_call_and_campaigns_have_traces_of_their_own_with_links(story, telemetry):
    spans = telemetry.spans
    for own, sent in (("tell all", "send"), ("campaign", "send alert")):
        queued = only(spans, sent, parent=only(spans, own).id)
        attempts = [s for s in spans if s.name == "process alert" and queued.id in s.links]
        assert attempts
        assert all(s.links == [queued.id] and s.trace != queued.trace and not s.parent for s in attempts)


def test_what_is_sent_without_a_trace_has_no_span(story, telemetry):
    # A booking, one or more calls that three messages share, and the slice of a campaign.
    attempts = [s for s in telemetry.spans if s.name == "process alert"]
    assert all(s.parent or s.links for s in attempts)
    posts = [s for s in telemetry.spans if s.name == "POST"]
    assert {s.parent for s in posts} == {s.id for s in attempts}


def test_a_span_says_what_became_of_its_call_under_names_that_the_page_lists(story, telemetry):
    ours = [s for s in telemetry.spans if s.service == "octopush-worker" or s.kind != "INTERNAL"]
    assert {name for s in ours for name in s.attributes} <= set(ATTRIBUTES)
    own = only(telemetry.spans, "book a table")
    post = only(telemetry.spans, "POST", trace=own.trace)
    attempt = only(telemetry.spans, "process alert", trace=own.trace)
    assert (post.attributes["http.response.status_code"], post.attributes["octopush.outcome"]) == (
        201,
        "accepted",
    )
    assert (attempt.attributes["octopush.state"], attempt.attributes["octopush.posts"]) == ("accepted", 1)


def test_sentry_is_told_of_a_line_at_level_error(story, telemetry):
    told = [each for each in telemetry.events if each.get("message") == "sms.unknown"]
    assert len(told) == 1
    assert told[0]["tags"] == {"state": "unknown", "outcome": "unexplained", "code": "999", **told[0]["tags"]}


def test_nothing_of_a_person_and_no_secret_is_in_any_byte_that_leaves(story, telemetry, shared):
    everything = b"".join(
        path.encode() + headers.encode() + body for path, headers, body in telemetry.posts
    ).decode("utf-8", "replace")
    assert "process alert" in everything
    assert "sms.unknown" in everything
    canaries = [TEXT, ANSWER, API_KEY, API_LOGIN, TOKEN, REQUEST_ID, *(number[1:] for number in story)]
    canaries += [each.ticket for each in shared.gateway.accepted() if each.ticket]
    assert [each for each in canaries if each in everything] == []


def test_a_collector_that_hangs_delays_neither_a_message_nor_the_end_of_the_worker(install):
    elsewhere = trace.NonRecordingSpan(
        trace.SpanContext(1, 1, is_remote=True, trace_flags=trace.TraceFlags(1))
    )
    with TelemetryServer() as deaf:
        deaf.hangs.set()
        installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=deaf.otlp, SENTRY_DSN=deaf.dsn, **SOON)
        with trace.use_span(elsewhere):
            first = installation.send()
        installation.settled(first)
        installation.wait_for(lambda: deaf.posts)
        with trace.use_span(elsewhere):
            sends = [installation.send() for _ in range(5)]
        assert installation.all_settled(sends) == {"accepted"}
        begun = time.monotonic()
        assert installation.worker.terminate() == 0
        # A hanging exporter has 20 s, and a process that waited for it would be killed.
        assert time.monotonic() - begun < 15
