"""One call to the gateway: POST the frozen bytes, read the answer; `answers` says what it means.

Never repeats.

The only module that knows the HTTP library.
"""

import contextlib
import functools
import socket
import threading
from typing import Any, Final

import httpx

from worker import answers
from worker.outcomes import Deferred, Outcome, Unknown
from worker.settings import WorkerSettings
from worker.watchdog import Watchdog

#: Bytes of an answer that we read; the documented ones have a few hundred.
ANSWER_MAX_BYTES: Final = 64 * 1024
#: Seconds an idle connection is kept. Something on the gateway's way drops idle sockets, and a request
#: written to a dropped socket has an unknown outcome.
KEEPALIVE_S: Final = 4.0
#: Every exception of a POST, by what it says about the call. `tests` compares this with all that httpx has.
NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
PERHAPS_SENT: Final = (
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
)


class AnswerTooLargeError(Exception):
    """The answer is longer than any answer of the gateway."""


class Gateway:
    """Calls the send endpoint. Thread-safe: each thread has a client of its own, all share the TLS context.

    httpx's own connection pool slows down quadratically when threads share it.

    Args:
        settings: address, credentials, time-outs.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        root = settings.base_url.rstrip("/")
        self._send_url = httpx.URL(root + "/sms-campaign/send")
        self._balance_url = httpx.URL(root + "/wallet/check-balance")
        self._headers = {
            "api-login": settings.api_login.reveal(),
            "api-key": settings.api_key.reveal(),
            "content-type": "application/json",
            "accept": "application/json",
            "cache-control": "no-cache",
            "user-agent": "octopush-worker",
        }
        self._keepalive = 0 if settings.fresh_connections else 1
        if settings.fresh_connections:
            self._headers["connection"] = "close"
        self._post_max_s = settings.post_max_s
        self._watchdog = Watchdog()
        self._timeout = httpx.Timeout(
            connect=settings.connect_timeout_s,
            write=settings.connect_timeout_s,
            read=settings.read_timeout_s,
            pool=settings.connect_timeout_s,
        )
        self._tls = httpx.create_ssl_context()
        self._local = threading.local()
        self._clients: list[httpx.Client] = []

    def submit(self, body: bytes, *, simulated: bool = False) -> Outcome:
        """POST one call and classify its answer.

        Not safe to repeat by itself: whether to repeat, and when, is the caller's decision.

        Args:
            body: the JSON bytes, sent as they are.
            simulated: the call asks for simulation_mode, whose success may lack a ticket.
        """
        try:
            status, headers, content = self._call("POST", self._send_url, body)
        except NOT_SENT as error:
            return Deferred(_word(error))
        except (*PERHAPS_SENT, AnswerTooLargeError) as error:
            return Unknown(_word(error))
        return answers.classify(status, headers, content, simulated=simulated)

    def balance(self) -> float | None:
        """Ask what is left on the account; None when the gateway does not say. Safe to repeat."""
        try:
            status, _, content = self._call("GET", self._balance_url)
        except (*NOT_SENT, *PERHAPS_SENT, AnswerTooLargeError):
            return None
        return answers.balance(status, content)

    def close(self) -> None:
        """Close all connections; call when no thread submits any more."""
        for client in self._clients:
            client.close()

    def _call(
        self, method: str, url: httpx.URL, body: bytes | None = None
    ) -> tuple[int, httpx.Headers, bytes]:
        request = self._client.build_request(
            method, url, content=body, extensions={"trace": self._remember_stream}
        )
        with self._watchdog.limit(self._post_max_s, functools.partial(_cut, self._local.__dict__)):
            response = self._client.send(request, stream=True)
            try:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_MAX_BYTES:
                        raise AnswerTooLargeError
            finally:
                response.close()
        return response.status_code, response.headers, bytes(content)

    def _remember_stream(self, event: str, info: dict[str, Any]) -> None:
        """Keep hold of this thread's connection, so that the watchdog can cut it."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._local.stream = info["return_value"]

    @property
    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = httpx.Client(
                headers=self._headers,
                timeout=self._timeout,
                verify=self._tls,
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(
                    max_connections=1, max_keepalive_connections=self._keepalive, keepalive_expiry=KEEPALIVE_S
                ),
            )
            self._clients.append(client)
        return client


def _cut(thread: dict[str, Any]) -> None:
    """Shut down the connection of a thread whose POST is over time; its read fails at once."""
    stream: Any = thread.get("stream")
    with contextlib.suppress(OSError, AttributeError):
        # Past the TLS layer's own `shutdown`, which would pull its state from under the reading thread.
        socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)


def _word(error: Exception) -> str:
    """``ReadTimeout`` as ``read_timeout``: the exception's kind; its text may hold the URL."""
    name = type(error).__name__.removesuffix("Error")
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_") + (
        "_error" if type(error).__name__.endswith("Error") else ""
    )
