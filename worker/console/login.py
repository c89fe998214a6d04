"""Logging in and out: the only pages that somebody sees who is not logged in."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from worker.console.doors import is_loopback
from worker.console.forms import local_path, read_form
from worker.console.page import Office, Visit, page_response, see
from worker.console.refusals import Refusal
from worker.console.sessions import FAILURES_S, SESSION_S, TooManyFailures
from worker.operator import audit

#: The prefix lets browsers take the cookie over TLS only, and from this host only.
_COOKIE: Final = "__Host-octopush"
#: On this machine there may be no TLS.
_PLAIN_COOKIE: Final = "octopush"


def cookie_of(request: Request) -> str:
    """Return the session that a browser names, or ``""``."""
    return request.cookies.get(_cookie_name(request), "")


async def show_login(request: Request, office: Office) -> Response:
    """Show the form."""
    return _form(request, office, local_path(request.query_params.get("next", "/")))


async def log_in(request: Request, office: Office) -> Response:
    """Begin a session, or show the form again with what is wrong."""
    form = await read_form(request)
    further = local_path(form.get("next", "/"))
    if _travels_in_clear(request):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "The console is open over https only, except on the machine it runs on. Nothing was checked; "
            "a token that has travelled in clear should be replaced.",
            back="/login",
        )
    address = request.client.host if request.client else ""
    try:
        entered = await office.sessions.log_in(address, form.get("token", "").strip())
    except TooManyFailures:
        words = "Too many tries from this address. Wait a minute, then try again."
        answer = _form(request, office, further, words, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(FAILURES_S)
        return answer
    if entered is None:
        return _form(request, office, further, "Nobody has this token.", HTTPStatus.UNAUTHORIZED)
    token, cookie = entered
    await audit.entry(office.keys, f"{token.name}@console", "login", role=token.role).arun(office.redis)
    answer = see(further)
    answer.set_cookie(
        _cookie_name(request),
        cookie,
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=not _is_plain(request),
    )
    return answer


async def log_out(visit: Visit) -> Response:
    """End this session, or all sessions of this person."""
    if visit.form.get("everywhere"):
        await visit.office.sessions.log_out_everywhere(visit.visitor)
    else:
        await visit.office.sessions.log_out(visit.visitor)
    await visit.audit("logout", everywhere=int(bool(visit.form.get("everywhere"))))
    answer = see("/login")
    answer.delete_cookie(
        _cookie_name(visit.request),
        httponly=True,
        samesite="strict",
        secure=not _is_plain(visit.request),
    )
    return answer


def ask_to_log_in(request: Request, office: Office) -> Response:
    """Answer somebody without a session.

    Browsers keep the cookie to themselves when a link elsewhere, in a mail for instance, leads here. Then a
    page of ours asks once more, and the browser hands it over.
    """
    if request.method == "POST":
        raise Refusal(
            HTTPStatus.UNAUTHORIZED, "Your session has ended. Nothing was done. Log in again.", back="/login"
        )
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("sec-fetch-site") == "cross-site":
        return page_response(request, office.templates.get_template("arriving.html").render(here=here))
    if "x-live" in request.headers:
        return Response(status_code=HTTPStatus.UNAUTHORIZED)
    return see("/login" if here == "/" else f"/login?next={quote(here, safe='/')}")


def _form(
    request: Request, office: Office, further: str, problem: str = "", status: int = HTTPStatus.OK
) -> Response:
    template = office.templates.get_template("login.html")
    return page_response(request, template.render(visit=None, further=further, problem=problem), status)


def _is_plain(request: Request) -> bool:
    return request.url.scheme == "http" and is_loopback(request.headers["host"])


def _cookie_name(request: Request) -> str:
    return _PLAIN_COOKIE if _is_plain(request) else _COOKIE


def _travels_in_clear(request: Request) -> bool:
    """Say whether the browser came without TLS; its word counts, for a proxy may have taken TLS off."""
    return not _is_plain(request) and not request.headers.get("origin", "").startswith("https:")
