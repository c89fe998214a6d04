"""One call to the gateway: POST the frozen bytes, read the answer, say what it means. Never repeats.

The only module that knows the HTTP library.
"""

import contextlib
import email.utils
import functools
import socket
import ssl
import threading
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import msgspec

from worker.codes import CODES, CodeClass
from worker.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unknown
from worker.settings import WorkerSettings
from worker.watchdog import Watchdog

#: Bytes of an answer that we read; the documented ones have a few hundred.
ANSWER_MAX_BYTES: Final = 64 * 1024
#: Seconds an idle connection is kept. Something on the gateway's way drops idle sockets, and a request
#: written to a dropped socket has an unknown outcome.
KEEPALIVE_S: Final = 4.0
#: Characters of the gateway's error text that we keep.
MESSAGE_MAX: Final = 200

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
        self._url = httpx.URL(settings.base_url.rstrip("/") + "/sms-campaign/send")
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
        self._tls = ssl.create_default_context()
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
            status, headers, content = self._post(body)
        except NOT_SENT as error:
            return Deferred(_word(error))
        except (*PERHAPS_SENT, AnswerTooLargeError) as error:
            return Unknown(_word(error))
        return classify(status, headers, content, simulated=simulated)

    def close(self) -> None:
        """Close all connections; call when no thread submits any more."""
        for client in self._clients:
            client.close()

    def _post(self, body: bytes) -> tuple[int, httpx.Headers, bytes]:
        request = self._client.build_request(
            "POST", self._url, content=body, extensions={"trace": self._remember_stream}
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


def classify(status: int, headers: httpx.Headers, content: bytes, *, simulated: bool = False) -> Outcome:
    """Say what an answer means. Total: any status with any body has an outcome.

    Success is any 2xx with a ticket; ``code`` 0 means success wherever it stands (seen on other endpoints);
    a known ``code`` decides whatever the status; 5xx without one leaves the call open.
    """
    answer = _object(content)
    code = _code(answer)
    retry_after_s = _retry_after(headers.get("retry-after"))
    if code:
        return _by_code(code, status, _text(answer), retry_after_s)
    if 200 <= status < 300:
        ticket = answer.get("sms_ticket")
        if isinstance(ticket, str) and 0 < len(ticket) <= 64:
            return _accepted(ticket, answer)
        return Accepted(None) if simulated and answer else Unknown("answer_without_ticket")
    return _by_status(status, retry_after_s)


def _by_code(code: int, status: int, message: str, retry_after_s: float | None) -> Outcome:
    word = str(code)
    known = CODES.get(code)
    if known is None:
        return Unknown(word, message) if status >= 500 else Refused(word, message, known=False)
    if known.kind is CodeClass.DUPLICATE:
        return Duplicate(word, message)
    if known.kind is CodeClass.PERMANENT:
        return Refused(word, message)
    return Deferred(word, message, retry_after_s, account=known.kind is CodeClass.ACCOUNT)


def _by_status(status: int, retry_after_s: float | None) -> Outcome:
    word = f"http_{status}"
    if status in {401, 402, 403}:
        return Deferred(word, account=True)
    if status in {408, 425, 429} or 300 <= status < 400 or status == 404:
        # Not taken: asked to wait, or not the gateway at all (wrong address, a portal in between).
        return Deferred(word, retry_after_s=retry_after_s)
    if status >= 500 or status < 200:
        return Unknown(word, retry_after_s=retry_after_s)
    return Refused(word, known=False)


def _accepted(ticket: str, answer: dict[str, Any]) -> Accepted:
    return Accepted(
        ticket=ticket,
        cost=_number(answer.get("total_cost")),
        segments=_count(answer.get("number_of_sms_needed")),
        contacts=_count(answer.get("number_of_contacts")),
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _code(answer: dict[str, Any]) -> int:
    """The error code, 0 when there is none; numbers and digit strings (``"000"``) are both in use."""
    code = answer.get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit():
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _text(answer: dict[str, Any]) -> str:
    message = answer.get("message")
    return message[:MESSAGE_MAX] if isinstance(message, str) else ""


def _number(value: object) -> str | None:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait from a Retry-After header: a number of seconds or an HTTP date."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _word(error: Exception) -> str:
    """``ReadTimeout`` as ``read_timeout``: the exception's kind; its text may hold the URL."""
    name = type(error).__name__.removesuffix("Error")
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_") + (
        "_error" if type(error).__name__.endswith("Error") else ""
    )
