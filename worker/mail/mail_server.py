"""The mail server as ``MAIL_URL`` names it. Pure."""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from producers.contract.secret import Secret
from worker.settings import is_this_machine

#: Ports of submission: with TLS from the first byte, and with STARTTLS (RFC 8314, RFC 6409).
_PORTS: Final = {"smtps": 465, "smtp": 587}
_FORM: Final = "must be smtps://user:password@host or smtp://user:password@host, with :port if need be"
_ESCAPES: Final = "in user and password, write a / ? # @ % [ ] or space as %2F %3F %23 %40 %25 %5B %5D %20"


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed in, and how.

    Attributes:
        host: name or address.
        port: of TCP.
        security: ``tls`` from the first byte; ``starttls``, without which nothing is said; ``plain``, which
            `mail_server` allows for this machine only.
        user: who logs in; None if nobody does.
        password: of the user.
    """

    host: str
    port: int
    security: Literal["tls", "starttls", "plain"]
    user: str | None = None
    password: Secret | None = None


def mail_server(url: Secret) -> MailServer:
    """Read an address such as ``smtps://user:password@smtp.example.com``.

    ``smtp`` means STARTTLS, but for this machine: there it is plain.

    Raises:
        ValueError: it cannot be read; the reason holds nothing of it.
    """
    parts, port = _split(url.reveal())
    host = parts.hostname
    if parts.scheme not in _PORTS or not host:
        raise ValueError(_FORM)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in (parts.password or ""):
        raise ValueError(f"must end with host or port; {_ESCAPES}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("must name both user and password, or neither")
    if not (user + password).isascii() or not (user + password).isprintable():
        raise ValueError("must have a user and password of printable ASCII: SMTP knows no other")
    return MailServer(
        host,
        port or _PORTS[parts.scheme],
        _security(parts.scheme, host),
        user or None,
        Secret(password) if password else None,
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its words hold a piece of the address, perhaps of the password
        raise ValueError(f"{_FORM}; {_ESCAPES}") from None
    return parts, port


def _security(scheme: str, host: str) -> Literal["tls", "starttls", "plain"]:
    if scheme == "smtps":
        return "tls"
    return "plain" if is_this_machine(host) else "starttls"
