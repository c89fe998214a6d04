"""Whether this release serves the layout of the data in Redis: asked by whoever reads without a script."""

from typing import Final

from .keys import Keys
from .scripts import Command, Script

_SERVES: Final = Script(__package__, "serves", when_full=True)


def serving(keys: Keys) -> Command[int]:
    """Ask for the layout of the data; one round trip, safe to repeat.

    The call fails as every script does if the layout is newer than this release serves:
    `producers.contract.outages.what_is_refused` has the words.
    """
    return Command(_SERVES, keys.prefix, {}, int)
