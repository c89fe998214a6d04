"""The view that takes Octopush's callbacks."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from django.core.signals import request_started
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ..callbacks import BODY_MAX_BYTES, CallbackIntake
from ..errors import ConfigError
from .log_filter import mounted_at
from .per_process import OnePerProcess
from .settings import takes_callbacks, web_settings


def _intake() -> CallbackIntake:
    return CallbackIntake(web_settings())


#: The intake of this process; tests that change ``OCTOPUSH`` let it forget.
intake: Final = OnePerProcess(_intake)


def open_intake(**_: Any) -> None:
    """Begin to empty the spool with the first request of this process, whatever that asks for.

    What an earlier process has kept on the disk would lie there until the next callback, perhaps for hours.
    No command of ``manage.py`` has a request, and a server that forks has done so by then.
    """
    request_started.disconnect(open_intake)
    # `manage.py check` names wrong settings, and so does the view.
    with suppress(ConfigError):
        if takes_callbacks():
            intake().start()


@csrf_exempt
@transaction.non_atomic_requests
@require_http_methods(["GET", "HEAD", "POST"])
def callback(request: HttpRequest, token: str, kind: str | None = None) -> HttpResponse:
    """Store one callback and answer without content."""
    mounted_at(request.path_info, parts=1 if kind is None else 2)
    status = intake().check_url(token, kind)
    if request.method != "POST" or status != HTTPStatus.OK:
        return HttpResponse(status=status)
    body = request.read(BODY_MAX_BYTES + 1)
    return HttpResponse(status=intake().accept_callback(token, body, kind))
