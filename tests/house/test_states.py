"""The end states stand in one place in Python and in one in Lua, and both say the same."""

import re
from typing import get_args

from producers.contract.jobs import ENDS, LAYOUT, PARKED
from producers.contract.receipts import STATES, DeliveryState
from tests.house.repository import files, name, text
from worker.callbacks.ranks import RANKS

LUA = "producers/contract/lua/states.lua"
HOMES = {"producers/contract/jobs.py", LUA}


def test_lua_and_python_have_the_same_end_states():
    listed = re.search(r"local ENDS = \{(.+?)\}", text(LUA))[1]
    assert tuple(re.findall(r"'(\w+)'", listed)) == ENDS


def test_lua_and_python_serve_the_same_layouts():
    head = text("producers/contract/lua/head.lua")
    said = re.search(r"^local layout, newest_layout = .*, (\d+)$", head, re.MULTILINE)
    assert int(said[1]) == LAYOUT


def test_a_person_decides_about_end_states_only():
    listed = re.search(r"local PARKED = \{(.+?)\}", text(LUA))[1]
    assert set(re.findall(r"(\w+) = true", listed)) == set(PARKED) < set(ENDS)


def test_lua_and_python_have_the_same_states_of_deliveries():
    listed = re.search(r"local STATES = \{(.+?)\}", text("producers/contract/lua/deliveries.lua"))[1]
    assert tuple(re.findall(r"'(\w+)'", listed)) == STATES
    assert list(dict.fromkeys(STATES)) == list(get_args(DeliveryState))


def test_every_rank_has_a_state():
    assert set(RANKS.values()) == set(range(len(STATES)))


def test_nobody_else_lists_them():
    states = "|".join(ENDS)
    listed = re.compile(rf"""(?:['"](?:{states})['"],\s*){{5}}['"](?:{states})['"]""")
    ours = [path for path in files() if name(path).startswith(("producers/", "worker/"))]
    assert {
        name(path) for path in ours if path.suffix in {".py", ".lua"} and listed.search(text(path))
    } == HOMES
