"""arq: one event loop, httpx over the httpx-aiohttp transport, no results kept, hiredis.

httpx's own asynchronous pool would halve it at 64 calls in flight. The poll of half a second is set to ten
milliseconds and reads more than the default of five jobs per slot: both make it faster.
"""

import asyncio
import sys
from typing import Any

import httpx
from aiohttp import ClientSession, TCPConnector
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import run_worker
from httpx_aiohttp import AiohttpTransport
from job import HEADERS, REDIS_URL, URL, bodies, ticket

CALLS = int(sys.argv[2])


async def send(ctx: dict[str, Any], body: str) -> None:
    """Do the job."""
    response = await ctx["client"].post(URL, content=body.encode())
    ticket(response.status_code, response.content)


async def _open(ctx: dict[str, Any]) -> None:
    session = ClientSession(connector=TCPConnector(limit=CALLS))
    ctx["client"] = httpx.AsyncClient(transport=AiohttpTransport(client=session), headers=HEADERS, timeout=10)


class Settings:
    """What arq reads."""

    functions = (send,)
    redis_settings = RedisSettings.from_dsn(REDIS_URL)
    on_startup = _open
    max_jobs = CALLS
    poll_delay = 0.01
    queue_read_limit = max(1000, CALLS * 5)
    keep_result = 0
    health_check_interval = 3600


async def _enqueue(count: int) -> None:
    pool = await create_pool(RedisSettings.from_dsn(REDIS_URL))
    waiting = list(bodies(count))
    for start in range(0, count, 200):
        await asyncio.gather(*(pool.enqueue_job("send", body) for body in waiting[start : start + 200]))
    await pool.aclose()


if __name__ == "__main__":
    if sys.argv[1] == "work":
        run_worker(Settings)
    else:
        asyncio.run(_enqueue(CALLS))
