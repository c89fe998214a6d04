"""Admission: one order of gates, in Python and in the scripts; and the words for each."""

import re
from importlib.resources import files

import pytest

from producers.contract.admission import ADMISSION, CREDIT, Gate, describe
from producers.contract.scripts import Script

SOURCES = {
    path.name.removesuffix(".lua"): path.read_text("utf-8")
    for path in (files("producers.contract") / "lua" / "gates").iterdir()
}


def test_the_order_of_the_gates():
    assert [*ADMISSION] == [
        *("newer", "ended", "due", "attempt", "campaign", "suppressed", "composed", "lifetime"),
        *("hours", "budget", "hold", "pause", "in_flight", "rate", "credit", "breaker"),
    ]


def test_a_gate_is_a_file():
    assert sorted(SOURCES) == sorted(ADMISSION)


@pytest.mark.parametrize(
    ("package", "name", "function"),
    [
        ("worker.queue", "fetch", "room"),
        ("worker.ledger", "claim", "keep"),
        ("worker.ledger", "may_post", "is_shut"),
    ],
)
def test_fetch_claim_and_late_posts_ask_every_gate_that_can_answer_in_this_order(package, name, function):
    added = re.findall(r"^local \w+ = new_gate\('(\w+)'\)$", Script(package, name).text, re.MULTILINE)
    assert added == [gate for gate in ADMISSION if f"function {gate}_gate.{function}(" in SOURCES[gate]]


@pytest.mark.parametrize("name", ADMISSION)
def test_every_gate_can_be_asked(name):
    assert re.search(rf"^function {name}_gate\.(keep|room)\(", SOURCES[name], re.MULTILINE)


def test_what_waits_at_a_gate_that_was_just_opened_is_about_to_go_on():
    assert describe(CREDIT, Gate()) == "credit: about to go on"
    assert describe("999", Gate()) == "999: about to go on"
