"""The variables of this installation: who reads which, and which belong together."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from producers.contract.settings import RedisSettings, Settings, WebSettings
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from worker.api.settings import ApiSettings
from worker.console.settings import ConsoleSettings
from worker.mail.settings import MailInSettings, MailSettings
from worker.settings import WorkerSettings
from worker.webhooks.settings import WebhookSettings

#: What each process reads. A process is set up in an environment that has the variable behind its name.
PROCESSES: Final[Mapping[str, tuple[type[Settings], str]]] = {
    "worker": (WorkerSettings, "OCTOPUSH_API_KEY"),
    "web": (WebSettings, "CALLBACK_TOKENS"),
    "api": (ApiSettings, "API_TOKENS"),
    "console": (ConsoleSettings, "CONSOLE_TOKENS"),
    "forward-http": (WebhookSettings, "WEBHOOK_SECRETS"),
    "forward-email": (MailSettings, "MAIL_URL"),
    "mail-in": (MailInSettings, "MAIL_IN_SENDERS"),
}
#: What applications and every process read.
SHARED: Final = (ProducerSettings, RulesSettings, RedisSettings)

#: Read by the Procfile and by the sandbox, and declared nowhere else.
_SHELL: Final = (
    *("WORKER_PROCESSES", "WORKER_THREADS", "CONSOLE_BIND", "CONSOLE_PORT", "HOST", "PORT"),
    "SANDBOX_SERVER",
)
#: Beginnings of names that nobody else uses.
OURS: Final = (
    *("OCTOPUSH_", "CALLBACK_", "MARKETING_", "OPTOUT_", "OPTIN_", "PSEUDONYM_", "SMS_", "MAIL_IN_"),
    *("WEBHOOK_", "BUDGET_", "STREAM_", "SHARED_CALL_", "SUPPRESSION_", "CONSENT_"),
)


def names_of(settings: type[Settings]) -> frozenset[str]:
    """Name the variables that a class of settings reads."""
    return frozenset(field.metadata["variable"] for field in dataclasses.fields(settings))


#: Every variable that anything of ours reads.
KNOWN: Final = frozenset(_SHELL).union(
    *(names_of(kind) for kind, _ in PROCESSES.values()), *map(names_of, SHARED)
)
#: Variables that mean nothing unless another is set.
NEEDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("CONSOLE_HOSTS", "CONSOLE_SENDER"), "CONSOLE_TOKENS"),
    **dict.fromkeys(("API_HOST", "API_PORT", "API_RATE_PER_S"), "API_TOKENS"),
    **dict.fromkeys(("MAIL_FROM", "MAIL_TO", "MAIL_ROUTES", "MAIL_NUMBERS"), "MAIL_URL"),
    **dict.fromkeys(("CALLBACK_ALLOWED_ADDRESSES", "CALLBACK_SPOOL_MIB"), "CALLBACK_TOKENS"),
    **dict.fromkeys(("WEBHOOK_NAME", "WEBHOOK_STREAMS"), "WEBHOOK_URL"),
    **dict.fromkeys(("SEND_RATE_PER_S", "SEND_IN_FLIGHT", "WORKER_CALLS"), "OCTOPUSH_API_KEY"),
    "MAIL_SECRET": "MAIL_REPLY_DOMAIN",
    "CONSENT_DAYS": "REQUIRE_CONSENT",
}
