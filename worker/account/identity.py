"""To which account a namespace belongs: two accounts must never send from one queue."""

from typing import Final

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.scripts import Command, Script
from producers.contract.steps import Steps
from worker.settings import WorkerSettings

_BIND: Final = Script(__package__, "bind_account", when_full=True)


def names_of(login: str, known: Pseudonyms) -> list[str]:
    """Name a login without showing it, under every key of pseudonyms; no number has such a name."""
    return known.all_of("login " + login.strip().lower())


def binding(settings: WorkerSettings) -> Steps[bool]:
    """Bind the namespace to the account of the settings, if it belongs to none. Safe to repeat.

    The login is the account; its API key may change at any time.

    Returns:
        Whether the namespace belongs to this account.

    Raises:
        WrongPseudonymKeys: as `KnownPseudonyms.read`.
    """
    login = settings.api_login.reveal()

    def bind(known: Pseudonyms) -> Command[bool]:
        given = {"logins": names_of(login, known)}
        return Command(_BIND, Keys(settings.namespace).prefix, given, bool)

    return KnownPseudonyms(settings).run(bind)
