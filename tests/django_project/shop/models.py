"""What the shop keeps."""

from django.db import models


class Order(models.Model):
    """An order, whose customer is told of it."""

    number = models.IntegerField(unique=True)
    answer = models.TextField(default="")
    #: How often an answer had its effect.
    answers = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"order {self.number}"
