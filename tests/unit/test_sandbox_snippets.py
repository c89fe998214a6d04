"""What `octopush-worker sandbox` prints can be pasted as it stands."""

import re

from worker.cli import instructions

PRINTED = instructions(
    "unix:///tmp/x/redis.sock",
    "http://127.0.0.1:1",
    "http://127.0.0.1:2/callbacks/x",
    "http://127.0.0.1:3",
    "secret",
)


def test_the_python_snippets_are_python_as_they_are_printed():
    snippets = re.findall(r"^ *from producers.*?(?=\n\n)", PRINTED, re.MULTILINE | re.DOTALL)

    assert len(snippets) == 2
    for snippet in snippets:
        compile(snippet, "<pasted>", "exec")


def test_the_phone_comes_first():
    first = re.search(r"\S+://\S+", PRINTED)

    assert first
    assert first[0] == "http://127.0.0.1:1/"


def test_what_the_pages_call_admin_is_said():
    assert "\nexport ADMIN=http://127.0.0.1:1\n" in PRINTED
    assert "\nexport REDIS_URL=unix:///tmp/x/redis.sock\n" in PRINTED
