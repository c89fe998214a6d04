"""Variables decide where spans and errors of a worker process go, and Sentry gets what is on a list."""

import sys

import pytest

from producers.errors import ConfigError
from worker.process import sentry, tracing
from worker.sandbox.environments import of_process
from worker.settings import WorkerSettings

ACCOUNT = {"OCTOPUSH_API_LOGIN": "a@example.com", "OCTOPUSH_API_KEY": "key", "SMS_ENVIRONMENT": "production"}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_SERVICE_NAME": "sms"}, False),
    ],
)
def test_spans_are_made_where_somebody_says_where_they_go(environ, wanted):
    assert tracing.is_wanted(environ) is wanted


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        (ENDPOINT, ["otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, ["otlp_proto_http", "console"]),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ["otlp_proto_grpc"]),
    ],
)
def test_the_standard_variables_name_the_exporters(environ, names):
    assert tracing._exporters(environ) == names


def test_an_exporter_that_is_not_there_keeps_no_worker_from_sending():
    tracing.start({"OTEL_TRACES_EXPORTER": "nobody-has-this"})()


def test_an_address_that_sentry_cannot_have_is_refused_like_any_other_setting():
    with pytest.raises(ConfigError, match="SENTRY_DSN: must be the DSN of a project") as caught:
        WorkerSettings.from_env({**ACCOUNT, "SENTRY_DSN": "canary-dsn"})
    assert "canary" not in str(caught.value)


def test_an_address_without_the_extra_is_refused_in_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setattr("worker.settings.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"SENTRY_DSN: needs sentry_sdk.*octopush-worker\[sentry\]"):
        WorkerSettings.from_env({**ACCOUNT, "SENTRY_DSN": "https://public@sentry.example.com/1"})


def test_sentry_gets_no_text_no_value_no_variable_and_no_field_that_is_not_on_the_list():
    event = {
        "level": "error",
        "message": "the number canary is wrong",
        "server_name": "canary",
        "user": {"id": "canary"},
        "request": {"data": "canary"},
        "extra": {"to": "canary"},
        "modules": {"canary": "1"},
        "contexts": {"trace": {"data": "canary"}},
        "breadcrumbs": {"values": [{"message": "canary"}]},
        "logger": "lib.+33612345678",
        "tags": {
            "code": "101",
            "request_id": "canary",
            "reason": "it says canary\n",
            "queue": "alert",
            "status": "33612345678",
        },
        "exception": {
            "values": [
                {
                    "type": "Refused +33612345678",
                    "module": "builtins",
                    "value": "canary",
                    "stacktrace": {
                        "frames": [
                            {
                                "filename": "a.py",
                                "function": "f",
                                "lineno": 1,
                                "vars": {"text": "canary"},
                                "context_line": "canary",
                            }
                        ]
                    },
                }
            ]
        },
    }
    kept = sentry.scrub(event, {})
    assert "canary" not in repr(kept)
    assert "612345678" not in repr(kept)
    assert kept["tags"] == {"code": "101", "queue": "alert"}
    assert kept["exception"]["values"][0]["type"] == "Exception"
    frame = kept["exception"]["values"][0]["stacktrace"]["frames"][0]
    assert frame == {"filename": "a.py", "function": "f", "lineno": 1}


def test_up_hands_the_variables_of_telemetry_to_workers_alone():
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": "key=secret", "SENTRY_ENVIRONMENT": "test"}
    assert of_process("worker", "", headers) == headers
    assert of_process("web", "", headers) == {}


@pytest.mark.parametrize("logger", ["sentry_sdk.errors", "urllib3.connectionpool"])
def test_what_goes_wrong_on_the_way_to_sentry_is_not_told_to_sentry(monkeypatch, logger):
    told = []
    monkeypatch.setattr(sentry, "_capture", lambda event, _: told.append(event["logger"]))
    monkeypatch.setitem(sys.modules, "sentry_sdk", object())

    for name in (logger, "dramatiq.worker"):
        sentry.tell(None, "error", {"level": "error", "event": "failed", "logger": name})

    assert told == ["dramatiq.worker"]
