"""Settings of the API: where it listens, who may call it, and how often."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from producers.contract.secret import Secret
from producers.contract.settings import variable
from producers.settings import ProducerSettings

Scope = Literal["send", "read", "campaign"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
#: What a token may do that names no scopes.
_USUAL: Final[frozenset[Scope]] = frozenset({"send", "read"})
#: Different characters in a token, at least: a token drawn by chance has more.
_VARIETY_MIN: Final = 10
#: An application is named as `SMS_APP` names one: budgets and opt-outs go by the same name.
_ENTRY: Final = re.compile(
    r"(?P<app>[a-z0-9-]{1,32})(?::(?P<scopes>[a-z+]+))?:(?P<token>sha256-[0-9a-f]{64}|[A-Za-z0-9_-]{32,128})"
)
_HASHED: Final = "sha256-"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows.

    Attributes:
        app: the application that calls.
        scopes: what it may do.
    """

    app: str
    scopes: frozenset[Scope]


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token, by which it is looked up: the time that takes tells nothing of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_token(entry: str) -> tuple[str, Grant]:
    """Read an entry of `API_TOKENS`, such as ``erp:send+read:<token>``.

    Returns:
        The digest of the token, and what it allows.

    Raises:
        ValueError: it is none, or its token is easy to guess; in words without the value.
    """
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(
            "needs entries of the form app:<token> or app:send+read:<token>, with tokens of at least 32 "
            "letters, digits, - and _: octopush-worker api-token app makes one"
        )
    named = found["scopes"].split("+") if found["scopes"] else _USUAL
    scopes = frozenset(scope for scope in SCOPES if scope in named)
    if len(scopes) < len(named):
        raise ValueError(f"knows the scopes {', '.join(SCOPES)}, each once, with + between")
    if found["token"].startswith(_HASHED):
        return found["token"].removeprefix(_HASHED), Grant(found["app"], scopes)
    if len(set(found["token"])) < _VARIETY_MIN:
        raise ValueError("needs tokens that are random: octopush-worker api-token app makes one")
    return digest_of(found["token"]), Grant(found["app"], scopes)


def _tokens(entries: tuple[Secret, ...]) -> None:
    digests = [read_token(entry.reveal())[0] for entry in entries]
    if len(set(digests)) < len(digests):
        raise ValueError("has the same token twice")


@dataclass(frozen=True)
class ApiSettings(ProducerSettings):
    """What the API needs to know; those of a producer, too, because it queues as one."""

    tokens: tuple[Secret, ...] = variable(
        "API_TOKENS",
        "who may call the API, comma-separated: `shop:<token>`, `erp:send+read+campaign:<token>`; without "
        "one there is no API",
        default=(),
        check=_tokens,
    )
    host: str = variable("API_HOST", "address on which the API listens", default="127.0.0.1")
    port: int = variable("API_PORT", "port of the API", default=8002, low=1, high=65_535)
    rate_per_s: int = variable(
        "API_RATE_PER_S",
        "messages per second that each application may hand over or ask about, 0 for any",
        default=1000,
        high=1_000_000,
    )

    @property
    def grants(self) -> Mapping[str, Grant]:
        """What each token allows, by its digest."""
        return dict(read_token(entry.reveal()) for entry in self.tokens)
