"""The secret of each forwarder, made from those in the settings: nothing to keep, none tells of another."""

import base64
import hashlib
import hmac
from typing import Final

from producers.contract.secret import Secret
from producers.errors import ConfigError
from worker.webhooks.settings import WebhookSettings

_PURPOSE: Final = b"octopush-worker webhook "


def secrets_of(settings: WebhookSettings, name: str) -> list[str]:
    """Make the secrets of a forwarder, one from each of ``WEBHOOK_SECRETS``, in their order.

    Args:
        settings: of the environment.
        name: of the forwarder.

    Returns:
        Secrets as Standard Webhooks writes them: ``whsec_`` and base64.

    Raises:
        ConfigError: there is none to make them from.
    """
    if not settings.secrets:
        raise ConfigError({"WEBHOOK_SECRETS": "is required"})
    return [_secret(root, name) for root in settings.secrets]


def _secret(root: Secret, name: str) -> str:
    made = hmac.digest(root.reveal().encode(), _PURPOSE + name.encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(made).decode()
