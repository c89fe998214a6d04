"""Carries out replays of all that match, beside the pages. A console goes on where another died."""

import asyncio
import logging
from typing import Final

import redis.asyncio

from producers.contract.scripts import REDIS_ERRORS
from producers.contract.steps import adrive
from worker.operator.bulk import Bulk

#: Seconds between two looks for a job.
_LOOK_S: Final = 1.0
#: Seconds between two batches: leaves Redis to those who cannot wait.
_PACE_S: Final = 0.02

_LOG: Final = logging.getLogger("worker.console")


async def run_jobs(bulk: Bulk, client: redis.asyncio.Redis) -> None:
    """Work off whatever job there is until cancelled. To be cut off at any step does no harm."""
    while True:
        busy = False
        try:
            busy = await adrive(bulk.work(), client)
        except (*REDIS_ERRORS, OSError):
            pass  # Redis is away: the job waits there.
        except Exception as error:  # noqa: BLE001 - one bad job must not end the others; its text may hold a value
            _LOG.error("a replay of all that match failed with %s", type(error).__name__)
        await asyncio.sleep(_PACE_S if busy else _LOOK_S)
