"""The console as an ASGI application.

    octopush-worker console

It holds no state: Redis does. Any number of these processes may run side by side.
"""

import asyncio
import logging
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final

import redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from producers.aio import AsyncProducer
from producers.contract.clients import Timeouts, connect_async
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.outages import passes, what_is_refused
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.serving import serving
from producers.errors import ConfigError, QueueRefused, QueueUnavailable
from producers.rules.hours import Hours
from worker.console import login, reveal
from worker.console.bulk_runner import run_jobs
from worker.console.doors import Doors
from worker.console.forms import read_form
from worker.console.page import Office, Page, Visit, page_response
from worker.console.pages import PAGES, REVEALS
from worker.console.refusals import Refusal
from worker.console.rendering import templates
from worker.console.sessions import Sessions
from worker.console.settings import ConsoleSettings
from worker.console.static_files import static_routes
from worker.operator.bulk import Bulk

#: Exit status of a console without tokens: not wrong, but closed.
CLOSED: Final = 78

#: What the navigation shows, where there is such a page.
_NAVIGATION: Final = (
    ("/", "Overview"),
    ("/replies", "Replies"),
    ("/sends", "Sends"),
    ("/failures", "Failures"),
    ("/campaigns", "Campaigns"),
    ("/optouts", "Opt-outs"),
    ("/money", "Money"),
    ("/feeds", "Feeds"),
    ("/forward", "Forwarding"),
    ("/quarantine", "Quarantine"),
    ("/audit", "Audit"),
)
#: A page is worth waiting for, but not for long: somebody looks at it.
_TIMEOUTS: Final = Timeouts(connect_s=1.0, answer_s=3.0, retries=1, repeat_on=(redis.ConnectionError,))
_AWAY: Final = (*REDIS_ERRORS, QueueUnavailable, QueueRefused, OSError)
_LOG: Final = logging.getLogger("worker.console")

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(settings: ConsoleSettings | None = None, environ: Mapping[str, str] | None = None) -> ASGIApp:
    """Make the application; it connects to Redis with the first request.

    Args:
        settings: tokens, names, Redis; read from ``environ`` if None.
        environ: variables; None for those of the process.

    Raises:
        SystemExit: a setting is wrong (status 1, one message that names the variables), or nobody may log in
            (status `CLOSED`, one line).
    """
    try:
        settings = settings or ConsoleSettings.from_env(environ)
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    if not settings.tokens:
        sys.stderr.write("the console stays closed: CONSOLE_TOKENS names nobody who may log in\n")
        raise SystemExit(CLOSED)
    # Addresses of pages may hold what somebody searched for.
    logging.getLogger("uvicorn.access").disabled = True
    return Doors(_Console(settings).app(), settings.host_names)


class _Console:
    """The endpoints and what they share."""

    def __init__(self, settings: ConsoleSettings) -> None:
        client = connect_async(settings.redis_url, _TIMEOUTS)
        keys = Keys(settings.namespace)
        paths = {page.path for page in PAGES}
        self._office = Office(
            settings=settings,
            keys=keys,
            pseudonyms=KnownPseudonyms(settings),
            redis=client,
            hours=Hours(settings),
            producer=AsyncProducer(settings=settings, client=client),
            sessions=Sessions(client, keys, settings.people),
            templates=templates(),
            links=tuple((path, words) for path, words in _NAVIGATION if path in paths),
            reveals=REVEALS,
        )

    def app(self) -> Starlette:
        log_out = Page("/logout", login.log_out, method="POST")
        pages = (*PAGES, reveal.PAGE, log_out)
        app = Starlette(
            routes=[
                *static_routes(),
                Route("/healthz", _healthz),
                Route("/login", self._guarded(self._log_in), methods=["GET", "POST"]),
                *(Route(page.path, self._guarded(self._page(page)), methods=[page.method]) for page in pages),
            ],
            exception_handlers={HTTPException: self._no_such_page},
            lifespan=self._lifespan,
        )
        # A redirect would have to be trusted with where it leads.
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        jobs = asyncio.create_task(run_jobs(Bulk(self._office.settings), self._office.redis))
        yield
        jobs.cancel()
        with suppress(asyncio.CancelledError):
            await jobs
        await self._office.redis.aclose()

    async def _log_in(self, request: Request) -> Response:
        if request.method == "POST":
            await serving(self._office.keys).arun(self._office.redis)
        answer = login.log_in if request.method == "POST" else login.show_login
        return await answer(request, self._office)

    def _page(self, page: Page) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            await serving(self._office.keys).arun(self._office.redis)
            cookie = login.cookie_of(request)
            takes_notice = request.method == "GET" and "x-live" not in request.headers
            visitor = await self._office.sessions.visitor(cookie, takes_notice=takes_notice)
            if visitor is None:
                return login.ask_to_log_in(request, self._office)
            request.state.visit = visit = Visit(request, self._office, visitor)
            if page.role == "operator" and not visitor.is_operator:
                raise Refusal(HTTPStatus.FORBIDDEN, "Only an operator may do this. Nothing was done.")
            if page.method == "POST":
                visit = Visit(request, self._office, visitor, await read_form(request))
            return await page.handler(visit)

        return endpoint

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """Turn everything that goes wrong into a page that says so; log nothing that quotes a value."""

        async def guarded(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Refusal as refusal:
                return self._refuse(request, refusal)
            except _AWAY as error:
                if what := what_is_refused(error.__cause__ or error):
                    # To the visitor it is an outage: only who runs the console can mend it.
                    _LOG.error("redis refuses %s", what)
                elif isinstance(error, redis.ResponseError) and not passes(error):
                    return self._failed(request, error)
                words = "Redis does not answer; nothing is known."
                return self._refuse(request, Refusal(HTTPStatus.SERVICE_UNAVAILABLE, words, back=""))
            except Exception as error:  # noqa: BLE001 - its text may quote what nobody should read in a log
                return self._failed(request, error)

        return guarded

    def _failed(self, request: Request, error: Exception) -> Response:
        """Log where an error happened, without its text: that may quote a number or what somebody wrote."""
        places = "".join(traceback.format_tb(error.__traceback__))
        _LOG.error("a page failed with %s:\n%s", type(error).__name__, places)
        words = "This page failed. What happened is in the console's log."
        return self._refuse(request, Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, words))

    async def _no_such_page(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        words = (
            "There is no such page."
            if error.status_code == HTTPStatus.NOT_FOUND
            else "This cannot be asked here."
        )
        answer = self._refuse(request, Refusal(HTTPStatus(error.status_code), words))
        answer.headers.update(error.headers or {})
        return answer

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        template = self._office.templates.get_template("refused.html")
        visit = getattr(request.state, "visit", None)
        return page_response(request, template.render(visit=visit, refusal=refusal), int(refusal.status))


async def _healthz(_: Request) -> Response:
    """Answer as long as the process runs; asks nobody else."""
    return PlainTextResponse("ok\n")
