"""The first hour with the wheel: each extra alone, each command. It works, or says in one line why not."""

import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from tests.support.wheel import ROOT, Installed, build
from worker.cli import main
from worker.sandbox.free_port import free_port

NUMBER = "+33612345678"
#: What each command is given, beyond itself.
ARGUMENTS = {
    "api-token": ["shop"],
    "explain": ["nobody"],
    "show": ["nobody"],
    "conversation": [NUMBER],
    "hours": [NUMBER],
    "send": ["--to", NUMBER, "--text", "Hello", "--sender", "Bistro", "--purpose", "alert"],
    "resolve": ["nobody", "--as-accepted"],
    "replay": ["nobody"],
    "completion": ["bash"],
    "campaign status": ["nobody"],
    "campaign pause": ["nobody"],
    "campaign resume": ["nobody"],
    "campaign cancel": ["nobody"],
    "prices set": ["sms_premium:33", "0.05"],
    "prices learn": ["FR"],
    "callbacks set": ["https://sms.example.com", "--yes"],
    "pilot": ["--to", NUMBER, "--yes", "--at-night"],
    "budget set": ["app", "5"],
    "blocks lift": ["+3361234"],
    "suppress add": [NUMBER, "--reason", "asked"],
    "suppress remove": [NUMBER, "--reason", "asked"],
    "suppress check": [NUMBER],
    "suppress import": ["numbers.csv"],
    "consent check": [NUMBER],
    "consent import": ["consents.csv"],
    "person export": [NUMBER],
    "person erase": [NUMBER],
    "forward secret": ["shop"],
    "forward test": ["shop"],
    "forward pause": ["shop"],
    "forward resume": ["shop"],
    "forward replay": ["shop", "--dead"],
    "forward listen": ["--to", "http://127.0.0.1:1"],
    "forward-http": ["shop", "http://127.0.0.1:1"],
    "mail-in": ["--recipient", "sms+a@example.com"],
}
#: What runs until a signal, or waits for Redis as long as it takes: not run here without a Redis.
ENDLESS = {
    "worker",
    "web",
    "metrics",
    "api",
    "console",
    "up",
    "sandbox",
    "demo",
    "forward-http",
    "forward-email",
    "forward listen",
}
SECRET = "canary"
SETTINGS = {
    "OCTOPUSH_API_LOGIN": "somebody@example.com",
    "OCTOPUSH_API_KEY": SECRET,
    "OCTOPUSH_BASE_URL": "http://127.0.0.1:1",
    "CALLBACK_TOKENS": f"{SECRET}-token-0123456789",
    "WEBHOOK_SECRETS": f"{SECRET}-secret-of-more-than-32-characters-57",
    "MAIL_URL": f"smtp://somebody:{SECRET}@localhost:1",
    "MAIL_FROM": "sms@example.com",
    "MAIL_TO": "you@example.com",
}


def commands(group: click.Group, *path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name))


COMMANDS = list(commands(main))


def line(command: str) -> list[str]:
    return [*command.split(), *ARGUMENTS.get(command, ())]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Installed:
    directory = tmp_path_factory.mktemp("installed")
    (directory / "numbers.csv").write_text("number\n+33612345678\n")
    (directory / "consents.csv").write_text("number,at,source,wording\n+33612345678,2026-01-01,shop,v1\n")
    return Installed(build("wheel", ROOT, directory), directory)


def assert_said_in_one_line(ended, *words: str) -> None:
    *before, last = ended["err"].splitlines()
    # Somebody who imports a list is told where to go on.
    assert all("to go on" in each for each in before), ended
    assert all(word in last for word in words), ended


@pytest.mark.parametrize("extra", ["", "web"])
def test_without_its_extra_a_command_names_the_extra_in_one_line(installed, extra):
    asked = [command for command in COMMANDS if (command, extra) != ("web", "web")]

    for command, ended in zip(asked, installed.run(extra, [(line(each), {}) for each in asked]), strict=True):
        alike = {each: each for each in ("web", "api", "metrics", "console", "sandbox")}
        brings = {**alike, "demo": "sandbox"}.get(command, "worker")
        assert ended["code"] == 1, (command, ended)
        assert_said_in_one_line(ended, f'pip install ".[{brings}]" in a checkout')


def test_each_extra_alone_says_what_the_others_bring(installed):
    told = {
        ("worker", "web"): ".[web]",
        ("worker", "console"): ".[console]",
        ("worker", "up"): ".[web]",
        ("worker", "sandbox"): ".[sandbox]",
        ("worker", "demo"): ".[sandbox]",
        ("console", "up"): ".[sandbox]",  # no server on the path
    }
    for extra in ("worker", "console"):
        asked = [command for each, command in told if each == extra]
        ends = installed.run(extra, [([command], SETTINGS) for command in asked])
        for command, ended in zip(asked, ends, strict=True):
            assert ended["code"] == 1, (extra, command, ended)
            assert_said_in_one_line(ended, told[extra, command])


def test_help_needs_the_extra_of_a_worker_and_names_that_of_the_command(installed):
    brings = {"web": "web", "api": "api", "console": "console", "sandbox": "sandbox", "demo": "sandbox"}
    ends = installed.run("worker", [([*command.split(), "--help"], {}) for command in COMMANDS])

    for command, ended in zip(COMMANDS, ends, strict=True):
        assert (ended["code"], ended["err"]) == (0, ""), (command, ended)
        named = f'pip install ".[{brings.get(command)}]"' in ended["out"]
        assert named == (command in brings), (command, ended)


def test_programs_are_told_of_a_missing_extra_and_anybody_of_the_version(installed):
    status, version = installed.run("", [(["status", "--json"], {}), (["--version"], {})])

    assert msgspec.json.decode(status["out"])["error"] == "failed"
    assert (version["code"], version["out"]) == (0, "octopush-worker, version 0.1.0\n")


def test_without_redis_each_command_works_or_names_the_server(installed):
    away = {**SETTINGS, "REDIS_URL": f"redis://somebody:{SECRET}@127.0.0.1:{(port := free_port())}/0"}
    asked = [command for command in COMMANDS if command not in ENDLESS]
    # These need no Redis, ask the gateway first, or end as mail servers expect.
    free = {
        "api-token": 0,
        "hours": 0,
        "completion": 0,
        "forward secret": 0,
        "mail-in": 75,
        "callbacks show": 1,
        "callbacks set": 1,
        "doctor": 4,
    }

    for command, ended in zip(asked, installed.run("sandbox", [(line(c), away) for c in asked]), strict=True):
        assert SECRET not in ended["out"] + ended["err"] or command == "forward secret", command
        assert ended["code"] == free.get(command, 4), (command, ended)
        if command not in free:
            assert_said_in_one_line(ended, f"127.0.0.1:{port}")


def test_a_wrong_url_of_redis_is_named_by_its_variable(installed):
    asked = [
        command
        for command in COMMANDS
        if command not in {"api-token", "hours", "completion", "sandbox", "demo"}
    ]
    wrong = {**SETTINGS, "REDIS_URL": f"redis://:{SECRET}/1@localhost"}

    ends = installed.run("sandbox", [(line(command), wrong) for command in asked])
    for command, ended in zip(asked, ends, strict=True):
        assert ended["code"] == {"mail-in": 75, "doctor": 5}.get(command, 1), (command, ended)
        assert "Traceback" not in ended["err"]
        assert SECRET not in ended["err"] + ended["out"], command
        # A mail server is told no more than that it shall try again.
        assert "REDIS_URL" in ended["err"] + ended["out"] or command == "mail-in", (command, ended)


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """A directory of an application with modules of the names of ours."""
    (tmp_path / "worker.py").write_text("raise SystemExit('the worker of an application')")
    (tmp_path / "producers").mkdir()
    (tmp_path / "producers" / "__init__.py").write_text("mine = True")
    return tmp_path


def test_modules_of_an_application_do_not_stand_in_for_ours(installed, elsewhere):
    """Neither from the current directory nor from PYTHONPATH, in any process of the demo."""
    done = subprocess.run(
        [installed.command, "demo"],
        cwd=elsewhere,
        env=installed.environ("sandbox", elsewhere),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "all processes stopped" in done.stdout


#: Tests of an application that has packages of both names.
WITH_BOTH = """
import sys
import producers
from octopush_producers import Producer

sms = Producer("redis://127.0.0.1:1")

def test_outbox(sms_outbox):
    sms.send("+33612345678", "Do you come?", sender="Bistro", purpose="alert", with_replies=True)
    assert sms_outbox.reply("+33612345678", "Oui").text == "Oui"
    sms_outbox.assert_sent(to="+33612345678")
    assert producers.mine
    assert "worker" not in sys.modules

def test_sandbox(sms_sandbox):
    with Producer.from_env() as sms:
        sms.send("+33612340001", "Do you come?", sender="Bistro", purpose="alert")
    assert sms_sandbox.handset("+33612340001").wait_for("Do you come?").reached
    assert "worker" not in sys.modules
"""


def pytest_run(installed: Installed, directory: Path, *extras: str) -> str:
    """Run the tests of an application with what extras bring."""
    path = [directory, *(installed.dependencies(extra) for extra in extras), installed.linked("pytest")]
    done = subprocess.run(
        [installed.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", str(directory)],
        cwd=directory,
        env=installed.environ("", *path),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.stdout


def test_an_application_with_packages_of_both_names_has_both_fixtures_by_the_second_name(
    installed, elsewhere
):
    (elsewhere / "test_own.py").write_text(WITH_BOTH)

    assert "2 passed" in (said := pytest_run(installed, elsewhere, "testing", "sandbox")), said


def test_a_fixture_without_its_extra_says_what_to_install(installed, tmp_path):
    (tmp_path / "test_own.py").write_text(
        "def test_outbox(sms_outbox): pass\ndef test_sandbox(sms_sandbox): pass\n"
    )
    said = pytest_run(installed, tmp_path, "web")

    assert "2 errors" in said
    for fixture, extra in (("sms_outbox", "testing"), ("sms_sandbox", "sandbox")):
        [told] = {line for line in said.splitlines() if line.startswith(f"{fixture} needs")}
        assert told.endswith(
            f'which an extra brings: pip install ".[{extra}]" in a checkout (nothing is released yet)'
        )


def test_an_application_with_producers_of_its_own_uses_ours_by_the_second_name(
    installed, elsewhere, redis_url, namespace
):
    program = """
import importlib, pkgutil
import octopush_producers, producers

for each in pkgutil.walk_packages(octopush_producers.__path__, "octopush_producers."):
    # What tests need is in an extra of its own, and does a worker's work.
    if ".testing." in each.name:
        continue
    try:
        importlib.import_module(each.name)
    except ModuleNotFoundError as error:
        # What a framework needs that is not here is no fault; what asks for the other name is.
        if "producers" in error.name:
            raise
from octopush_producers import InvalidMessage, Producer

with Producer.from_env() as sms:
    sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="a")
    print(sms.status("a").state, sms.cancel("a"), producers.mine, InvalidMessage.__module__)
"""
    done = subprocess.run(
        [installed.python, "-c", program],
        env=installed.environ("web", elsewhere, REDIS_URL=redis_url, SMS_NAMESPACE=namespace),
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == "queued cancelled True octopush_producers.errors\n"


def test_the_wheel_of_the_sdist_is_the_wheel_of_the_checkout(installed, tmp_path):
    sdist = build("sdist", ROOT, tmp_path)
    with tarfile.open(sdist) as archive:
        # Pythons before 3.11.4 know no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)
    [source] = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert {path.name for path in source.iterdir()} >= {"Makefile", "requirements-dev.lock", ".env.example"}

    ours, theirs = (
        {entry.filename: entry.CRC for entry in zipfile.ZipFile(wheel).infolist()}
        for wheel in (next(installed.directory.glob("*.whl")), build("wheel", source, tmp_path))
    )
    assert ours == theirs
    assert {"worker/Procfile", "octopush_worker.py", "octopush_producers/queueing/enqueue.lua"} <= set(ours)
