"""Bare HTTP clients: the same POSTs as every candidate's, without any queue. The floor of the costs.

    python -m tests.benchmarks.clients KIND --messages 10000 --in-flight 64

Stays until its standard input closes, so that its CPU can be read at the end.
"""

import argparse
import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import aiohttp
import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

from tests.benchmarks.peers.job import HEADERS, URL, bodies, ticket

Post = Callable[[bytes], Awaitable[None]]


def threads(waiting: Iterator[str], in_flight: int) -> None:
    """A client of its own per thread."""
    lock = threading.Lock()
    tls = httpx.create_ssl_context()

    def work() -> None:
        with httpx.Client(headers=HEADERS, verify=tls, trust_env=False, timeout=10) as client:
            while True:
                with lock:
                    body = next(waiting, None)
                if body is None:
                    return
                response = client.post(URL, content=body.encode())
                ticket(response.status_code, response.content)

    running = [threading.Thread(target=work) for _ in range(in_flight)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def _httpx_post(client: httpx.AsyncClient) -> Post:
    async def post(body: bytes) -> None:
        response = await client.post(URL, content=body)
        ticket(response.status_code, response.content)

    return post


async def shared(stack: AsyncExitStack, in_flight: int) -> list[Post]:
    """One asynchronous client with httpx's own pool for all."""
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    client = httpx.AsyncClient(headers=HEADERS, limits=limits, trust_env=False, timeout=10)
    return [_httpx_post(await stack.enter_async_context(client))] * in_flight


async def sharded(stack: AsyncExitStack, in_flight: int) -> list[Post]:
    """As many asynchronous clients as calls, with one connection each."""
    tls = httpx.create_ssl_context()
    posts = []
    for _ in range(in_flight):
        client = httpx.AsyncClient(
            headers=HEADERS, limits=httpx.Limits(max_connections=1), verify=tls, trust_env=False, timeout=10
        )
        posts.append(_httpx_post(await stack.enter_async_context(client)))
    return posts


async def over_aiohttp(stack: AsyncExitStack, in_flight: int) -> list[Post]:
    """One asynchronous httpx client whose transport is aiohttp's."""
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight))
    )
    client = httpx.AsyncClient(transport=AiohttpTransport(client=session), headers=HEADERS, timeout=10)
    return [_httpx_post(await stack.enter_async_context(client))] * in_flight


async def bare_transport(stack: AsyncExitStack, in_flight: int) -> list[Post]:
    """That transport without a client before it: how the worker calls it."""
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight))
    )
    transport = AiohttpTransport(client=session)
    url, headers = httpx.URL(URL), httpx.Headers(HEADERS)
    timeout = {"timeout": httpx.Timeout(10).as_dict()}

    async def post(body: bytes) -> None:
        request = httpx.Request("POST", url, headers=headers, content=body, extensions=timeout)
        response = await transport.handle_async_request(request)
        ticket(response.status_code, await response.aread())

    return [post] * in_flight


async def bare_aiohttp(stack: AsyncExitStack, in_flight: int) -> list[Post]:
    """One aiohttp session, without httpx's interface."""
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight), headers=HEADERS)
    )

    async def post(body: bytes) -> None:
        async with session.post(URL, data=body) as response:
            ticket(response.status, await response.read())

    return [post] * in_flight


#: Kinds of client that share one event loop.
LOOPS = {
    "shared": shared,
    "sharded": sharded,
    "httpx-aiohttp": over_aiohttp,
    "httpx-transport": bare_transport,
    "aiohttp": bare_aiohttp,
}


async def _run_loop(kind: str, waiting: Iterator[str], in_flight: int) -> None:
    async with AsyncExitStack() as stack:
        posts = await LOOPS[kind](stack, in_flight)

        async def work(post: Post) -> None:
            for body in waiting:
                await post(body.encode())

        await asyncio.gather(*map(work, posts))


def main() -> None:
    """POST so many messages and wait to be ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["threads", *LOOPS])
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--in-flight", type=int, default=64)
    options = parser.parse_args()
    waiting = iter(list(bodies(options.messages)))
    if options.kind == "threads":
        threads(waiting, options.in_flight)
    else:
        uvloop.run(_run_loop(options.kind, waiting, options.in_flight))
    sys.stdin.read()


if __name__ == "__main__":
    main()
