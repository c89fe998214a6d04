"""The application, as Django knows it."""

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import request_started, setting_changed

from . import callbacks, sending
from .checks import check_callbacks, check_settings


class OctopushConfig(AppConfig):
    """Tables for the outbox and for remembered events, commands, and checks of the settings."""

    # The wheel has this package under a second name.
    name = __package__
    label = "octopush"
    verbose_name = "SMS through Octopush"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let ``manage.py check`` see settings, tests change them, the first request empty the spool."""
        register(check_settings, self.label)
        register(check_callbacks, self.label, deploy=True)
        setting_changed.connect(sending.settings_changed)
        request_started.connect(callbacks.open_intake)
