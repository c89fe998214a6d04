"""To which account a namespace belongs: two accounts must never send from one queue."""

from typing import Final

import redis

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.scripts import Command, Script
from producers.contract.steps import Steps, drive
from worker.settings import WorkerSettings

_BIND: Final = Script(__package__, "bind_account", when_full=True)


def names_of(login: str, known: Pseudonyms) -> list[str]:
    """Name a login without showing it, under every key of pseudonyms; no number has such a name."""
    return known.all_of("login " + login.strip().lower())


def binding(settings: WorkerSettings) -> Steps[str]:
    """Bind the namespace to the account of the settings, if it belongs to none. Safe to repeat.

    The login is the account; its API key may change at any time.

    Returns:
        The pseudonym under which the namespace belongs to this account; ``""`` if it does not.

    Raises:
        WrongPseudonymKeys: as `KnownPseudonyms.read`.
    """
    login = settings.api_login.reveal()

    def bind(known: Pseudonyms) -> Command[str]:
        given = {"logins": names_of(login, known)}
        return Command(_BIND, Keys(settings.namespace).prefix, given, bytes.decode)

    return KnownPseudonyms(settings).run(bind)


class Account:
    """The account of this process. Each claim compares it with the one that the namespace belongs to.

    Attributes:
        name: the pseudonym under which the namespace belonged to it when it was bound last.
    """

    def __init__(self, settings: WorkerSettings, client: redis.Redis) -> None:
        self._settings, self._redis = settings, client
        self.name = ""

    def bind(self) -> bool:
        """Bind the namespace to it, if it belongs to none, and learn its name. Safe to repeat.

        Returns:
            Whether the namespace belongs to it.

        Raises:
            redis.RedisError: Redis did not answer.
            WrongPseudonymKeys: Redis needs a key that this process lacks.
        """
        name = drive(binding(self._settings), self._redis)
        self.name = name or self.name
        return bool(name)
