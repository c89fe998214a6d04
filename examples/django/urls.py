"""Where the restaurant takes bookings, and Octopush's callbacks."""

from bookings import views
from django.urls import include, path

urlpatterns = [
    path("book", views.book),
    path("callbacks/", include("producers.django.urls")),
]
