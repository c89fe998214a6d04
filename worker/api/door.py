"""What every call passes, in one order; the first check that fails answers.

Path 404, method 405, token 401, scope 403, rate 429, media type 415, size 413, JSON 400, fields and
parameters 422; then what Redis knows: 404, 409, 410; and 503 if Redis is away. No byte of a body is read
before all that its head says was looked at.
"""

import asyncio
import logging
import math
import re
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
import redis
import redis.asyncio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from producers.contract import tracing
from producers.contract.keys import Keys
from producers.contract.outages import what_is_refused
from producers.contract.scripts import REDIS_ERRORS
from producers.errors import QueueRefused, QueueUnavailable
from worker.api.call import Answer, Call, Operation
from worker.api.caller import Caller, Gone
from worker.api.desk import ASKING, BURST_S, TIMEOUTS, Desk, Room
from worker.api.head import has_body, read_key, read_query
from worker.api.json_body import Bodies
from worker.api.lookout import Lookout
from worker.api.problems import MEDIA_TYPE, Refusal, Wrong
from worker.api.settings import ApiSettings, digest_of
from worker.api.turns import Turns

_LOG: Final = logging.getLogger("worker.api")
_AWAY: Final = (*REDIS_ERRORS, QueueUnavailable, QueueRefused, OSError)
#: What Redis says of an entry id that is none, such as one of more than 64 bits.
_BAD_ID: Final = re.compile("Invalid stream ID|invalid start ID|invalid end ID", re.IGNORECASE)
_BEARER: Final = re.compile(r"Bearer ([A-Za-z0-9_-]{1,256})", re.IGNORECASE)
#: Stands in the log for a client that went before it was answered, as other servers write it.
_GONE: Final = 499
_ALWAYS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """Lets calls in, and writes down how each was answered.

    Args:
        settings: of the process.
        client: of the process.

    Attributes:
        lookout: who waits.
    """

    def __init__(self, settings: ApiSettings, client: redis.asyncio.Redis) -> None:
        self.lookout = Lookout(client, Keys(settings.namespace))
        self._grants = settings.grants
        apps = {grant.app for grant in self._grants.values()}
        turns, checking = Turns(ASKING, TIMEOUTS.connect_s + TIMEOUTS.answer_s), asyncio.Lock()
        self._desks = {
            app: Desk(settings, app, client, self.lookout, turns, checking) for app in ("", *sorted(apps))
        }
        self._rate = settings.rate_per_s
        self._bodies = Bodies()

    def routes(self, operations: tuple[Operation, ...]) -> list[Route]:
        """Make one route a path, so that a wrong method is told which there are."""
        by_path: dict[str, dict[str, Operation]] = {}
        for each in operations:
            by_path.setdefault(each.path, {})[each.method] = each
        found = []
        for path, by_method in by_path.items():
            route = Route(path, self._endpoint(by_method), methods=list(by_method))
            route.methods = set(by_method)  # without HEAD, which no operation declares
            found.append(route)
        return found

    async def turn_away(self, request: Request, error: Exception) -> Response:
        """Answer a path or a method that there is not."""
        if not isinstance(error, HTTPException):
            raise error
        is_method = error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        code = "method-not-allowed" if is_method else "no-route"
        visit = _Visit(request, "-")
        return visit.refused(Refusal(code, headers=error.headers))

    def _endpoint(self, by_method: Mapping[str, Operation]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            operation = by_method[request.method]
            visit = _Visit(request, operation.path)
            try:
                call = await self._let_in(visit, operation)
                return visit.answered(await operation.handler(call))
            except Refusal as refusal:
                return visit.refused(refusal)
            except Gone:
                return visit.left()
            except _AWAY as error:
                if isinstance(error, redis.ResponseError) and _BAD_ID.search(str(error)):
                    return visit.refused(Refusal("invalid", "an entry id or a cursor that no stream has"))
                what = what_is_refused(error.__cause__ or error)
                event, reason = ("refused", what) if what else ("away", type(error).__name__)
                _LOG.warning("%s", _line(event=event, call_id=visit.call_id, reason=reason))
                return visit.refused(Refusal("queue-unavailable", headers={"Retry-After": "1"}))
            except Exception as error:  # noqa: BLE001 - its text may quote what nobody should read in a log
                where = "".join(traceback.format_tb(error.__traceback__))
                said = {"event": "failed", "call_id": visit.call_id, "reason": type(error).__name__}
                _LOG.error("%s", _line(**said, exception=where))
                return visit.refused(Refusal("internal"))
            finally:
                visit.caller.answered()

        return endpoint

    async def _let_in(self, visit: "_Visit", operation: Operation) -> Call:
        request = visit.request
        desk = self._desks[""]
        if operation.scopes:
            desk = await self._charged(visit, self._who(visit, operation))
        body = await self._bodies.read(request, operation.body_bytes) if operation.body else {}
        wrong = Wrong()
        query = read_query(request, operation.query, wrong)
        key = read_key(request.headers, wrong, wanted=operation.takes_key)
        call = Call(desk, request.path_params, query, body, wrong, visit.caller, key)
        if not operation.body:
            call.refuse()
        return call

    def _who(self, visit: "_Visit", operation: Operation) -> Desk:
        found = _BEARER.fullmatch(visit.request.headers.get("authorization", ""))
        grant = self._grants.get(digest_of(found[1])) if found else None
        if grant is None:
            raise Refusal("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        visit.app = grant.app
        if grant.scopes.isdisjoint(operation.scopes):
            raise Refusal("scope-missing", f"needs {' or '.join(sorted(operation.scopes))}")
        return self._desks[grant.app]

    async def _charged(self, visit: "_Visit", desk: Desk) -> Desk:
        """Take the call from the rate of its application, and give the desk that answers it."""
        # Whether Redis is away is said last: a wrong call is told what is wrong with it.
        try:
            room = await desk.charge(1)
        except redis.TimeoutError:
            return desk.hanging()
        except _AWAY:
            return desk
        if room is None:
            return desk
        headers = self._rate_headers(room)
        if room.wait_ms:
            wait_s = math.ceil(room.wait_ms / 1000)
            raise Refusal("rate-limited", headers={**headers, "Retry-After": str(wait_s)})
        visit.headers |= headers
        return desk

    def _rate_headers(self, room: Room) -> dict[str, str]:
        """Write the fields of the IETF's draft on rate limits: the window, what is left, until when."""
        policy = f'"app";q={self._rate * BURST_S};w={BURST_S}'
        return {
            "RateLimit-Policy": policy,
            "RateLimit": f'"app";r={room.left};t={math.ceil(room.wait_ms / 1000)}',
        }


class _Visit:
    """One request from its head to its answer."""

    def __init__(self, request: Request, route: str) -> None:
        self.request = request
        self.call_id = str(uuid.uuid4())
        self.caller = Caller(request.receive)
        self.app = ""
        self.headers: dict[str, str] = {}
        self._route = route
        self._began = time.monotonic()
        self._trace_id = tracing.carry(request.headers.get("traceparent", ""))

    def answered(self, answer: Answer) -> Response:
        """Write an answer that is no problem."""
        content = b"" if answer.body is None else msgspec.json.encode(answer.body)
        media_type = None if answer.body is None else "application/json"
        return self._written(answer.status, content, media_type, answer.headers)

    def refused(self, refusal: Refusal) -> Response:
        """Write a problem; a body that was not read is not worth reading now."""
        content = msgspec.json.encode(refusal.problem(self.call_id))
        headers = dict(refusal.headers)
        if has_body(self.request.headers):
            headers["Connection"] = "close"
        return self._written(refusal.status, content, MEDIA_TYPE, headers)

    def left(self) -> Response:
        """Write an answer that nobody reads, since the client has gone."""
        return self._written(_GONE, b"", None, {})

    def _written(
        self, status: int, content: bytes, media_type: str | None, headers: Mapping[str, str]
    ) -> Response:
        self._log(status)
        every = {**_ALWAYS, **self.headers, **headers, "X-Call-Id": self.call_id}
        return Response(content, status, every, media_type)

    def _log(self, status: int) -> None:
        if not self._route.startswith("/v1") and status < HTTPStatus.BAD_REQUEST:
            return
        said: dict[str, Any] = {
            "event": "call",
            "app": self.app,
            "route": f"{self.request.method} {self._route}",
            "status": status,
            "ms": round((time.monotonic() - self._began) * 1000, 1),
            "call_id": self.call_id,
        }
        _LOG.info("%s", _line(**said, **({"trace_id": self._trace_id} if self._trace_id else {})))


def _line(**said: Any) -> str:
    return msgspec.json.encode(said).decode()
