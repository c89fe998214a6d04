"""A script is put together with what it comes to, in layers that Lua can take."""

from producers.contract.assembly import joined

LAYER = "return (function() "


def names(count: int) -> list[str]:
    return [f"name{i}" for i in range(count)]


def declared(count: int) -> str:
    return "".join(f"local {name} = 1\n" for name in names(count))


def test_what_a_script_never_comes_to_leaves_empty_lines():
    part = "local function used()\n  return 1\nend\n\n-- Never.\nlocal function idle()\n  return 2\nend\n"

    assert joined({"part": part, "script": "return used()\n"}) == (
        "local function used()\n  return 1\nend\n\n-- Never.\n" + 3 * "\n" + "return used()\n"
    )


def test_what_only_the_idle_use_is_idle():
    part = "local function deep() end\nlocal function idle() return deep() end\nlocal function used() end\n"

    assert joined({"part": part, "script": "used()\n"}) == "\n\nlocal function used() end\nused()\n"


def test_a_name_in_a_string_or_a_comment_is_no_use():
    part = "local function idle() end\n"

    assert joined({"part": part, "script": "return 'idle' -- idle\n"}) == "\nreturn 'idle' -- idle\n"


def test_a_name_behind_a_concatenation_is_a_use():
    part = "local MARK = '~'\n"

    assert joined({"part": part, "script": "return 'a' ..MARK\n"}) == part + "return 'a' ..MARK\n"


def test_what_a_call_may_do_stays_though_nobody_uses_what_it_gives():
    part = "local gate = new_gate('hours')\n"

    assert joined({"part": part, "script": "return 1\n"}) == part + "return 1\n"


def test_a_function_in_a_table_stays_for_those_that_call_it():
    gate = "local a_gate = new_gate('a')\nfunction a_gate.keep() end\nfunction a_gate.is_shut() end\n"

    assert joined({"gates/a": gate, "script": "return gate.keep(1)\n"}) == (
        "do local a_gate = new_gate('a')\nfunction a_gate.keep() end\n\nend return gate.keep(1)\n"
    )


def test_many_names_end_a_layer():
    script = f"return {' + '.join(names(30))}\n"

    assert joined({"part": declared(30), "script": script}) == f"{declared(30)}{LAYER}{script}end)() "


def test_few_names_end_none():
    script = f"return {' + '.join(names(10))}\n"

    assert joined({"part": declared(10), "script": script}) == declared(10) + script


def test_no_layer_takes_more_from_outside_than_lua_allows():
    script = f"return {' + '.join(names(61))}\n"

    assert LAYER not in joined({"part": declared(61), "script": script})
