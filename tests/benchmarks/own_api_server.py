"""The API's process as `own_api` measures it: as operators run it, with a probe beside it in its event loop.

    python -m tests.benchmarks.own_api_server PROBE

The probe sleeps again and again, and writes a line to the file PROBE each time it is woken late: when, by
CLOCK_MONOTONIC, how many ns late, and how many ns of CPU this process used meanwhile. Where the CPU is much
less than the time, it was not the process that kept the loop, but another one that had the processor.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Final

import uvicorn

from worker.api.server import make_server
from worker.api.settings import ApiSettings

#: Nanoseconds of a sleep, and from which lateness on a line is written.
_SLEEP_NS: Final = 2_000_000
_LATE_NS: Final = 1_000_000


async def _probe(path: Path) -> None:
    with path.open("w", encoding="utf-8", buffering=1) as file:
        while True:
            began, cpu = time.monotonic_ns(), time.process_time_ns()
            await asyncio.sleep(_SLEEP_NS / 1e9)
            now = time.monotonic_ns()
            late = now - began - _SLEEP_NS
            if late > _LATE_NS:
                file.write(f"{now} {late} {time.process_time_ns() - cpu}\n")


async def _serve(server: uvicorn.Server, path: Path) -> None:
    probe = asyncio.create_task(_probe(path))
    await server.serve()
    probe.cancel()


if __name__ == "__main__":
    made = make_server(ApiSettings.from_env(os.environ))
    with asyncio.Runner(loop_factory=made.config.get_loop_factory()) as runner:
        runner.run(_serve(made, Path(sys.argv[1])))
