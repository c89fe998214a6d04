"""Which variables a process gets: those of the machine, and those that its settings declare. Nothing else.

The callback server has no use for the key of the account, nor the worker for the callback tokens.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Final

from producers.contract.settings import Settings, WebSettings
from worker.api.settings import ApiSettings
from worker.console.settings import ConsoleSettings
from worker.mail.settings import MailSettings
from worker.metrics.settings import MetricsSettings
from worker.settings import WorkerSettings
from worker.webhooks.settings import WebhookSettings

#: Settings of the process types of the Procfile.
SETTINGS: Final[Mapping[str, type[Settings]]] = {
    "worker": WorkerSettings,
    "web": WebSettings,
    "api": ApiSettings,
    "metrics": MetricsSettings,
    "console": ConsoleSettings,
    "forward-http": WebhookSettings,
    "forward-email": MailSettings,
}
#: The variable without which there is nothing to do for a process type; the others are always wanted.
_WANTED_BY: Final = {
    "api": "API_TOKENS",
    "metrics": "METRICS_PORT",
    "console": "CONSOLE_TOKENS",
    "forward-http": "WEBHOOK_URL",
    "forward-email": "MAIL_URL",
}
#: Settings of the sandbox, and of who sends into it: whoever tries it at night wants to see things leave.
ANY_HOUR: Final[Mapping[str, str]] = {"MARKETING_HOURS_FR": "off", "MARKETING_HOURS_OTHER": "off"}
#: What programs need of a machine: where things are, language, terminal, how to reach the network.
_OF_THE_MACHINE: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|COLUMNS"
    r"|PYTHON\w*|VIRTUAL_ENV|LD_LIBRARY_PATH|DYLD_\w+|SSL_CERT_FILE|SSL_CERT_DIR|(?i:\w+_proxy)"
)
#: Variables that the libraries of traces and of Sentry read themselves. Some hold keys of a collector.
_OF_TELEMETRY: Final = re.compile(r"(OTEL|SENTRY)_\w+", re.ASCII)
_IN_SHELL: Final = re.compile(r"\$\{(\w+)")


def of_the_machine(environ: Mapping[str, str]) -> dict[str, str]:
    """Keep the variables that any program may see."""
    return {name: value for name, value in environ.items() if _OF_THE_MACHINE.fullmatch(name)}


def configured(environ: Mapping[str, str]) -> list[str]:
    """List the process types that an environment configures, in the order of the Procfile."""
    return [each for each in SETTINGS if each not in _WANTED_BY or environ.get(_WANTED_BY[each], "").strip()]


def of_process(process_type: str, command: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Keep the variables that a process of the Procfile may see.

    Args:
        process_type: one of `SETTINGS`.
        command: the shell line of the process, which may name variables, too.
        environ: all variables.
    """
    names = {field.metadata["variable"] for field in dataclasses.fields(SETTINGS[process_type])}
    names.update(_IN_SHELL.findall(command))
    if process_type == "worker":
        names.update(filter(_OF_TELEMETRY.fullmatch, environ))
    return of_the_machine(environ) | {name: environ[name] for name in names if name in environ}
