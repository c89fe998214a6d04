"""The server in memory reads MessagePack as Redis does."""

import re

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.testing.memory import Memory

CLIENT = Memory().client
SCRIPT = "#!lua\nreturn cjson.encode({ cmsgpack.unpack(ARGV[1]) })"
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False, width=64)
LEAVES = st.booleans() | NUMBERS | st.text(max_size=300)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=40)
        | st.dictionaries(st.text("abc", min_size=1), inner, min_size=1)
    ),
    max_leaves=60,
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(VALUES)
def test_what_a_script_is_given_is_read_as_it_was_written(value):
    answer = CLIENT.eval(SCRIPT, 0, msgspec.msgpack.encode(value))

    [found] = msgspec.json.decode(answer)
    assert found == value


def test_an_absent_value_and_a_failed_call_are_what_they_are_in_redis():
    assert CLIENT.eval("#!lua\nreturn cmsgpack.unpack(ARGV[1]).a == nil", 0, b"\x81\xa1a\xc0") == 1
    assert b"Wrong number" in CLIENT.eval("#!lua\nreturn redis.pcall('HGET', 'a').err", 0)


def test_the_memory_is_one_server_from_its_beginning_to_its_end():
    script = "#!lua\nreturn { redis.call('INFO', 'server'), redis.call('INFO', 'replication') }"
    server, replication = CLIENT.eval(script, 0)

    assert re.search(rb"run_id:\w+", server)
    assert re.search(rb"master_replid:\w+", replication)
    assert CLIENT.eval(script, 0) == [server, replication]


def test_a_script_may_have_as_many_variables_as_in_redis():
    variables = "".join(f"local v{number} = {number}\n" for number in range(200))

    assert CLIENT.eval(f"#!lua\n{variables}return v199", 0) == 199
