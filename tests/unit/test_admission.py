"""Admission: one order of gates in Python, in Lua and in the files; and the words for each."""

import re
from importlib.resources import files

import pytest

from producers.contract.admission import ADMISSION, CREDIT, Gate, describe

LIBRARY = files("producers.contract") / "lua"
SOURCES = {path.name.removesuffix(".lua"): path.read_text("utf-8") for path in (LIBRARY / "gates").iterdir()}


def asked(part: str, ending: str) -> list[str]:
    """List the gates that a part of the library asks, in order."""
    code = re.sub(r"^--.*$", "", (LIBRARY / f"{part}.lua").read_text("utf-8"), flags=re.MULTILINE)
    return re.findall(rf"\b(\w+)_{ending}\b", code)


def with_function(ending: str) -> list[str]:
    """List the gates that have a function, in the order of admission."""
    return [name for name in ADMISSION if f"local function {name}_{ending}(" in SOURCES[name]]


def test_the_order_of_the_gates():
    assert [*ADMISSION] == [
        *("newer", "ended", "attempt", "due", "campaign", "composed", "lifetime"),
        *("hold", "pause", "in_flight", "rate", "credit", "breaker"),
    ]


def test_a_gate_is_a_file():
    assert sorted(SOURCES) == sorted(ADMISSION)


@pytest.mark.parametrize(("part", "ending"), [("admit_send", "keeps"), ("admit_queue", "room")])
def test_lua_asks_every_gate_that_can_answer_in_this_order(part, ending):
    assert asked(part, ending) == with_function(ending) != []


def test_every_gate_is_asked():
    assert {*with_function("keeps"), *with_function("room")} == {*ADMISSION}


@pytest.mark.parametrize("name", [name for name in ADMISSION if name != CREDIT])
def test_what_waits_aside_at_a_gate_without_facts_is_told_its_reason(name):
    assert describe(name, Gate()) == f"{name}: {ADMISSION[name]}"


def test_what_waits_at_a_gate_that_was_just_opened_is_about_to_go_on():
    assert describe(CREDIT, Gate()) == "credit: about to go on"
    assert describe("999", Gate()) == "999: about to go on"
