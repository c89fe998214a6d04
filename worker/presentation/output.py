"""What commands print and how they end: words or JSON, data on stdout, words about it on stderr."""

import sys
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TextIO

import click

from worker.presentation.json_lines import json_line
from worker.presentation.visible import visible


class Exit(IntEnum):
    """How a command ends. 130 stands for Ctrl-C, as everywhere."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REDIS_AWAY = 4
    FORBIDDEN = 5


class Failed(click.ClickException):
    """A command could not do what was asked, and nothing says that it could later."""

    exit_code = Exit.FAILED

    def format_message(self) -> str:
        """Write the message without characters that do harm on a terminal."""
        return visible(self.message, lines=True)


class NotFound(Failed):
    """There is nothing by that name, or it has been forgotten."""

    exit_code = Exit.NOT_FOUND


class RedisAway(Failed):
    """Redis does not answer; the same command may work later."""

    exit_code = Exit.REDIS_AWAY


class Forbidden(Failed):
    """The state of what was named does not allow it; nothing was changed."""

    exit_code = Exit.FORBIDDEN


class Output:
    """Prints for people or for programs.

    Args:
        as_json: objects on stdout instead of words.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, line: str, *, alarming: bool = False) -> None:
        """Print a line of data for people; nothing for programs. It must hold no line feed.

        Args:
            line: foreign characters in it are made harmless.
            alarming: whether it stands out on a terminal, unless NO_COLOR is set.
        """
        if self.as_json:
            return
        text = visible(line)
        # click leaves colours out where there is no terminal.
        text = _encodable(text, sys.stdout)
        click.echo(click.style(text, fg="red", bold=True) if alarming else text)

    def say(self, line: str) -> None:
        """Print a line of words about the data on stderr: what to do next, what is left out."""
        click.echo(_encodable(visible(line), sys.stderr), err=True)

    def remark(self, line: str) -> None:
        """Print words about what the data say by themselves, such as an empty list; nothing for programs."""
        if not self.as_json:
            self.say(line)

    def give(self, fields: Mapping[str, Any]) -> None:
        """Print an object for programs; nothing for people. The version is added."""
        if self.as_json:
            self.write(json_line(fields))

    def write(self, data: bytes) -> None:
        """Print bytes as they are, whatever the terminal's encoding, at once."""
        click.echo(data, nl=False)


def _encodable(text: str, stream: TextIO) -> str:
    """Write what a terminal of another encoding lacks as an escape, rather than fail."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
