"""The first tables."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Make them."""

    initial = True
    operations = [
        migrations.CreateModel(
            "Guest",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=16, unique=True)),
                ("wants_offers", models.BooleanField(default=True)),
                ("said_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            "Booking",
            [
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("confirmed", models.BooleanField(default=False)),
                ("sms_state", models.CharField(blank=True, default="", max_length=9)),
                ("sms_code", models.TextField(blank=True, default="")),
                ("sms_state_at", models.DateTimeField(null=True)),
                ("delivery", models.CharField(blank=True, default="", max_length=11)),
                (
                    "guest",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="bookings.guest"),
                ),
            ],
        ),
    ]
