"""One POST of a webhook: sign, send, read what the receiver says, within 15 s whatever the receiver does."""

import asyncio
import base64
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Final, Self

import httpx

from producers.webhooks import sign
from worker.forwarding.outcomes import (
    TEST,
    Delivered,
    Halted,
    Later,
    Outcome,
    OutgoingEvent,
    Refused,
    Unreachable,
)
from worker.webhooks.payload import body_of, body_of_test

#: Seconds that a POST may take in all.
TIMEOUT_S: Final = 15.0
#: Longest wait in seconds that a receiver can ask for.
RETRY_AFTER_MAX_S: Final = 3_600.0
#: Bytes that are read of an answer, and seconds for that: only its status counts.
_ANSWER_MAX_BYTES: Final = 4_096
ANSWER_S: Final = 1.0
#: Answers of proxies for a receiver that is not there.
_AWAY: Final = frozenset({502, 503, 504})
_GONE: Final = 410


class Sender:
    """Posts webhooks to one address. Thread-safe; all POSTs share one event loop, in a thread of its own.

    Args:
        url: where to.
        secrets: of the forwarder; each signs.
        timeout_s: seconds that a POST may take.

    Raises:
        ValueError: the address cannot be read.
    """

    def __init__(self, url: str, secrets: Sequence[str], timeout_s: float = TIMEOUT_S) -> None:
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL:
            raise ValueError("must be an address") from None
        self._secrets = tuple(secrets)
        self._timeout_s = timeout_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="webhooks", daemon=True)
        # The transport itself follows no redirects, which would hand numbers and texts to whoever is named
        # there, and keeps no cookies. A connection that is kept may have been closed at the other end.
        self._transport = httpx.AsyncHTTPTransport(
            verify=httpx.create_ssl_context(), limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._headers = {
            "content-type": "application/json",
            "user-agent": f"octopush-worker/{version('octopush-worker')}",
            "accept-encoding": "identity",
            "connection": "close",
            **_authorization(self._url),
        }

    @property
    def receiver(self) -> str:
        """Scheme, host and port of the address; the rest may be secret."""
        return f"{self._url.scheme}://{self._url.netloc.decode('ascii')}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def deliver(self, event: OutgoingEvent) -> Outcome:
        """Post one event and say what became of it. Safe to repeat: the event has the same id then."""
        try:
            body = body_of_test() if event.stream == TEST else body_of(event.decoded())
        except ValueError:
            return Refused("unreadable")
        return asyncio.run_coroutine_threadsafe(self._post(event.event_id, body), self._loop).result()

    async def _close(self) -> None:
        await self._transport.aclose()
        await self._loop.shutdown_asyncgens()

    async def _post(self, event_id: str, body: bytes) -> Outcome:
        signed = sign(body, event_id, int(time.time()), self._secrets)
        # Less for the connection: what is cut off in the middle of a TLS handshake is not closed at once.
        limits = {"timeout": httpx.Timeout(self._timeout_s, connect=self._timeout_s / 2).as_dict()}
        request = httpx.Request(
            "POST", self._url, content=body, headers={**self._headers, **signed}, extensions=limits
        )
        try:
            # A receiver that drips one byte at a time never exceeds a read time-out: the whole has a bound.
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(request)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            return Unreachable(type(error).__name__)
        await _finish(response)
        return outcome_of(response.status_code, retry_after_s(response.headers.get("retry-after")))


async def _finish(response: httpx.Response) -> None:
    """Read a short answer, as servers like to see, and hang up."""
    try:
        async with asyncio.timeout(ANSWER_S):
            read = 0
            async for chunk in response.stream:  # type: ignore[union-attr]
                read += len(chunk)
                if read > _ANSWER_MAX_BYTES:
                    break
    except (httpx.HTTPError, TimeoutError, OSError):
        # The status is known, and nothing else counts.
        pass
    finally:
        with suppress(httpx.HTTPError, OSError):
            await response.aclose()


def _authorization(url: httpx.URL) -> dict[str, str]:
    """Make the header of a user and a password that stand in the address."""
    if not url.userinfo:
        return {}
    plain = f"{url.username}:{url.password}".encode()
    return {"authorization": "Basic " + base64.b64encode(plain).decode()}


def outcome_of(status: int, asked_s: float | None = None) -> Outcome:
    """Say what a status means. Only 2xx is a success; a redirect is none.

    Args:
        status: of HTTP.
        asked_s: seconds that the receiver asked for.
    """
    if 200 <= status < 300:
        return Delivered()
    if status == _GONE:
        return Halted(str(status), lasting=True)
    kind = Unreachable if status in _AWAY else Later
    return kind(str(status), asked_s)


def retry_after_s(header: str | None) -> float | None:
    """Read a ``Retry-After``: seconds or a date; at most an hour, None if it says nothing."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return float(min(int(header[:9]), RETRY_AFTER_MAX_S))
    try:
        until = parsedate_to_datetime(header)
        seconds = (until - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), RETRY_AFTER_MAX_S)
