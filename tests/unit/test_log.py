"""Logs carry what the allow-list names, and nothing that a library or a bug slips in."""

import logging

from dramatiq.message import Message

from worker.log import FIELDS, NamesOnly, keep_allowed


def test_unlisted_fields_are_dropped_and_what_happened_comes_first():
    event = {"number": "+336***78", "text": "canary", "api_key": "canary", "event": "x", "level": "info"}
    assert list(keep_allowed(None, "", event)) == ["event", "level", "number"]


def test_the_allow_list_names_no_content():
    assert not FIELDS & {
        "text",
        "body",
        "recipients_list",
        "phone_number",
        "api_key",
        "login",
        "token",
        "raw",
    }


def test_dramatiq_messages_are_logged_by_name_and_id():
    message = Message("q", "send_sms", (), {"text": "canary"}, {}, message_id="m1")
    record = logging.LogRecord(
        "dramatiq", logging.ERROR, "f", 1, "Failed to process message %s.", (message,), None
    )
    assert NamesOnly().filter(record)
    assert record.getMessage() == "Failed to process message send_sms[m1]."
