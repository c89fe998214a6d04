"""The pseudonyms of a test: those that every process makes which shares the test's Redis."""

import redis

from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.pseudonyms import Pseudonyms
from producers.contract.settings import RedisSettings
from producers.contract.steps import drive


def pseudonyms(client: redis.Redis, settings: RedisSettings | None = None) -> Pseudonyms:
    """Make pseudonyms with the keys of the settings, and that of Redis."""
    return drive(KnownPseudonyms(settings or RedisSettings()).read(), client)
