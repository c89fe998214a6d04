"""What the application of a test finds around it: its environment, and no trace of other tests."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

#: Marketing leaves at any hour where the application does not say otherwise: no test depends on the hour.
_ANY_HOUR: Final = {"MARKETING_HOURS_FR": "off", "MARKETING_HOURS_OTHER": "off"}
#: Keeps a producer, settings and an outage for the process; loaded by an application of Django only.
_KEPT_BY: Final = f"{__name__.rpartition('.testing')[0]}.django.sending"


@contextmanager
def surroundings(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment until the end of the block.

    Args:
        variables: beside those by which marketing leaves at any hour, unless these are set.
    """
    lacking = {name: value for name, value in _ANY_HOUR.items() if not os.environ.get(name)}
    set_here = {**lacking, **variables}
    before = {name: os.environ.get(name) for name in set_here}
    os.environ.update(set_here)
    _begin_anew()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _begin_anew()


def _begin_anew() -> None:
    """Let an application of Django read these variables, and hand over although Redis was just away."""
    if (sending := sys.modules.get(_KEPT_BY)) is not None:
        sending.begin_anew()
