"""Webhooks of ``octopush-worker forward-http``: the receiving end, for applications that do not read Redis.

    webhook = verify(request.body, request.headers, os.environ["SMS_WEBHOOK_SECRET"])
    if isinstance(webhook.data, Reply):
        confirm(webhook.data.context["booking"], webhook.data.text)

Signatures are those of Standard Webhooks 1.0.0, so any library for it verifies them, too. An event may come
twice: store `Webhook.id` with what it does, in one transaction, and skip what is already there.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args, get_type_hints

import msgspec

from .contract.discreet import discreet
from .contract.events import Alarm, Event, OptOut, Receipt, Reply, Status
from .errors import Portable

#: What a webhook's type says its data are.
TYPES: Final[Mapping[str, type[Event]]] = {
    "sms.reply.received": Reply,
    "sms.optout.received": OptOut,
    "sms.receipt.received": Receipt,
    "sms.status.changed": Status,
    "sms.alarm.raised": Alarm,
}
#: The type of a webhook that somebody sent to try whether it arrives; its data are empty.
TEST: Final = "sms.test"
#: Seconds by which the clocks of sender and receiver may differ, the way of a webhook included.
TOLERANCE_S: Final = 300

_PREFIX: Final = "whsec_"
_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


class InvalidWebhook(Portable):
    """What came is no webhook of ours: answer 400, and do nothing. Texts hold nothing of what came."""


class HeaderMissing(InvalidWebhook):
    """A header of a signed webhook is not there, or comes empty.

    Attributes:
        header: its name.
    """

    def __init__(self, header: str) -> None:
        self.header = header
        super().__init__(f"no {header} header")


class WrongTime(InvalidWebhook):
    """The webhook was signed long ago, or in the future: a stranger's repeat, or a clock that is wrong."""


class WrongSignature(InvalidWebhook):
    """No signature was made with one of these secrets for this body, as it came, byte by byte."""


class UnreadableBody(InvalidWebhook):
    """The signature is right, and the body is no JSON object with a type, a timestamp and data."""


@discreet
class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook whose signature is right.

    Attributes:
        id: the same for every repeat of the same event; that of `Reply.event_id`, where there is one.
        type: such as ``sms.reply.received``: see `TYPES`.
        timestamp: when it happened.
        data: a `Reply`, `Receipt`, `OptOut`, `Status` or `Alarm`; the JSON object itself for a type that this
            version does not know, or where its data do not fit.
        cut: names of the fields that were too long for a webhook: shortened, or left out.
    """

    id: str
    type: str
    timestamp: datetime
    data: Event | dict[str, Any]
    cut: tuple[str, ...] = ()


@discreet
class _Body(msgspec.Struct):
    type: str
    timestamp: datetime
    data: dict[str, Any]
    cut: tuple[str, ...] = ()


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    now: float | None = None,
) -> Webhook:
    """Check that a webhook is from your forwarder, and read it.

    Args:
        body: the request's body as it came: not parsed, not decoded.
        headers: the request's headers, in whatever case.
        secrets: what ``octopush-worker forward secret NAME`` prints; several while a secret changes, as a
            list or in one text with lines, spaces or commas between.
        now: epoch seconds; the present if it is None.

    Raises:
        InvalidWebhook: it is not; one of `HeaderMissing`, `WrongTime`, `WrongSignature`, `UnreadableBody`.
        ValueError: a secret is none, or there is none: a mistake in your settings.
    """
    keys = [_key(secret) for secret in (_listed(secrets) if isinstance(secrets, str) else secrets)]
    if not keys:
        raise ValueError("verify needs a secret")
    webhook_id, timestamp, signatures = _read_headers(headers)
    _check_time(timestamp, time.time() if now is None else now)
    try:
        expected = [_signature(key, webhook_id, timestamp, body) for key in keys]
        fits = _agree(expected, signatures.split(" "))
    except UnicodeEncodeError:  # half surrogates, which came in no header
        fits = False
    if not fits:
        raise WrongSignature("no signature fits")
    return _read(webhook_id, body)


def sign(body: bytes, webhook_id: str, at: int, secrets: Sequence[str]) -> dict[str, str]:
    """Make the headers of a webhook; what the forwarder does, and a test of yours may do.

    Args:
        body: the request's body.
        webhook_id: names the event.
        at: epoch seconds.
        secrets: each signs.

    Raises:
        ValueError: a secret is none.
    """
    signatures = [_signature(_key(secret), webhook_id, str(at), body).decode() for secret in secrets]
    return dict(zip(_HEADERS, (webhook_id, str(at), " ".join(signatures)), strict=True))


def _read_headers(headers: Mapping[str, str]) -> list[str]:
    lower = {name.lower(): value for name, value in headers.items()}
    for name in _HEADERS:
        if not lower.get(name):
            raise HeaderMissing(name)
    return [lower[name] for name in _HEADERS]


def _check_time(timestamp: str, now: float) -> None:
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    if not is_number or abs(now - int(timestamp)) > TOLERANCE_S:
        raise WrongTime("signed too long ago, or in the future")


def _signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> bytes:
    signed = b".".join([webhook_id.encode("utf-8", "surrogateescape"), timestamp.encode(), body])
    return b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))


def _agree(expected: Iterable[bytes], given: Iterable[str]) -> bool:
    """Compare all with all, in a time that says nothing about where they differ."""
    candidates = [each.encode("utf-8", "surrogateescape") for each in given]
    return any([hmac.compare_digest(one, other) for one in expected for other in candidates])  # noqa: C419 - no short cut


def _read(webhook_id: str, body: bytes) -> Webhook:
    try:
        read = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableBody("no JSON object with type, timestamp and data") from None
    data = _typed(read.type, read.data)
    return Webhook(id=webhook_id, type=read.type, timestamp=read.timestamp, data=data, cut=read.cut)


def _typed(name: str, data: dict[str, Any]) -> Event | dict[str, Any]:
    kind = TYPES.get(name)
    if kind is None:
        return data
    # A forwarder of another version may not know a field that may be None.
    hints = get_type_hints(kind)
    optional = {field: None for field, hint in hints.items() if hint is Any or type(None) in get_args(hint)}
    try:
        return msgspec.convert({**optional, **data}, kind, strict=False)
    except msgspec.ValidationError:
        return data


def _listed(secrets: str) -> list[str]:
    return secrets.replace(",", " ").split() or [secrets]


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        key = b""
    # The text of the error must not hold the secret, nor lead to it.
    if not secret.strip().startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret is whsec_ and 24 to 64 bytes in base64") from None
    return key
