"""Every code block of the README and of docs/ is run, or checked as far as it can be; none escapes.

Python is run in the memory of `sms_outbox`, page by page, by a story in `STORIES`. Shell is typed into a
`Terminal`. What another test runs stands in `ELSEWHERE`, and what nobody can run in `SHOWN`, with its reason.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest
import yaml

from producers import Producer, Recipient
from producers.contract.metric_table import METRICS
from tests.house.repository import ROOT, blocks, text
from tests.support.code_blocks import Block, blocks_in, code_blocks
from tests.support.simulator import SimulatorThread
from tests.support.terminal import Terminal, check_operation, check_shape
from worker.callbacks.payloads import read_callback

#: Blocks that another test runs as they stand: how they begin, and that test, which names the page.
ELSEWHERE: Final = {
    ("docs/applications.md", "from "): "tests/integration/test_applications_page.py",
    ("docs/applications.md", "import "): "tests/integration/test_hanging_redis.py",
    ("docs/callbacks.md", "# at the end of wsgi.py"): "tests/integration/test_callback_snippets.py",
    ("docs/callbacks.md", '"""Take Octopush'): "tests/integration/test_callback_snippets.py",
    ("docs/django.md", "# "): "tests/integration/test_outbox_pages.py",
    ("docs/django.md", "cd examples"): "tests/e2e/test_django.py",
    ("docs/django.md", "SECRET_KEY"): "tests/e2e/test_example_tests.py",
    ("docs/django.md", "python manage.py check"): "tests/e2e/test_django.py",
    ("docs/forwarding.md", '"""Receive webhooks'): "tests/integration/test_webhook_snippets.py",
    ("docs/forwarding.md", "secret  "): "tests/integration/test_webhook_snippets.py",
    ("docs/forwarding.md", "#!/bin/sh"): "tests/unit/test_mail_pipe_page.py",
    **{
        ("docs/http-answers.md", f"{method} /"): "tests/e2e/test_api_page.py"
        for method in ("GET", "POST", "PUT", "DELETE")
    },
    ("docs/outbox.md", "# "): "tests/integration/test_outbox_pages.py",
    ("docs/outbox.md", "import "): "tests/integration/test_outbox_pages.py",
    ("docs/outbox.md", "engine"): "tests/integration/test_outbox_pages.py",
    ("docs/outbox.md", "relay"): "tests/integration/test_outbox_pages.py",
    ("docs/outbox.md", "with "): "tests/integration/test_outbox_pages.py",
    ("docs/testing.md", "# bookings.py"): "tests/e2e/test_testing_page.py",
    ("docs/testing.md", "import "): "tests/e2e/test_testing_page.py",
    ("docs/testing.md", "from "): "tests/e2e/test_testing_page.py",
    ("docs/tutorial.md", "# "): "tests/house/test_tutorial.py",
    ("docs/tutorial.md", "booking"): "tests/house/test_tutorial.py",
}
#: Blocks that are there to be read: how they begin, and why nothing runs them.
SHOWN: Final = {
    ("README.md", "out   your app"): "a drawing",
    ("docs/applications.md", "Reply("): "what a reply prints, shortened",
    ("docs/campaigns.md", "recipients 3 in 1"): "what a command prints; test_dry_run.py has its lines",
    ("docs/campaigns.md", "campaign   csv-"): "what a command printed on one day",
    (
        "docs/django.md",
        "manage.py sms_consume",
    ): "one of the commands that test_django.py runs",
    ("docs/forwarding.md", "webhook-id:"): "a request, shortened",
    ("docs/forwarding.md", "From: +336"): "a mail",
    ("docs/forwarding.md", "sms-in unix"): "Postfix, which is not where tests run",
    ("docs/forwarding.md", "relay_domains"): "Postfix, which is not where tests run",
    ("docs/guarantees.md", "    "): "what one run of the soak printed",
    ("docs/pilot.md", "# What the gateway"): "what one trial wrote, shortened; test_pilot.py has its lines",
    ("docs/scaling.md", "case "): "what a command prints; test_scale.py compares",
    ("docs/testing.md", "wanted 1 SMS"): "what a failing test prints",
    ("docs/tracing.md", "docker"): "starts a container, which nobody can here; the page says so",
    ("docs/tracing.md", "trace of your application"): "a drawing; tests/e2e/test_tracing.py holds it",
}
NUMBER: Final = "+33612345678"


def rows(block: Block, table: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    """Find the rows of a block in a table of those that are not run here."""
    return [row for row in table if row[0] == block.page and block.code.startswith(row[1])]


def written_files(page: Sequence[Block]) -> dict[str, str]:
    """Return the files that a page lets its reader write: Python that begins with a name."""
    named = ((re.match(r"# (\w+\.py)\n", block.code), block) for block in page if block.language == "python")
    return {found[1]: block.code for found, block in named if found}


HERE: Final = [block for block in code_blocks() if not rows(block, ELSEWHERE) and not rows(block, SHOWN)]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


@pytest.fixture
def typed(simulator, tmp_path, monkeypatch) -> Callable[[Block], None]:
    """Type a block into a terminal."""
    monkeypatch.chdir(tmp_path)
    admin_url = str(simulator.admin.http.base_url).rstrip("/")

    def type_in(block: Block) -> None:
        page = [each for each in code_blocks() if each.page == block.page]
        Terminal(tmp_path, admin_url, written_files(page)).type(block.code)

    return type_in


# Python: one story a page, which runs all its blocks in their order.

Names = dict[str, Any]


def execute(block: Block, names: Names) -> None:
    exec(compile("\n" * block.line + block.code, block.page, "exec"), names)


def readme(page, outbox, printed):
    send, read = page
    names: Names = {}
    execute(send, names)
    assert printed() == "queued\n"
    outbox.reply(NUMBER, "Oui")
    execute(read, names)
    assert printed().endswith(" ticket {'booking': 42} Oui\n")


def accounts(page, outbox, printed):
    [two] = page
    names: Names = {}
    execute(two, names)
    for account in ("shop", "clinic"):
        sent = names[account].send(NUMBER, "Hello", sender="Shop", purpose="alert", request_id="one")
        assert sent.created


def scaling(page, outbox, printed):
    [split] = page
    execute(split, {})
    outbox.assert_sent(to=NUMBER, text="Your code is 4711")


def campaigns(page, outbox, printed):
    [send] = page
    execute(send, {"recipients": lambda: [Recipient(NUMBER, first_name="Zoé")]})
    assert printed() == "1 1 0\n"


def streams(page, outbox, printed):
    loop, handler = page
    message = {"sender": "Bistro", "purpose": "alert", "with_replies": True, "context": {"booking": 42}}
    Producer().send(NUMBER, "Do you come?", **message)
    reply = outbox.reply(NUMBER, "Oui")
    confirmed: list[tuple[int, str]] = []
    names: Names = {"confirm": lambda *given: confirmed.append(given), "database": Database()}
    execute(loop, names)
    assert confirmed == [(42, "Oui")]
    execute(handler, names)
    names["handle"](reply)
    names["handle"](reply)
    assert confirmed == [(42, "Oui")] * 2


def tracing(page, outbox, printed):
    [loop] = page
    message = {"sender": "Bistro", "purpose": "alert", "with_replies": True, "context": {"booking": 42}}
    Producer().send(NUMBER, "Do you come?", **message)
    outbox.reply(NUMBER, "Oui")
    confirmed: list[tuple[int, str]] = []
    execute(loop, {"confirm": lambda *given: confirmed.append(given)})
    assert confirmed == [(42, "Oui")]


class Database:
    """What the application of docs/streams.md has."""

    def __init__(self) -> None:
        self._rows: set[tuple[str, str]] = set()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def insert_if_absent(self, *row: str) -> bool:
        is_new = row not in self._rows
        self._rows.add(row)
        return is_new


STORIES: Final = {
    "README.md": readme,
    "docs/accounts.md": accounts,
    "docs/campaigns.md": campaigns,
    "docs/scaling.md": scaling,
    "docs/streams.md": streams,
    "docs/tracing.md": tracing,
}


# Texts of which something can be checked.


def same_reply(block: Block) -> None:
    """Each line is one and the same callback."""
    now = datetime(2030, 1, 31, 13, 5, 10, tzinfo=UTC)
    read = [read_callback(line.encode(), "", "", now, "id") for line in block.code.splitlines()]
    events = {msgspec.structs.replace(reply, raw="", event_id="") for [reply] in read}
    assert len(read) > 1
    assert len(events) == 1


def requests(block: Block) -> None:
    for line in block.code.splitlines():
        method, url, *body = line.split(maxsplit=2)
        check_operation(method, url, json.loads(body[0]) if body else None)


TEXTS: Final = {
    ("docs/callbacks.md", '{"number"'): same_reply,
    ("docs/http-api.md", "GET"): requests,
}


# Languages.


def python(block: Block, typed: Any) -> None:
    assert block.page in STORIES, "write a story in STORIES that runs it, or name its test in ELSEWHERE"


def sh(block: Block, typed: Any) -> None:
    typed(block)


def as_text(block: Block, typed: Any) -> None:
    [row] = rows(block, TEXTS) or pytest.fail("check it in TEXTS, or say in SHOWN why nobody can")
    TEXTS[row](block)


def as_json(block: Block, typed: Any) -> None:
    value = json.loads(block.code)
    if "code" in value and "errors" in value:
        check_shape("#/components/schemas/Problem", value)


def as_yaml(block: Block, typed: Any) -> None:
    """Rules for alerts: the figures are there."""
    assert yaml.safe_load(block.code)
    for name in re.findall(r"\boctopush_(\w+)", block.code):
        assert name in METRICS, name


def mermaid(block: Block, typed: Any) -> None:
    """tests/house/test_pages.py reads what it says."""
    assert block.code in blocks(ROOT / block.page, "mermaid")


LANGUAGES: Final = {
    "python": python,
    "sh": sh,
    "text": as_text,
    "json": as_json,
    "yaml": as_yaml,
    "mermaid": mermaid,
}


def check(block: Block, typed: Callable[[Block], None]) -> None:
    assert block.language in LANGUAGES, (
        f"nobody knows how to check {block.language or 'a block without language'}"
    )
    LANGUAGES[block.language](block, typed)


@pytest.mark.parametrize("block", HERE, ids=str)
def test_a_block_is_right(block, typed):
    check(block, typed)


@pytest.mark.parametrize("page", STORIES)
def test_the_python_of_a_page_runs(page, sms_outbox, capsys):
    found = [block for block in HERE if (block.page, block.language) == (page, "python")]
    STORIES[page](found, sms_outbox, lambda: capsys.readouterr().out)


def test_no_block_escapes():
    fences = sum(
        len(re.findall(r"^ *(?:```|~~~)", text(page), re.MULTILINE))
        for page in {block.page for block in code_blocks()}
    )
    assert fences == 2 * len(code_blocks())
    for table in (ELSEWHERE, SHOWN, TEXTS):
        for row in table:
            assert any(row in rows(block, table) for block in code_blocks()), f"no block is {row}"
    for (page, _), test in ELSEWHERE.items():
        assert page.rpartition("/")[2] in text(test), f"{test} does not name {page}"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("", "anything"),
        ("cobol", "DISPLAY 'HI'."),
        ("python", "print(1)"),
        ("text", "anything"),
        ("json", '{"a": 1'),
        ("json", '{"code": "invalid", "errors": []}'),
        ("yaml", "expr: [octopush_workers"),
        ("yaml", "expr: octopush_nothing > 1"),
        ("mermaid", "flowchart LR"),
        ("sh", "wget https://example.com"),
        ("sh", "if true"),
        ("sh", "octopush-worker sned"),
        ("sh", "octopush-worker send --too +33612345678"),
        ("sh", "octopush-worker forward replay"),
        ("sh", "make nothing"),
        ("sh", "make bench BENCHES=all"),
        ("sh", "pip install '.[nothing]'"),
        ("sh", "python3 -c 'import nothing'"),
        ("sh", "export MAIL_SECRET=$(python3 -c 'import nothing')"),
        ("sh", "python nothing.py"),
        ("sh", "export NOBODYS_VARIABLE=1"),
        ("sh", "redis-cli XREADGROUP nothing"),
        ("sh", """curl -d '{"fault": {"preset": "nothing"}}' $ADMIN/faults"""),
        ("sh", "curl $ADMIN/nothing"),
        ("sh", "curl 'http://127.0.0.1:8002/v1/messages?nothing=1'"),
        ("sh", """curl -d '{"recipients": 1}' http://127.0.0.1:8002/v1/messages"""),
        ("sh", "curl https://example.com/nothing"),
    ],
)
def test_a_wrong_block_is_found(language, code, typed):
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(Block("docs/wrong.md", 1, language, code), typed)


def test_blocks_are_found_wherever_they_stand():
    page = "```sh\nmake\n```\n\n- In a list:\n\n  ~~~python\n  x\n  ~~~\n\n> ```\n> quoted\n> ```\n"
    page += "\n    indented\n"

    found = [(block.line, block.language, block.code) for block in blocks_in("page.md", page)]

    assert found == [(1, "sh", "make\n"), (7, "python", "x\n"), (11, "", "quoted\n"), (15, "", "indented\n")]
