"""Settings of a process that forwards by HTTP."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from producers.contract.kinds import TYPES
from producers.contract.secret import Secret
from producers.contract.settings import RedisSettings, scheme_of, variable
from worker.forwarding.store import check_name
from worker.settings import is_this_machine, known_level

#: What is forwarded where nobody says more: what people wrote.
DEFAULT_STREAMS: Final = "replies,optouts"


def check_streams(names: str) -> tuple[str, ...]:
    """Take a list of streams apart.

    Raises:
        ValueError: one of them is no public stream, or there is none.
    """
    streams = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not streams or not set(streams) <= set(TYPES):
        raise ValueError(f"must be some of {', '.join(TYPES)}, comma-separated")
    return streams


def check_url(url: str, *, insecure: bool = False) -> str:
    """Return the address of a receiver.

    Raises:
        ValueError: it is no address, or events with numbers and texts would travel in clear.
    """
    scheme_of("https", "http")(url)
    host = urlsplit(url).hostname
    if not host:
        raise ValueError("must name a host")
    if not (insecure or url.lower().startswith("https:") or is_this_machine(host)):
        raise ValueError("must be https, but for this machine: numbers and texts would travel in clear")
    return url


def _roots(secrets: tuple[Secret, ...]) -> None:
    if any(len(secret.reveal()) < 32 for secret in secrets):
        raise ValueError(
            "needs random texts of 32 characters or more: "
            "python3 -c 'import secrets; print(secrets.token_hex(32))'"
        )


@dataclass(frozen=True)
class WebhookSettings(RedisSettings):
    """What a forwarder by HTTP needs to know."""

    url: str = variable("WEBHOOK_URL", "where webhooks go", default="")
    name: str = variable(
        "WEBHOOK_NAME",
        "name of that forwarder; its store and its secret go by it",
        default="webhook",
        check=check_name,
    )
    streams: str = variable(
        "WEBHOOK_STREAMS",
        "streams it forwards, comma-separated",
        default=DEFAULT_STREAMS,
        check=check_streams,
    )
    secrets: tuple[Secret, ...] = variable(
        "WEBHOOK_SECRETS",
        "random texts from which the secret of each forwarder is made, comma-separated, all sign",
        default=(),
        check=_roots,
    )
    log_level: str = variable("LOG_LEVEL", "debug, info, warning or error", default="info", check=known_level)
