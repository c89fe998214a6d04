"""Each user of deploy/redis/users.acl may touch every key that the scripts of its role make.

A script that is refused a key half-way has done half of a transition: nobody shall find that out by a run.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

import pytest

from tests.house.repository import none_of, rows
from tests.support.lua_keys import ANY, keys_of
from tests.support.lua_scripts import ROOT, assembled, script_files
from tests.support.redis_users import rules

_SENDS: Final = ("producers/queueing", "producers/contract")
_FORWARDS: Final = ("worker/forwarding", "worker/operator/forward_resume.lua", "producers/contract")
#: Where the scripts of a role lie. Console and operators may touch all keys of the namespace.
SCRIPTS: Final = {
    "producer": _SENDS,
    "app": (*_SENDS, "producers/reading"),
    "api": (*_SENDS, "producers/reading", "worker/api"),
    "mail-in": (*_SENDS, "worker/operator/append_audit.lua"),
    "reader": ("producers/reading",),
    "web": ("producers/intake",),
    "worker": (
        *("worker/account", "worker/callbacks", "worker/ledger", "worker/process", "worker/queue"),
        "worker/operator/infer_price.lua",
        "producers/contract",
    ),
    "forwarder": _FORWARDS,
    "forward-email": _FORWARDS,
}
#: What stands for the first part of a key where only the run knows it.
_READ: Final = ("replies", "receipts", "optouts", "statuses", "alarms")
STREAMS: Final = {"worker": (*_READ, "quarantine"), "producer": (), "web": (), "mail-in": ()}
PROBED: Final = ("hold", "credit")
#: What stands for a queue.
QUEUES: Final = {"web": ("callbacks",), "worker": ("alert", "marketing", "callbacks")}
#: A key that a part of the library makes, and a role never uses: callbacks are no messages that gather.
NEVER: Final = {"web": {"gather:<>"}}


def patterns(user: str) -> list[str]:
    """Return the keys that a user may read or write, without the prefix."""
    words = " ".join(rules()[user]).replace("(", " ").replace(")", " ").split()
    return [word.partition("{sms}:")[2] for word in words if word.startswith(("~", "%"))]


def wanted(user: str) -> set[str]:
    """Return examples of the keys that the scripts of a role make."""
    scripts = [path for path in script_files() if str(path.relative_to(ROOT)).startswith(SCRIPTS[user])]
    found = {key for script in scripts for file in assembled(script).files for key in keys_of(file)}
    return {each for key in found - NEVER.get(user, set()) for each in examples(key, user)}


def examples(key: str, user: str) -> Iterator[str]:
    first, _, rest = key.partition(ANY)
    if first == "queue:":
        begun = [first + queue for queue in QUEUES.get(user, ("alert", "marketing"))]
    elif first == "" and ANY in key:
        begun = [*(PROBED if rest == ":probes" else STREAMS.get(user, _READ))]
    else:
        begun, rest = [first], key.removeprefix(first)
    yield from ((each + rest).replace(ANY, "x") for each in begun)


@pytest.mark.parametrize("user", SCRIPTS)
def test_a_user_may_touch_every_key_that_its_scripts_make(user):
    none_of(key for key in wanted(user) if not any(fnmatchcase(key, each) for each in patterns(user)))


@pytest.mark.parametrize("user", SCRIPTS)
def test_a_user_may_learn_which_server_it_is_where_its_scripts_ask(user):
    """A script that is refused `INFO` takes the server for another one, and nobody shares a call."""
    scripts = [path for path in script_files() if str(path.relative_to(ROOT)).startswith(SCRIPTS[user])]
    asks = any(file.name == "eras.lua" for script in scripts for file in assembled(script).files)

    assert not asks or "+info" in rules()[user]


def test_the_page_has_a_row_for_each_user():
    assert {cells[0].strip("`") for cells in rows("docs/redis.md", "Users")} == set(rules())
