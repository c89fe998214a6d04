"""An application of Django: add ``"producers.django"`` to ``INSTALLED_APPS``. docs/django.md shows it.

from producers.django import send_in_transaction

with transaction.atomic():
    order.save()
    send_in_transaction(order.number, "Your order is ready.", sender="Bistro", purpose="alert")
"""

from .numbers import to_e164
from .sending import get_producer, send_in_transaction, send_on_commit

__all__ = ["get_producer", "send_in_transaction", "send_on_commit", "to_e164"]
