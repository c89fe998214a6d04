"""Whose namespace this is, and which keys of pseudonyms are needed: settings that fit what runs already."""

from collections.abc import Iterator, Mapping
from typing import Final

import redis

from producers.contract.keys import Keys
from producers.contract.pseudonyms import Pseudonyms, key_id, read_key
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands
from worker.account.identity import names_of
from worker.doctor.findings import Finding, error, ok, warning

_KEYS: Final = "privacy.md#pseudonyms"
_CHANGE: Final = "privacy.md#to-change-the-key"
_ACCOUNT: Final = "accounts.md#no-mix-up"


def look(client: redis.Redis, settings: RedisSettings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Compare keys and login with what Redis has noted; neither is shown.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    keys = Keys(settings.namespace)
    asked = [("HMGET", keys.pseudonyms, "made", "ids"), ("GET", keys.account)]
    (made, ids), bound = Commands(asked).run(client)
    own = [read_key(each.reveal()) for each in settings.pseudonym_keys]
    every = [*own, *([read_key(made.decode())] if made else [])]
    noted = set((ids or b"").decode().split())
    lacking = noted - {key_id(each) for each in every}
    yield _of_keys(lacks=bool(lacking), is_new=bool(own and noted and key_id(own[0]) not in noted))
    login = environ.get("OCTOPUSH_API_LOGIN", "").strip()
    if login and bound and not lacking:
        yield _of_login(is_ours=bound.decode() in names_of(login, Pseudonyms(every)))


def _of_keys(*, lacks: bool, is_new: bool) -> Finding:
    if lacks:
        said = "PSEUDONYM_KEYS here lacks keys under which something was written: no process starts."
        return error("account.pseudonyms", said, "Give it the keys that the other processes have.", _KEYS)
    if is_new:
        said = "PSEUDONYM_KEYS here begins with a key under which nothing was ever written."
        do = "See that every process and application has that key, too: those without it stop."
        return warning("account.pseudonyms", said, do, _CHANGE)
    return ok("account.pseudonyms", "PSEUDONYM_KEYS has every key under which something was written.")


def _of_login(*, is_ours: bool) -> Finding:
    if is_ours:
        return ok("account.login", "The namespace belongs to the account of OCTOPUSH_API_LOGIN.")
    said = "The namespace belongs to another account than that of OCTOPUSH_API_LOGIN: no worker starts."
    do = "Mend OCTOPUSH_API_LOGIN or SMS_NAMESPACE; octopush-worker account unbind gives it away."
    return error("account.login", said, do, _ACCOUNT)
