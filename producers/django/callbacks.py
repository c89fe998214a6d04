"""The view that takes Octopush's callbacks."""

import logging
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
from .in_tests import refuse_in_tests
from .log_filter import mounted_at
from .per_process import OnePerProcess
from .settings import said, takes_callbacks, web_settings

_log = logging.getLogger("producers.django.callbacks")


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
    """Store one callback and answer without content.

    The line that Django writes of an error has the token in it, and is dropped: so the view writes one.
    """
    mounted_at(request.path_info, parts=1 if kind is None else 2)
    try:
        return HttpResponse(status=_status(request, token, kind))
    except ConfigError as error:
        _log.error("a callback was answered 500: %s", "; ".join(said(error.problems)))
        return HttpResponse(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    except Exception as error:
        # Its text may hold what was sent.
        _log.error("a callback was answered 500: %s", type(error).__name__)
        raise


def _status(request: HttpRequest, token: str, kind: str | None) -> int:
    status = intake().check_url(token, kind)
    if request.method != "POST" or status != HTTPStatus.OK:
        return status
    refuse_in_tests()
    return intake().accept_callback(token, request.read(BODY_MAX_BYTES + 1), kind)
