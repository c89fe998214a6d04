"""What a page is made of: `Page` says where it lies, `Visit` is one request for it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal, TypeVar

import jinja2
import redis.asyncio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from producers.aio import AsyncProducer
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.steps import Step, Steps, adrive
from producers.rules.hours import Hours
from worker.console.forms import local_path
from worker.console.sessions import Sessions, Visitor
from worker.console.settings import ConsoleSettings, Role
from worker.inquiry.panels import AWAY, UNREADABLE, Panel
from worker.operator import audit

T = TypeVar("T")

#: Characters of a query parameter that are read.
_ASKED_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Office:
    """What all pages of a process share.

    Attributes:
        settings: of the console.
        keys: key names.
        pseudonyms: those of this process.
        redis: client for reading and for scripts.
        hours: of marketing.
        producer: sends answers, pauses campaigns and so on.
        sessions: who is logged in.
        templates: all templates.
        links: what the navigation shows: path and words.
        reveals: who finds the number behind a reference, by the reference's first word.
    """

    settings: ConsoleSettings
    keys: Keys
    pseudonyms: KnownPseudonyms
    redis: redis.asyncio.Redis
    hours: Hours
    producer: AsyncProducer
    sessions: Sessions
    templates: jinja2.Environment
    links: tuple[tuple[str, str], ...]
    reveals: Mapping[str, "Reveal"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page, by somebody who is logged in and may ask for it.

    Attributes:
        request: as Starlette has it; path parameters are in ``request.path_params``.
        office: what all pages share.
        visitor: who asks.
        form: fields of a POST; empty for a GET.
    """

    request: Request
    office: Office
    visitor: Visitor
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> Keys:
        """Key names."""
        return self.office.keys

    @property
    def pseudonyms(self) -> KnownPseudonyms:
        """Those of this process."""
        return self.office.pseudonyms

    @property
    def here(self) -> str:
        """Path and query of this page: where to come back to."""
        url = self.request.url
        return url.path + (f"?{url.query}" if url.query else "")

    def asked(self, name: str) -> str:
        """Return a query parameter without spaces around it, or ``""``."""
        return self.request.query_params.get(name, "")[:_ASKED_MAX].strip()

    async def ask(self, steps: Steps[T]) -> T:
        """Carry out the steps of a question and return the answer."""
        return await adrive(steps, self.office.redis)

    async def panel(self, steps: Steps[T]) -> Panel[T]:
        """Ask for one part of a page; what goes wrong costs this part only, unless Redis is away."""
        try:
            return Panel(await self.ask(steps))
        except AWAY:
            raise
        except UNREADABLE as error:
            return Panel(None, error)

    async def audit(self, action: str, **about: str | int) -> None:
        """Append an entry to the audit stream; never with a text or a number in full.

        Decisions whose script has an audit entry of its own need none.
        """
        await audit.entry(self.keys, self.by, action, **about).arun(self.office.redis)

    @property
    def by(self) -> str:
        """Who acts, for the audit stream."""
        return f"{self.visitor.name}@console"

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Answer with a page; with 304 if the browser has it already.

        Args:
            template: name of the file.
            status: 200, or 422 for a form that has to be mended.
            **values: what the template reads, besides ``visit``.
        """
        shown = self.office.templates.get_template(template).render(visit=self, **values)
        return page_response(self.request, shown, status)

    async def done(self, path: str, notice: str = "") -> Response:
        """Answer an action: the browser goes on to a page that tells of it. Reloading repeats nothing.

        Args:
            path: of the console.
            notice: one sentence, or ``""``. Never a number in full.
        """
        if notice:
            await self.office.sessions.tell(self.visitor, notice)
        return see(path)


Handler = Callable[[Visit], Awaitable[Response]]
#: Finds the number that a reference names, such as the sender of a reply.
Reveal = Callable[[Visit, str], Steps[str | None]]


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page lies, and who may ask for it.

    Attributes:
        path: as Starlette writes it, such as ``/sends/{request_id}``.
        handler: answers a `Visit`.
        method: ``GET`` shows, ``POST`` acts.
        role: ``operator`` for what viewers may not do; the server refuses them, whatever the page hides.
    """

    path: str
    handler: Handler
    method: Literal["GET", "POST"] = "GET"
    role: Role = "viewer"


def step(command: Step) -> Steps[Any]:
    """Make the steps of a question that is one command."""
    return (yield command)


def see(path: str) -> Response:
    """Send the browser on to a page of the console."""
    return RedirectResponse(local_path(path), HTTPStatus.SEE_OTHER)


def page_response(request: Request, shown: str, status: int = 200) -> Response:
    """Make an answer of a page's text, with an ETag by which the live refresh asks for changes only."""
    body = shown.encode("utf-8", "replace")
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if status == HTTPStatus.OK and request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    headers = {"ETag": etag} if status == HTTPStatus.OK else {}
    return Response(body, status, headers, media_type="text/html; charset=utf-8")
