"""Take Octopush's callbacks in a Django project: include these urlpatterns."""

import logging
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from producers.callbacks import BODY_MAX_BYTES, CallbackIntake

# Paths hold the token: Django logs those of answers from 400 up, and servers log all.
for name in ("django.request", "django.server", "gunicorn.access", "uvicorn.access"):
    logging.getLogger(name).addFilter(lambda record: "/callbacks/" not in record.getMessage())


@cache
def intake() -> CallbackIntake:
    """Make the intake with the first callback: whoever only imports this module needs no token."""
    return CallbackIntake.from_env()


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def callback(request: HttpRequest, token: str, kind: str | None = None) -> HttpResponse:
    """Store one callback and answer without content."""
    status = intake().check_url(token, kind)
    if request.method != "POST" or status != 200:
        return HttpResponse(status=status)
    body = request.read(BODY_MAX_BYTES + 1)
    return HttpResponse(status=intake().accept_callback(token, body, kind))


urlpatterns = [
    path("callbacks/<str:token>", callback),
    path("callbacks/<str:token>/", callback),
    path("callbacks/<str:token>/<str:kind>", callback),
    path("callbacks/<str:token>/<str:kind>/", callback),
]
