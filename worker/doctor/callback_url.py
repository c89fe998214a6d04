"""The callback URL, end to end: as the gateway reaches it, through what stands before the web process.

A wrong token must be refused, each right one be taken, and a probe of each kind must arrive in our Redis.
"""

import secrets
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx
import redis

from producers.contract.keys import Keys
from producers.contract.settings import WebSettings
from producers.intake.probe import ARRIVED, AWAITED, AWAITED_S, new_probe, probe_key
from worker.doctor.findings import Finding, advice, error, ok, warning
from worker.inquiry.callback_urls import SHOWN, address, shown, token_for
from worker.settings import is_this_machine

#: Seconds in which the gateway wants an answer, and those that the doctor waits.
_ANSWER_S: Final = 1.0
_PATIENCE_S: Final = 4.0
#: Days before the end of a certificate from which on it is told.
_ENDS_DAYS: Final = 14.0

_URL: Final = "callbacks.md#tell-octopush-where-to-call"
_ANSWERED: Final = "callbacks.md#what-is-answered"
_PROXY: Final = "callbacks.md#proxies-and-logs"


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where callbacks come in.

    Attributes:
        start: of all addresses, such as ``https://sms.example.com``.
        settings: with the tokens.
        client: of the Redis in which a probe must arrive.
    """

    start: str
    settings: WebSettings
    client: redis.Redis


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back, as far as it is judged.

    Attributes:
        status: of HTTP.
        has_body: whether anything came behind the head. It is not read to its end, since there may be none.
        took_s: seconds until it was there.
    """

    status: int
    has_body: bool
    took_s: float


def look(entrance: Entrance) -> Iterator[Finding]:
    """Try the URL. Only an address that refuses a wrong token is given a right one.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    host = urlsplit(entrance.start).hostname or ""
    if not entrance.start.lower().startswith("https:") and not is_this_machine(host):
        said = "The callback URL is not https: the token would travel in clear, so it was not tried."
        yield error("callbacks.https", said, "Let a proxy speak HTTPS.", _PROXY)
        return
    # The trust of the system, as the gateway has some; no proxy of this shell, and no redirect is followed.
    trust = ssl.create_default_context()
    with httpx.Client(verify=trust, timeout=_PATIENCE_S, trust_env=False, follow_redirects=False) as http:
        stop = _stranger(http, entrance.start)
        if stop is not None:
            yield stop
            return
        try:
            yield from _certificate(http, entrance.start)
        except httpx.HTTPError as failure:
            yield _unreached(failure)
            return
        for kind in SHOWN:
            token = token_for(entrance.settings, kind)
            if token is None:
                said = f"No token of CALLBACK_TOKENS may bring {kind}: they are lost."
                yield error("callbacks.token", said, "Add a token for them.", _URL)
            else:
                yield from _kind(http, entrance, kind, address(entrance.start, token, kind))


def _stranger(http: httpx.Client, start: str) -> Finding | None:
    """Try a token that nobody has; say why nothing more is tried, or None."""
    url = address(start, secrets.token_hex(24), "receipts")
    try:
        status = _ask(http, "GET", url).status
    except httpx.HTTPError as failure:
        return _unreached(failure)
    if 300 <= status < 400:
        said = f"The callback URL answers with a redirect ({status}), which may not be followed."
        return error("callbacks.redirect", said, "Enter the address that it leads to.", _PROXY)
    if 200 <= status < 300:
        said = "Whatever answers at the callback URL takes a wrong token: it is no web process of ours."
        return error(
            "callbacks.stranger", said, "Let the proxy pass /callbacks/ on to the web process.", _PROXY
        )
    if status >= 500:
        said = f"The callback URL answers {status}: nothing takes callbacks behind it."
        return error("callbacks.reached", said, "Start the web process, and look at the proxy.", _PROXY)
    return None


def _ask(http: httpx.Client, method: str, url: str, body: bytes | None = None) -> _Answer:
    """Ask once, and read no more than the first piece of the answer.

    Raises:
        httpx.HTTPError: there was none.
    """
    began_s = time.monotonic()
    with http.stream(method, url, content=body, headers={"content-type": "application/json"}) as answer:
        has_body = any(answer.iter_raw())
    return _Answer(answer.status_code, has_body, time.monotonic() - began_s)


def _unreached(failure: httpx.HTTPError) -> Finding:
    if "CERTIFICATE_VERIFY_FAILED" in str(failure):
        said = "The certificate of the callback URL cannot be verified, so the gateway may not post there."
        return error(
            "callbacks.certificate", said, "Get one from a public authority, chain included.", _PROXY
        )
    said = f"The callback URL cannot be reached from here ({type(failure).__name__})."
    return error("callbacks.reached", said, "Start web process and proxy; look at DNS and firewall.", _PROXY)


def _certificate(http: httpx.Client, start: str) -> Iterator[Finding]:
    if not start.lower().startswith("https:"):
        said = "The callback URL is http on this machine: what a proxy does in front of it was not tried."
        yield advice("callbacks.https", said, "Try the address that Octopush has.", _PROXY)
        return
    with http.stream("GET", f"{start}/callbacks/") as answer:
        tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
        found = tls.getpeercert() if tls else {}
    ends_days = (ssl.cert_time_to_seconds(found["notAfter"]) - time.time()) / 86_400 if found else 0
    if ends_days < _ENDS_DAYS:
        said = f"The certificate of the callback URL ends in {ends_days:.0f} days."
        yield warning("callbacks.certificate", said, "Renew it, and let a machine do so from now on.", _PROXY)
    else:
        yield ok("callbacks.certificate", f"The certificate is well for {ends_days:.0f} days.")


def _kind(http: httpx.Client, entrance: Entrance, kind: str, url: str) -> Iterator[Finding]:
    """Try the address of a kind, then see a probe arrive."""
    body, name = new_probe()
    try:
        status = _ask(http, "GET", url).status
        if status != 200:
            yield _refused(kind, status)
            return
        key = probe_key(Keys(entrance.settings.namespace).prefix, name)
        entrance.client.set(key, AWAITED, ex=AWAITED_S, nx=True)
        answer = _ask(http, "POST", url, body)
    except httpx.HTTPError as failure:
        yield _unreached(failure)
        return
    if answer.status != 200:
        yield _refused(kind, answer.status)
        return
    if entrance.client.getdel(key) != ARRIVED.encode():
        said = f"A probe of {kind} was answered 200 and did not arrive in this Redis."
        do = "Give the web process the REDIS_URL and SMS_NAMESPACE of the workers; look at its spool."
        yield error("callbacks.arrived", said, do, _ANSWERED)
        return
    if answer.has_body:
        said = f"The address of {kind} answers with a body, and the gateway wants none."
        yield warning("callbacks.body", said, "Let the proxy add nothing to the answer.", _PROXY)
    if answer.took_s > _ANSWER_S:
        said = f"The address of {kind} took {answer.took_s:.1f} s, and the gateway waits about a second."
        yield warning("callbacks.speed", said, "Look at proxy, web process and Redis.", _ANSWERED)
    yield ok("callbacks.arrived", f"A probe at {shown(url)} arrived after {answer.took_s * 1000:.0f} ms.")


def _refused(kind: str, status: int) -> Finding:
    if status == 404:
        said = f"What answers there does not know the token that CALLBACK_TOKENS has for {kind} here."
        do = "Give the web process the same CALLBACK_TOKENS, and restart it; see that the proxy leads to it."
        return error("callbacks.token", said, do, _URL)
    said = f"The address of {kind} answers {status}."
    return error("callbacks.answer", said, "Look up what that status means.", _ANSWERED)
