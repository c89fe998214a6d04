"""Where the shop takes orders, and Octopush's callbacks."""

from django.urls import include, path
from shop import views

urlpatterns = [
    path("orders/<int:number>", views.order),
    path("hooks/sms/", include("producers.django.urls")),
]
