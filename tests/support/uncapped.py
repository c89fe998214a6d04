"""Tests text the same few numbers over and over: no number has a cap, but in tests of the caps."""

import dataclasses
from collections.abc import MutableMapping
from typing import Final

from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from worker.settings import WorkerSettings

#: The variables, for processes that tests start.
UNCAPPED: Final = {"NUMBER_ALERTS_PER_HOUR": "0", "NUMBER_ALERTS_PER_DAY": "0", "PREFIX_PER_HOUR": "0"}


def uncapped(environ: MutableMapping[str, str]) -> None:
    """Let nothing be too much for a number, in this process and in those that get its environment.

    What the settings declare as their defaults stays: other tests compare it with the papers.
    """
    environ.update(UNCAPPED)
    for kind in (RulesSettings, ProducerSettings, WorkerSettings):
        for field in dataclasses.fields(kind):
            if field.metadata["variable"] in UNCAPPED:
                kind.__init__.__kwdefaults__[field.name] = 0
