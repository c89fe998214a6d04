"""Take Octopush's callbacks in a Django project: include these urlpatterns."""

import logging

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from producers.callbacks import BODY_MAX_BYTES, CallbackIntake

intake = CallbackIntake.from_env()

# Django logs the path of every answer from 400 up, and with it the token.
logging.getLogger("django.request").addFilter(lambda record: "/callbacks/" not in record.getMessage())


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def callback(request: HttpRequest, token: str, kind: str | None = None) -> HttpResponse:
    """Store one callback and answer without content."""
    status = intake.check_url(token, kind)
    if request.method != "POST" or status != 200:
        return HttpResponse(status=status)
    body = request.read(BODY_MAX_BYTES + 1)
    return HttpResponse(status=intake.accept_callback(token, body, kind))


urlpatterns = [
    path("callbacks/<str:token>", callback),
    path("callbacks/<str:token>/", callback),
    path("callbacks/<str:token>/<str:kind>", callback),
    path("callbacks/<str:token>/<str:kind>/", callback),
]
