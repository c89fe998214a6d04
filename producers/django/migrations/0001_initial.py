"""The tables of the outbox and of events that were handled."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes both."""

    initial = True

    dependencies = ()

    operations = [
        migrations.CreateModel(
            name="OutboxRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("request_id", models.CharField(max_length=36, unique=True)),
                ("payload", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, default="", max_length=500)),
            ],
            options={
                "verbose_name": "SMS of a transaction",
                "verbose_name_plural": "SMS of transactions",
                "db_table": "sms_outbox",
            },
        ),
        migrations.CreateModel(
            name="HandledEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("group", models.CharField(max_length=200)),
                ("event_id", models.CharField(max_length=64)),
                ("handled_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "sms_handled_event",
                "constraints": [
                    models.UniqueConstraint(fields=("group", "event_id"), name="sms_handled_once")
                ],
            },
        ),
    ]
