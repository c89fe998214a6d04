"""What a person types: each call of a program is carried out, or checked as far as the program is ours."""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import click
import fakeredis
import httpx
from jsonschema import Draft202012Validator

from tests.house.repository import ROOT, text
from tests.support.shell_lines import Call, calls
from worker.cli import main

OPENAPI: Final = json.loads(text("docs/openapi.json"))

_MAKEFILE: Final = text("Makefile")
_EXTRAS: Final = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
#: Variables of applications, which no page of settings lists.
_OF_APPLICATIONS: Final = {"SMS_WEBHOOK_SECRET"}
#: Programs whose arguments are the reader's own.
_OF_THE_SHELL: Final = {"set", ".", "cd", "mkdir"}


class Terminal:
    """Takes the blocks of a page.

    Args:
        directory: where it stands; programs find files there that the page assumes.
        admin_url: of a simulator, which is what ``$ADMIN`` names.
        programs: names of the files that the page lets its reader write.
    """

    def __init__(self, directory: Path, admin_url: str, programs: Collection[str] = ()) -> None:
        self._directory, self._admin_url, self._programs = directory, admin_url, programs
        self._redis = fakeredis.FakeRedis()
        # Whoever reads finds something, and need not wait.
        self._redis.xadd("{sms}:replies", {"v": "1"})
        self._called: Mapping[str, Callable[[Call], None]] = {
            "octopush-worker": self._ours,
            "make": self._make,
            "pip": self._pip,
            "python": self._python,
            "python3": self._python,
            "curl": self._curl,
            "redis-cli": lambda call: self._redis.execute_command(*call.arguments),
            "export": self._export,
            **dict.fromkeys(_OF_THE_SHELL, lambda call: None),
        }

    def type(self, code: str) -> None:
        """Take a block.

        Raises:
            Exception: whatever a program has to say against it.
        """
        subprocess.run(["/bin/sh", "-n", "-c", code], check=True)
        for call in calls(code):
            assert call.program in self._called, f"{call.program}: nobody knows how to check this program"
            self._called[call.program](call)
            if call.program != "export":
                self._export(Call("export", [], call.variables))

    def _ours(self, call: Call) -> None:
        """Read the options as the command does, and do nothing."""
        command: click.Command = main
        arguments, path = list(call.arguments), ["octopush-worker"]
        while isinstance(command, click.Group):
            path.append(arguments.pop(0))
            assert path[-1] in command.commands, " ".join(path)
            command = command.commands[path[-1]]
        for each in arguments:
            if each.endswith(".csv"):
                (self._directory / each).write_text("phone_number\n+33612345678\n", "utf-8")
        command.make_context(" ".join(path), arguments)

    def _make(self, call: Call) -> None:
        for each in call.arguments:
            name, _, value = each.partition("=")
            declared = rf"^{name} \?=" if value else rf"^{name}:.* ## "
            assert re.search(declared, _MAKEFILE, re.MULTILINE), f"make {each}"

    def _pip(self, call: Call) -> None:
        action, *packages = call.arguments
        assert action == "install"
        for package in packages:
            name, _, extras = package.rstrip("]").partition("[")
            assert name in {".", "octopush-worker", "pytest"}, name
            assert not extras or set(extras.split(",")) <= set(_EXTRAS), extras

    def _python(self, call: Call) -> None:
        kind, *rest = call.arguments
        if kind == "-c":
            subprocess.run([sys.executable, "-c", *rest], check=True, capture_output=True)
        elif kind == "-m":
            assert rest[0] in {"pytest", "worker.sandbox.simulator"}, rest
        else:
            assert kind in self._programs or (ROOT / kind).is_file(), kind

    def _curl(self, call: Call) -> None:
        parser = argparse.ArgumentParser(exit_on_error=False)
        parser.add_argument("-d", dest="data")
        parser.add_argument("-X", dest="method")
        parser.add_argument("-H", dest="headers", action="append", default=[])
        parser.add_argument("-i", action="store_true")
        parser.add_argument("url")
        given = parser.parse_args(call.arguments)
        method = given.method or ("GET" if given.data is None else "POST")
        address = urlsplit(given.url)
        if given.url.startswith("$ADMIN"):
            self._ask_simulator(method, given.url, given.data)
        elif address.path.startswith("/v1/"):
            body = None if given.data is None else json.loads(given.data)
            check_operation(method, given.url, body)
        else:
            assert re.fullmatch(r"/callbacks/\$\w+", address.path), given.url

    def _ask_simulator(self, method: str, url: str, data: str | None) -> None:
        # There is nothing that a test would wait for, and nobody takes callbacks.
        url = re.sub(r"wait=\d+", "wait=0", url.replace("$ADMIN", self._admin_url))
        form = {"Content-Type": "application/x-www-form-urlencoded"} if data else {}
        answer = httpx.request(method, url, content=data, headers=form)
        assert answer.is_success or "/readyz" in url, answer.text

    def _export(self, call: Call) -> None:
        known = text("docs/settings.md") + text(".env.example")
        for each in call.variables:
            name = each.partition("=")[0]
            assert name in _OF_APPLICATIONS or re.search(rf"\b{name}\b", known), name


def check_operation(method: str, url: str, body: Any) -> None:
    """Make sure that the API has an operation, takes this query and this body.

    Raises:
        AssertionError: it has not, or does not.
        ValidationError: the body is no such body.
    """
    address = urlsplit(url)
    operation = OPENAPI["paths"].get(address.path, {}).get(method.lower())
    assert operation, f"{method} {address.path}"
    named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert set(parse_qs(address.query)) <= named, url
    if body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        check_shape(schema["$ref"], body)


def check_shape(reference: str, value: Any) -> None:
    """Make sure that a value is what a schema of the API says.

    Raises:
        ValidationError: it is not.
    """
    Draft202012Validator({**OPENAPI, "$ref": reference}).validate(value)
