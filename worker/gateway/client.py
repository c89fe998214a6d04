"""One call to the gateway: POST the frozen bytes, read the answer; `answers` says what it means.

The call is never repeated here.

This is the only module that knows the HTTP library: httpx's API over aiohttp's connections, because httpx's
own pool slows down quadratically with the calls in flight. Requests go to the transport itself:
`httpx.AsyncClient` looks for redirects, cookies and authentication, none of which a POST of ours may have, at
twice the cost. Figures in docs/performance.md.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from producers.rules.money import listed_numbers
from worker.gateway import answers, balances, parameters
from worker.gateway.outcomes import Deferred, Outcome, Unknown
from worker.gateway.profile import UNSETTLED, GatewayProfile
from worker.settings import WorkerSettings

#: Seconds an idle connection is kept. Something on the gateway's way drops idle sockets, and a request
#: written to a dropped socket has an unknown outcome.
KEEPALIVE_S: Final = 4.0
#: Errors that are raised only before any byte of the request has left. The transport raises httpx's connect
#: time-out for every lost connection, whenever it was lost: only the cause of that error can be believed.
NOT_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class AnswerTooLargeError(Exception):
    """The answer is longer than any answer of the gateway."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One POST, with all that came back.

    Attributes:
        outcome: what it came to.
        status: the HTTP status; None without an answer.
        content: the body of the answer, which may quote the message: never logged.
        took_s: seconds until the answer was there, or was given up.
    """

    outcome: Outcome
    status: int | None
    content: bytes = field(repr=False)
    took_s: float


class Gateway:
    """Calls the send endpoint. All calls run in one event loop, any number at a time.

    Args:
        settings: address, credentials, time-outs.
        profile: what is known of this account's gateway.

    Attributes:
        post_max_s: longest that one call can take, in seconds.
        root: address of its API.
    """

    def __init__(self, settings: WorkerSettings, profile: GatewayProfile = UNSETTLED) -> None:
        self._profile = profile
        self.root = root = settings.base_url.rstrip("/")
        self._send_url = httpx.URL(root + "/sms-campaign/send")
        self._balance_url = httpx.URL(root + "/wallet/check-balance")
        self._parameters_url = httpx.URL(root + "/user/campaign-parameters")
        self._edit_url = httpx.URL(root + "/user/campaign-parameters/edit")
        self._headers = {
            "api-login": settings.api_login.reveal(),
            "api-key": settings.api_key.reveal(),
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
            "cache-control": "no-cache",
            "user-agent": "octopush-worker",
        }
        self._fresh = settings.fresh_connections
        self._allowed = listed_numbers(settings.allowed_numbers)
        self.post_max_s = settings.post_max_s
        self._timeout = httpx.Timeout(
            connect=settings.connect_timeout_s,
            write=settings.connect_timeout_s,
            read=settings.read_timeout_s,
            pool=settings.connect_timeout_s,
        ).as_dict()
        self._tls = httpx.create_ssl_context()
        # The transport opens its session with the first call, in the loop where that call runs.
        self._transport = AiohttpTransport(verify=self._tls, client=self._session)

    async def submit(self, body: bytes, *, simulated: bool = False) -> Outcome:
        """POST one call and classify its answer.

        Not safe to repeat by itself: whether to repeat, and when, is the caller's decision.

        Args:
            body: the JSON bytes, sent as they are.
            simulated: the call asks for simulation_mode, whose success may lack a ticket.
        """
        try:
            status, headers, content = await self._call("POST", self._send_url, body)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the POST may have left
            return _failed(error)
        return answers.classify(status, headers, content, simulated=simulated, profile=self._profile)

    async def try_out(self, body: bytes, *, simulated: bool = False) -> Tried:
        """POST one call as `submit` does, and return what came back, too. As little safe to repeat."""
        begun = time.monotonic()
        try:
            status, headers, content = await self._call("POST", self._send_url, body)
        except Exception as error:  # noqa: BLE001 - as in `submit`
            return Tried(_failed(error), None, b"", time.monotonic() - begun)
        took_s = time.monotonic() - begun
        outcome = answers.classify(status, headers, content, simulated=simulated, profile=self._profile)
        return Tried(outcome, status, content, took_s)

    def may_text(self, numbers: Iterable[str]) -> bool:
        """Say whether all of these numbers may be texted by ``ALLOWED_NUMBERS``; without a list all may.

        To be asked last, right before a POST: whatever was queued by whom, under whatever settings.
        """
        return not self._allowed or self._allowed.issuperset(numbers)

    async def balance(self) -> float | None:
        """Ask what is left on the account; None when the gateway does not say. Safe to repeat."""
        answer = await self._asked(self._balance_url)
        return answer and balances.balance(*answer)

    async def euros(self) -> Decimal | None:
        """Ask how many euros are left on the account; None when the gateway does not say. Safe to repeat."""
        answer = await self._asked(self._balance_url)
        return answer and balances.euros(*answer)

    async def prepaid(self, country: str, kind: str) -> balances.Prepaid | None:
        """Ask for how many messages the account pays; None when the gateway does not say. Safe to repeat.

        Args:
            country: two letters.
            kind: ``sms_premium`` or ``sms_low_cost``.
        """
        params = {"country_code": country, "product_name": kind, "with_details": "1"}
        answer = await self._asked(self._balance_url.copy_merge_params(params))
        return answer and balances.prepaid(*answer, kind)

    async def credit(self) -> Decimal | answers.NotTold:
        """Ask how many euros are left on the account, or why that is not said. Free, and safe to repeat."""
        told = await self._told("GET", self._balance_url)
        if isinstance(told, answers.NotTold):
            return told
        amount = balances.euros_of(told)
        return answers.NotTold("no_amount_of_euros") if amount is None else amount

    async def parameters(self) -> parameters.Parameters | answers.NotTold:
        """Ask where the account's callbacks go, or why that is not said. Free, and safe to repeat."""
        told = await self._told("GET", self._parameters_url)
        if isinstance(told, answers.NotTold):
            return told
        return parameters.read(told) or answers.NotTold("answer_without_callbacks")

    async def set_callbacks(self, urls: Mapping[str, str]) -> answers.NotTold | None:
        """Let the account's callbacks go elsewhere. Safe to repeat; `parameters` says what was kept.

        Args:
            urls: by the gateway's names of them.

        Returns:
            Why the gateway has not said that it took them, or None. It may have taken them all the same.
        """
        told = await self._told("PATCH", self._edit_url, parameters.change(urls))
        # What the answer to a change looks like is not documented.
        if isinstance(told, dict) or told.code == answers.NO_OBJECT:
            return None
        return told

    async def _asked(self, url: httpx.URL) -> tuple[int, bytes] | None:
        try:
            status, _, content = await self._call("GET", url)
        except Exception:  # noqa: BLE001 - no answer of any kind
            return None
        return status, content

    async def _told(self, method: str, url: httpx.URL, body: bytes = b"") -> dict[str, Any] | answers.NotTold:
        try:
            status, _, content = await self._call(method, url, body)
        except Exception as error:  # noqa: BLE001 - no answer of any kind
            return answers.NotTold(_failed(error).code)
        return answers.told(status, content)

    async def close(self) -> None:
        """Close all connections; call when nothing is submitted any more."""
        await self._transport.aclose()

    async def _call(self, method: str, url: httpx.URL, body: bytes = b"") -> tuple[int, httpx.Headers, bytes]:
        # A gateway that drips one byte at a time never exceeds a read time-out: the whole call has a bound.
        async with asyncio.timeout(self.post_max_s):
            # To a body that is a stream httpx adds no headers: the session has all of them.
            request = httpx.Request(
                method, url, stream=httpx.ByteStream(body), extensions={"timeout": self._timeout}
            )
            request.read()
            response = await self._transport.handle_async_request(request)
            try:
                content = b""
                async for chunk in response.stream:  # type: ignore[union-attr]
                    content += chunk
                    if len(content) > answers.ANSWER_MAX_BYTES:
                        raise AnswerTooLargeError
            finally:
                await response.aclose()
        return response.status_code, response.headers, content

    def _session(self) -> aiohttp.ClientSession:
        """Open a session without a limit of connections: throttle and slots limit the calls."""
        if self._fresh:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls, force_close=True)
        else:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls, keepalive_timeout=KEEPALIVE_S)
        cookies = aiohttp.DummyCookieJar()
        return aiohttp.ClientSession(connector=connector, headers=self._headers, cookie_jar=cookies)


def _failed(error: Exception) -> Deferred | Unknown:
    """Say what an exception proves of the call: nothing, unless its cause lies before the first byte."""
    # The bound of the whole call is a TimeoutError whose cause is the cancelled wait.
    cause = error if isinstance(error, TimeoutError) else error.__cause__ or error
    word = _word(cause)
    return Deferred(word) if isinstance(cause, NOT_SENT) else Unknown(word)


def _word(error: BaseException) -> str:
    """Name the kind of an error, ``socket_timeout_error`` for a read time-out; its text may hold the URL."""
    name = type(error).__name__
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
