"""Where Octopush calls: ``path("callbacks/", include("producers.django.urls"))``.

Whoever imports this keeps the token, which is a part of the path, out of the access logs of this process.
"""

from django.urls import path

from .callbacks import callback
from .log_filter import hide_callbacks

urlpatterns = [
    path("<str:token>", callback),
    path("<str:token>/", callback),
    path("<str:token>/<str:kind>", callback),
    path("<str:token>/<str:kind>/", callback),
]

hide_callbacks()
