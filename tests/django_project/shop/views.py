"""Takes an order."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from producers.django import send_in_transaction
from shop.models import Order


@csrf_exempt
def order(request: HttpRequest, number: int) -> HttpResponse:
    """Write an order and its SMS in the one transaction of the request (ATOMIC_REQUESTS)."""
    Order.objects.create(number=number)
    request_id = send_in_transaction(
        request.POST["phone"],
        f"Order {number}: do you come?",
        sender="Bistro",
        purpose="alert",
        with_replies=True,
        request_id=f"order-{number}",
        context={"order": number},
    )
    if "fail" in request.POST:
        raise ValueError(number)
    return HttpResponse(request_id)
