"""Settings of the console: who may come in, and under which names the console is reached."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from producers.contract.secret import Secret
from producers.contract.settings import variable
from producers.settings import ProducerSettings

#: A viewer looks. An operator also sees numbers in full, answers and decides.
Role = Literal["viewer", "operator"]

#: Shortest secret of a token: what nobody guesses, however long they try.
SECRET_MIN: Final = 32
#: Different characters in a secret, at least: a secret drawn by chance has more.
_VARIETY_MIN: Final = 10
_ENTRY: Final = re.compile(r"(viewer|operator):([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):([!-~]+)")
_HOST: Final = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]")


@dataclass(frozen=True, slots=True)
class Token:
    """Who may log in with what.

    Attributes:
        role: what its holder may do.
        name: its holder's name in the audit stream.
        secret: what the holder enters.
    """

    role: Role
    name: str
    secret: Secret


def read_token(entry: str) -> Token:
    """Read an entry of `CONSOLE_TOKENS`, such as ``operator:ben:<secret>``.

    Raises:
        ValueError: it is none, or its secret is easy to guess; in words without the value.
    """
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError("needs entries of the form viewer:anna:<secret> or operator:ben:<secret>")
    role, name, secret = found.groups()
    if len(secret) < SECRET_MIN or len(set(secret)) < _VARIETY_MIN:
        raise ValueError(
            f"needs random secrets of at least {SECRET_MIN} characters: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return Token("operator" if role == "operator" else "viewer", name, Secret(secret))


def _tokens(entries: tuple[Secret, ...]) -> None:
    tokens = [read_token(entry.reveal()) for entry in entries]
    if len({token.name for token in tokens}) < len(tokens):
        raise ValueError("names somebody twice: the audit stream tells people apart by their names")


def _hosts(hosts: str) -> None:
    if not all(_HOST.fullmatch(host) for host in _listed(hosts)):
        raise ValueError("must be names or addresses without scheme and port, comma-separated")


def _listed(hosts: str) -> list[str]:
    return [host.strip().lower() for host in hosts.split(",") if host.strip()]


@dataclass(frozen=True)
class ConsoleSettings(ProducerSettings):
    """What the console needs to know; those of a producer, too, because answers are sent from it."""

    tokens: tuple[Secret, ...] = variable(
        "CONSOLE_TOKENS",
        "who may log in to the console, comma-separated: `viewer:anna:<secret>`, `operator:ben:<secret>`; "
        "without one there is no console",
        default=(),
        check=_tokens,
    )
    hosts: str = variable(
        "CONSOLE_HOSTS",
        "names under which the console is reached, comma-separated, besides those of this machine",
        default="",
        check=_hosts,
    )
    sender: str = variable(
        "CONSOLE_SENDER",
        "sender of answers from the console, where no short number replaces it",
        default="",
    )

    @property
    def people(self) -> tuple[Token, ...]:
        """Everybody who may log in."""
        return tuple(read_token(entry.reveal()) for entry in self.tokens)

    @property
    def host_names(self) -> frozenset[str]:
        """The names besides those of this machine."""
        return frozenset(_listed(self.hosts))
