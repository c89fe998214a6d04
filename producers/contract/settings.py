"""Settings from the environment: declared once as fields, read once, all problems reported together.

A settings class is a frozen dataclass whose fields are made by `variable`. The table in docs/settings.md is
checked against these declarations.
"""

import dataclasses
import itertools
import os
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from ..errors import ConfigError
from .addresses import ANY, PRIVATE, check_addresses
from .kinds import KINDS
from .pseudonyms import check_keys
from .redis_url import RedisUrl
from .secret import Secret

#: How a flag is written, in any case.
FLAGS: Final[Mapping[str, bool]] = {
    "1": True,
    "true": True,
    "yes": True,
    "0": False,
    "false": False,
    "no": False,
}


def variable(
    name: str,
    about: str,
    *,
    default: Any = dataclasses.MISSING,
    low: float = 0,
    high: float = float("inf"),
    check: Callable[[Any], object] = lambda _: None,
) -> Any:
    """Declare a settings field.

    Args:
        name: the environment variable.
        about: one line for the table in docs/settings.md, with the unit.
        default: value when the variable is absent or empty; without one the variable is required.
        low: smallest number allowed.
        high: largest number allowed.
        check: raises ValueError, in words without the value, if the value will not do.
    """
    metadata = {"variable": name, "about": about, "low": low, "high": high, "check": check}
    return dataclasses.field(default=default, metadata=metadata, kw_only=True)


@dataclass(frozen=True)
class Settings:
    """Base of the settings classes: reads itself from a mapping."""

    def __post_init__(self) -> None:
        """Check and change nothing. Whoever overrides this calls the next one: a class may have two bases."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read all fields from an environment.

        Args:
            environ: variables; None for those of the process.

        Raises:
            ConfigError: lists every missing or wrong variable by name, without its value.
            TypeError: a field is declared with a type that no variable is read as.
        """
        environ = os.environ if environ is None else environ
        types, values, problems = typing.get_type_hints(cls), {}, {}
        for field in dataclasses.fields(cls):
            name = field.metadata["variable"]
            raw = environ.get(name, "").strip()
            if not raw:
                if field.default is dataclasses.MISSING:
                    problems[name] = "is required"
                continue
            try:
                values[field.name] = _parse(types[field.name], raw, field.metadata)
                field.metadata["check"](values[field.name])
            except ValueError as error:
                problems[name] = str(error)
        if problems:
            raise ConfigError(problems)
        return cls(**values)


def _parse(kind: Any, raw: str, bounds: Mapping[str, Any]) -> Any:
    if kind in (bool, bool | None):
        return _flag(raw)
    if kind in (int, float):
        return _number(kind, raw, bounds["low"], bounds["high"])
    if kind in (Secret, RedisUrl):
        return kind(raw)
    if kind == tuple[Secret, ...]:
        return tuple(Secret(part.strip()) for part in raw.split(",") if part.strip())
    if kind is not str:
        raise TypeError(f"no variable is read as {kind}")
    return raw


def _flag(raw: str) -> bool:
    if raw.lower() not in FLAGS:
        raise ValueError("must be 1 or 0")
    return FLAGS[raw.lower()]


def _number(kind: type[int] | type[float], raw: str, low: float, high: float) -> float:
    try:
        value = kind(raw)
    except ValueError:
        raise ValueError("must be a number" if kind is float else "must be a whole number") from None
    if not low <= value <= high:
        raise ValueError(f"must be from {low:g} to {high:g}")
    return value


def scheme_of(*schemes: str) -> Callable[[str], None]:
    """Make a check that an address has one of these schemes."""
    allowed = [f"{scheme}://" for scheme in schemes]

    def check(url: str) -> None:
        if not url.lower().startswith(tuple(allowed)):
            raise ValueError("must start with " + " or ".join([", ".join(allowed[:-1]), allowed[-1]]))

    return check


def _hash_tag(value: str) -> None:
    if not value.replace("-", "").replace("_", "").isalnum():
        raise ValueError("must be letters, digits, - and _")


def bound_token(entry: str) -> tuple[str, str]:
    """Split an entry of `CALLBACK_TOKENS` into its kind and its token.

    Args:
        entry: a token, or ``receipts=<token>`` for one that may bring receipts only.

    Returns:
        The kind, ``""`` for any, and the token.
    """
    kind, equals, token = entry.partition("=")
    return (kind, token) if equals and kind in KINDS else ("", entry)


def _tokens(entries: tuple[Secret, ...]) -> None:
    tokens = [bound_token(entry.reveal())[1] for entry in entries]
    if not tokens or min(map(len, tokens)) < 16:
        raise ValueError("needs tokens of at least 16 characters each")
    if any(re.match("[a-z]{1,12}=.{8}", token) for token in tokens):
        raise ValueError(f"a token can be bound to one of {', '.join(KINDS)} only")
    if any(map(_is_simple, tokens)):
        raise ValueError(
            "needs tokens that are random: python3 -c 'import secrets; print(secrets.token_hex(24))'"
        )


def _is_simple(token: str) -> bool:
    """Say whether no chance draws a token: few characters, a repeated text, or a row such as 0123."""
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(token)}
    return len(set(token)) < 6 or len(steps) < 4 or token in (token + token)[1:-1]


def _redis_url(url: str | RedisUrl, tag: str) -> RedisUrl:
    try:
        return RedisUrl(url, tag)
    except ValueError as error:
        # No cause is named: its traceback would lead to the value.
        raise ConfigError({"REDIS_URL": str(error)}) from None


@dataclass(frozen=True)
class RedisSettings(Settings):
    """Where Redis is and how long things stay there; applications, web and workers must agree on these.

    The address may hold a password: it shows itself without, and code may give it as text.

    Raises:
        ConfigError: the address cannot be read.
    """

    redis_url: RedisUrl = variable(
        "REDIS_URL", "Redis or Valkey server", default=RedisUrl("redis://localhost:6379/0")
    )
    namespace: str = variable(
        "SMS_NAMESPACE", "hash tag in front of every key and stream", default="sms", check=_hash_tag
    )
    retention_days: int = variable(
        "RECORD_RETENTION_DAYS", "days a record stays after its end", default=7, low=1, high=366
    )
    stream_maxlen: int = variable(
        "STREAM_MAXLEN", "entries kept in each stream, about", default=100_000, low=100
    )
    pseudonym_keys: tuple[Secret, ...] = variable(
        "PSEUDONYM_KEYS",
        "keys of at least 32 bytes in base64, comma-separated: the first makes pseudonyms, all find them",
        default=(),
        check=check_keys,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "redis_url", _redis_url(self.redis_url, self.namespace))

    def at(self, redis_url: str | None, namespace: str | None = None) -> Self:
        """Return the same settings for another Redis or namespace; None or nothing keeps what is there.

        Raises:
            ConfigError: the address cannot be read, or there can be no such namespace.
        """
        if namespace:
            try:
                _hash_tag(namespace)
            except ValueError as error:
                raise ConfigError({"SMS_NAMESPACE": str(error)}) from None
        if not (redis_url or namespace):
            return self
        tag = namespace or self.namespace
        url = _redis_url(redis_url or self.redis_url, tag)
        return dataclasses.replace(self, redis_url=url, namespace=tag)

    @property
    def retention_ms(self) -> int:
        """Days a record stays after its end, in milliseconds."""
        return self.retention_days * 86_400_000


@dataclass(frozen=True)
class ScrapeSettings(RedisSettings):
    """Whom a process tells its metrics."""

    metrics_addresses: str = variable(
        "METRICS_ALLOWED_ADDRESSES",
        "addresses or networks that may read /metrics, comma-separated, or private, or any",
        default=PRIVATE,
        check=check_addresses,
    )


@dataclass(frozen=True)
class WebSettings(ScrapeSettings):
    """Settings of the process that receives callbacks."""

    callback_tokens: tuple[Secret, ...] = variable(
        "CALLBACK_TOKENS",
        "secret path parts of the callback URL, comma-separated, all valid at once",
        check=_tokens,
    )
    allowed_addresses: str = variable(
        "CALLBACK_ALLOWED_ADDRESSES",
        "addresses or networks that may bring callbacks, comma-separated, or any",
        default=ANY,
        check=check_addresses,
    )
    spool_dir: str = variable(
        "CALLBACK_SPOOL_DIR",
        "directory that keeps callbacks while Redis is away",
        default="",
    )
    spool_mib: int = variable(
        "CALLBACK_SPOOL_MIB", "MiB that these callbacks may take on the disk", default=256, low=1
    )
