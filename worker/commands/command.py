"""What every command of ``octopush-worker`` has in common: ``--json``, how it ends, Redis, who acts."""

import getpass
import inspect
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click
import redis

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.outages import lacks_rights, passes, refused, what_is_refused
from producers.contract.phone import mask
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.serving import serving
from producers.contract.settings import RedisSettings
from producers.contract.steps import Steps, drive
from producers.errors import ConfigError, InvalidMessage, QueueRefused, QueueUnavailable
from producers.producer import Producer
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from worker.commands.numbers import settings_with, with_option
from worker.operator import audit
from worker.presentation.output import Exit, Failed, Output, RedisAway
from worker.process.connection import connect

T = TypeVar("T")

#: How a command ends that somebody has cut short.
INTERRUPTED: Final = 130
#: The option of all commands.
_JSON: Final = "--json"
#: Said to whoever types a command as a user of Redis that is for something else.
_OPERATOR: Final = "The commands of people work as the user operator: see docs/redis.md#users"
#: What a program is told of an exit code.
_ERRORS: Final = {
    Exit.FAILED: "failed",
    Exit.USAGE: "usage",
    Exit.NOT_FOUND: "not_found",
    Exit.REDIS_AWAY: "redis_away",
    Exit.FORBIDDEN: "forbidden",
}


class Command(click.Command):
    """A command with ``--json`` that ends as `Exit` says.

    Its function is handed the `Output` by ``click.pass_obj``. With ``--json`` an error is an object, too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        about = "JSON instead of words: one object, or one a line where there are many."
        self.params.append(click.Option([_JSON, "as_json"], is_flag=True, help=about))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; a line that cannot be read is told to programs, too."""
        with _told(as_json=_asks_for_json(args)):
            left = super().parse_args(ctx, args)
            for parameter in self.params:
                if not _is_text(ctx.params.get(parameter.name or "")):
                    raise click.BadParameter("is no text in UTF-8", ctx, parameter)
            return left

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and turn what may go wrong into one message and an exit code."""
        ctx.obj = output = Output(as_json=ctx.params.pop("as_json"))
        try:
            with _told(as_json=output.as_json), _said_plainly():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


def _is_text(given: object) -> bool:
    """Say whether what was given can be written down: a shell hands on bytes of any encoding.

    The path of a file may have such bytes, and is no text.
    """
    if isinstance(given, tuple):
        return all(map(_is_text, given))
    if isinstance(given, str):
        try:
            given.encode()
        except UnicodeEncodeError:
            return False
    return True


class Group(click.Group):
    """A group of commands. A command that is not there is told to programs, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command: ``--json`` stands behind it."""
        asked = _asks_for_json(args)
        with _told(as_json=asked):
            try:
                return super().parse_args(ctx, args)
            except click.NoSuchOption as error:
                if error.option_name != _JSON:
                    raise
                words = f"{_JSON} follows the command, as in: octopush-worker status {_JSON}"
                raise click.UsageError(words, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with the whole first sentence of its help: click would cut it."""
        rows = [(name, _first_sentence(self.commands[name])) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        with _told(as_json=_asks_for_json(args)):
            return super().resolve_command(ctx, args)


def _first_sentence(command: click.Command) -> str:
    first, _, _ = inspect.cleandoc(command.help or "").partition("\n\n")
    return re.split(r"(?<=[.])\s", " ".join(first.split()), maxsplit=1)[0]


def _asks_for_json(args: list[str]) -> bool:
    """Say whether a line that could not be read asks for JSON; what stands behind ``--`` is no option."""
    return _JSON in (args[: args.index("--")] if "--" in args else args)


@contextmanager
def _told(*, as_json: bool) -> Iterator[None]:
    """Tell programs of an error before people are told."""
    try:
        yield
    except click.ClickException as error:
        told = {"error": _ERRORS[Exit(error.exit_code)], "message": error.format_message()}
        Output(as_json=as_json).give(told)
        raise


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise Failed(str(error)) from None
    except InvalidMessage as error:
        raise Failed(with_option(str(error))) from None
    except (QueueRefused, QueueUnavailable) as error:
        raise away(error.__cause__ or error) from None
    except REDIS_ERRORS as error:
        raise away(error) from None


def away(error: BaseException) -> Failed:
    """Say that Redis does not answer, or that it refuses; without its password."""
    url = RedisSettings.from_env(os.environ).redis_url
    if isinstance(error, QueueUnavailable) or (isinstance(error, Exception) and passes(error)):
        return RedisAway(f"Redis at {url} did not answer ({type(error).__name__}): see REDIS_URL")
    what = what_is_refused(error)
    if what is None:
        return Failed(f"Redis at {url} refuses ({type(error).__name__})")
    whose = f". {_OPERATOR}" if lacks_rights(error) else ""
    return Failed(refused(str(url), what) + whose)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with.

    Attributes:
        client: Redis client.
        settings: of the environment.
        keys: key names.
    """

    client: redis.Redis
    settings: RedisSettings
    keys: Keys

    @property
    def pseudonyms(self) -> KnownPseudonyms:
        """Those of this command."""
        return KnownPseudonyms(self.settings)

    @property
    def hours(self) -> Hours:
        """The hours of marketing, as the environment of this command has them."""
        return Hours(RulesSettings.from_env(os.environ))

    def ask(self, steps: Steps[T]) -> T:
        """Carry out a question of `worker.inquiry`."""
        return drive(steps, self.client)

    def unmasked(self, command: str, *, reveal: bool, **about: str) -> Callable[[str], str]:
        """Say how numbers are shown: masked, or in full after an entry in the audit stream.

        Args:
            command: what the entry says was looked at.
            reveal: whether a person asked for numbers in full.
            about: what else the entry says; no number in full.
        """
        if not reveal:
            return mask
        audit.entry(self.keys, whoever(), "reveal", command=command, **about).run(self.client)
        return str


@contextmanager
def at_desk(*, any_layout: bool = False) -> Iterator[Desk]:
    """Connect to the Redis of the environment.

    Args:
        any_layout: whether the command works with data of any layout; others must not even read what this
            release might misread.

    Raises:
        ConfigError: the environment is wrong.
    """
    settings = RedisSettings.from_env(os.environ)
    with connect(settings.redis_url) as client:
        keys = Keys(settings.namespace)
        if not any_layout:
            serving(keys).run(client)
        yield Desk(client, settings, keys)


@contextmanager
def with_producer(region: str | None = None) -> Iterator[Producer]:
    """Make a producer of the environment, with another region if one was typed.

    Raises:
        ConfigError: the environment is wrong.
    """
    producer = Producer(settings=settings_with(region))
    try:
        yield producer
    finally:
        producer.close()


def whoever() -> str:
    """Name who acts, for the audit stream."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
