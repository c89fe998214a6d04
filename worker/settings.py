"""Settings of a worker process; `worker.main` is the only reader of the environment."""

from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

from producers.contract.secret import Secret
from producers.contract.settings import RedisSettings, scheme_of, variable
from producers.errors import ConfigError
from producers.rules.settings import RulesSettings


def _header(secret: Secret) -> None:
    if not secret.reveal().isascii() or not secret.reveal().isprintable():
        raise ValueError("must be printable ASCII: it travels in a header")


def _gateway(url: str) -> None:
    scheme_of("https", "http")(url)
    host = urlsplit(url).hostname or ""
    if not url.lower().startswith("https:") and not is_this_machine(host):
        raise ValueError("must be https, but for this machine: the API key would travel in clear")


def _sentry(dsn: Secret) -> None:
    if find_spec("sentry_sdk") is None:
        raise ValueError('needs sentry_sdk, which an extra brings: pip install "octopush-worker[sentry]"')
    from sentry_sdk.utils import BadDsn, Dsn  # noqa: PLC0415 - nothing to import without the extra

    try:
        Dsn(dsn.reveal())
    except BadDsn:
        raise ValueError("must be the DSN of a project, as Sentry shows it") from None


def is_this_machine(host: str) -> bool:
    """Say whether a host is certainly this machine: a loopback address, or localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def known_level(value: str) -> None:
    """Check a log level.

    Raises:
        ValueError: there is none of this name.
    """
    if value.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError("must be debug, info, warning or error")


@dataclass(frozen=True)
class WorkerSettings(RulesSettings, RedisSettings):
    """What a worker needs to know."""

    api_login: Secret = variable(
        "OCTOPUSH_API_LOGIN", "e-mail address of the Octopush account", check=_header
    )
    api_key: Secret = variable("OCTOPUSH_API_KEY", "API key of the Octopush account", check=_header)
    base_url: str = variable(
        "OCTOPUSH_BASE_URL",
        "root of the gateway's API",
        default="https://api.octopush.com/v1/public",
        check=_gateway,
    )
    fresh_connections: bool = variable(
        "OCTOPUSH_FRESH_CONNECTIONS", "1 opens a new connection per request", default=False
    )
    gateway_profile: str = variable(
        "GATEWAY_PROFILE", "file in which `octopush-worker pilot` wrote what it settled", default=""
    )
    connect_timeout_s: float = variable(
        "OCTOPUSH_CONNECT_TIMEOUT_S",
        "seconds to connect, and to write the request",
        default=2.0,
        low=0.1,
        high=5,
    )
    read_timeout_s: float = variable(
        "OCTOPUSH_READ_TIMEOUT_S", "seconds to wait for each read of an answer", default=8.0, low=0.1, high=12
    )
    rate_per_s: float = variable(
        "SEND_RATE_PER_S", "recipients per second over all workers, 0 for no limit", default=0.0, high=10_000
    )
    in_flight: int = variable(
        "SEND_IN_FLIGHT",
        "calls in flight over all workers, 0 for no limit",
        default=0,
        high=10_000,
    )
    calls: int = variable("WORKER_CALLS", "calls at a time per worker process", default=64, low=2, high=1_000)
    share_max: int = variable(
        "SHARED_CALL_MAX",
        "messages of one template that may share a call",
        default=500,
        low=1,
        high=500,
    )
    replicas: int = variable(
        "REDIS_REPLICAS",
        "replicas that must confirm a shared call before it leaves, if more than are seen",
        default=0,
        high=100,
    )
    confirm_every_claim: bool = variable(
        "CONFIRM_EVERY_CLAIM", "1 waits for the replicas before single messages leave, too", default=False
    )
    allow_unsafe_redis: bool = variable(
        "ALLOW_UNSAFE_REDIS", "1 starts although Redis may evict or forget records", default=False
    )
    optout_words: str = variable(
        "OPTOUT_WORDS", "more words that mean an opt-out in a reply, comma-separated", default=""
    )
    optin_words: str = variable(
        "OPTIN_WORDS",
        "more words that mean a new start in a reply, comma-separated; what also means an opt-out stays one",
        default="",
    )
    stream_retention_days: int = variable(
        "STREAM_RETENTION_DAYS",
        "days an entry stays in its stream, read or not, 0 for no limit but the length",
        default=30,
        high=3660,
    )
    sentry_dsn: Secret = variable(
        "SENTRY_DSN",
        "address of a project of Sentry to which worker processes tell errors",
        default=Secret(""),
        check=_sentry,
    )
    log_level: str = variable("LOG_LEVEL", "debug, info, warning or error", default="info", check=known_level)

    def __post_init__(self) -> None:
        super().__post_init__()
        real = not is_this_machine(urlsplit(self.base_url).hostname or "")
        if real and self.lacks_numbers:
            problem = "must name numbers where SMS_ENVIRONMENT is not production: this is the real gateway"
            raise ConfigError({"ALLOWED_NUMBERS": problem})

    @property
    def post_max_s(self) -> float:
        """Longest that one POST can take: connect, write, and the whole answer."""
        return 2 * self.connect_timeout_s + self.read_timeout_s
