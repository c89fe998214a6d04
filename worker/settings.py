"""Settings of a worker process; `worker.main` is the only reader of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from producers.errors import ConfigError
from producers.settings import RedisSettings, Secret, variable


@dataclass(frozen=True)
class WorkerSettings(RedisSettings):
    """What a worker needs to know."""

    api_login: Secret = variable("OCTOPUSH_API_LOGIN", "e-mail address of the Octopush account")
    api_key: Secret = variable("OCTOPUSH_API_KEY", "API key of the Octopush account")
    base_url: str = variable(
        "OCTOPUSH_BASE_URL", "root of the gateway's API", default="https://api.octopush.com/v1/public"
    )
    fresh_connections: bool = variable(
        "OCTOPUSH_FRESH_CONNECTIONS", "1 opens a new connection per request", default=False
    )
    connect_timeout_s: float = variable(
        "OCTOPUSH_CONNECT_TIMEOUT_S",
        "seconds to connect, and to write the request",
        default=2.0,
        low=0.1,
        high=5,
    )
    read_timeout_s: float = variable(
        "OCTOPUSH_READ_TIMEOUT_S", "seconds to wait for the whole answer", default=8.0, low=0.1, high=15
    )
    log_level: str = variable("LOG_LEVEL", "debug, info, warning or error", default="info")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read all fields; see `producers.settings.Settings.from_env`."""
        settings = super().from_env(environ)
        problems = {}
        if urlsplit(settings.base_url).scheme not in {"http", "https"}:
            problems["OCTOPUSH_BASE_URL"] = "must start with https:// or http://"
        if settings.log_level.lower() not in {"debug", "info", "warning", "error"}:
            problems["LOG_LEVEL"] = "must be debug, info, warning or error"
        for name, secret in (
            ("OCTOPUSH_API_LOGIN", settings.api_login),
            ("OCTOPUSH_API_KEY", settings.api_key),
        ):
            if not secret.reveal().isascii() or not secret.reveal().isprintable():
                problems[name] = "must be printable ASCII: it travels in a header"
        if problems:
            raise ConfigError(problems)
        return settings

    @property
    def post_max_s(self) -> float:
        """Longest that one POST can take: connect, write, and the whole answer."""
        return 2 * self.connect_timeout_s + self.read_timeout_s
