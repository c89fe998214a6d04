"""What commands have in common that take no callbacks."""

from typing import Any

from django.core.management.base import BaseCommand

from ..checks import without_callbacks


class SendingCommand(BaseCommand):
    """Runs all checks of the project but those of callbacks, which only its web processes take."""

    def check(self, *args: Any, **options: Any) -> None:
        """Run the checks, as Django does before the command."""
        with without_callbacks():
            super().check(*args, **options)
