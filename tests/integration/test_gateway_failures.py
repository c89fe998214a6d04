"""What goes wrong on real sockets: only what surely never left may be called not sent.

A server here answers each connection with a script of its own; what it has read is what has left the worker.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

import pytest

from worker.gateway.answers import ANSWER_MAX_BYTES
from worker.gateway.client import Gateway
from worker.gateway.outcomes import Accepted, Deferred, Outcome, Unknown
from worker.settings import WorkerSettings

BODY = json.dumps(
    {"recipients": [{"phone_number": "+33612345678"}], "text": "Hi", "request_id": "a"}
).encode()
OK = b'{"sms_ticket":"t1"}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(OK), OK)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Script = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Serves each connection by the next script; the last one serves all that follow."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(asyncio.current_task())
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await script(self, reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def ended(self) -> None:
        """Wait until all connections are closed."""
        await asyncio.gather(*(task for task in self._open if task))

    async def request(self, reader: asyncio.StreamReader) -> None:
        """Read one whole request."""
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self.requests.append(await reader.readexactly(int(length.split(b":")[1])))


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection with RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def answers(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await server.request(reader)
        writer.write(ANSWER)


async def answers_once_and_closes(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(ANSWER)
    await writer.drain()


async def answers_once_and_resets_the_next(server, reader, writer) -> None:
    await answers_once_and_closes(server, reader, writer)
    await server.request(reader)
    await reset(writer)


async def answers_once_and_closes_on_the_next(server, reader, writer) -> None:
    await answers_once_and_closes(server, reader, writer)
    await server.request(reader)


async def closes_at_once(server, reader, writer) -> None:
    pass


async def resets_at_once(server, reader, writer) -> None:
    await reset(writer)


async def resets_within_the_request(server, reader, writer) -> None:
    await reader.readuntil(b"\r\n")
    await reset(writer)


async def resets_after_the_request(server, reader, writer) -> None:
    await server.request(reader)
    await reset(writer)


async def closes_after_the_request(server, reader, writer) -> None:
    await server.request(reader)


async def resets_within_the_head(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(ANSWER[:20])
    await writer.drain()
    await asyncio.sleep(0.05)  # for the client to read it: a reset throws away what is not read
    await reset(writer)


async def resets_within_the_answer(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(ANSWER[:-5])
    await writer.drain()
    await asyncio.sleep(0.05)  # for the client to read it: a reset throws away what is not read
    await reset(writer)


async def closes_within_the_answer(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(ANSWER[:-5])
    await writer.drain()


async def says_nothing(server, reader, writer) -> None:
    await server.request(reader)
    await reader.read()


async def reads_nothing(server, reader, writer) -> None:
    await asyncio.sleep(2)  # longer than the client waits


async def falls_silent_within_the_answer(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(ANSWER[:-5])
    await reader.read()


async def drips(server, reader, writer) -> None:
    await server.request(reader)
    for byte in ANSWER:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)  # each byte in time, and all of them too late


async def answers_with_too_much(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    for _ in range(4 * ANSWER_MAX_BYTES // 4096):
        writer.write(chunk)
        await writer.drain()


async def answers_with_no_http(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(b"\x15\x03\x01\x00\x02\x02\x50 nonsense\r\n\r\n")


async def redirects(server, reader, writer) -> None:
    await server.request(reader)
    writer.write(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
    await answers(server, reader, writer)


def gateway_at(url: str, **environ: str) -> Gateway:
    return Gateway(
        WorkerSettings.from_env(
            {
                "OCTOPUSH_API_LOGIN": "a",
                "OCTOPUSH_API_KEY": "b",
                "OCTOPUSH_BASE_URL": url,
                "OCTOPUSH_CONNECT_TIMEOUT_S": "0.3",
                "OCTOPUSH_READ_TIMEOUT_S": "0.5",
                **environ,
            }
        )
    )


@contextlib.asynccontextmanager
async def serving(server: Server, **environ: str) -> AsyncIterator[Gateway]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    gateway = gateway_at(f"http://127.0.0.1:{port}", **environ)
    yield gateway
    await gateway.close()
    listening.close()
    await server.ended()


def play(job: Coroutine[object, object, list[Outcome]]) -> list[Outcome]:
    return asyncio.run(asyncio.wait_for(job, 20))


async def submitted(
    server: Server, times: int = 1, body: bytes = BODY, *, closes: bool = False, **environ: str
) -> list[Outcome]:
    outcomes = []
    async with serving(server, **environ) as gateway:
        for _ in range(times):
            outcomes.append(await gateway.submit(body))
            if closes:
                await server.ended()
    return outcomes


def test_connections_are_kept_and_bytes_arrive_as_they_are():
    server = Server(answers)
    assert play(submitted(server, times=3)) == [Accepted("t1")] * 3
    assert (server.requests, server.connections) == ([BODY] * 3, 1)


def test_a_refused_connection_was_not_used():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async def job() -> list[Outcome]:
        gateway = gateway_at(f"http://127.0.0.1:{port}")
        try:
            return [await gateway.submit(BODY)]
        finally:
            await gateway.close()

    assert play(job()) == [Deferred("client_connector_error")]


def test_a_name_that_does_not_resolve_was_not_used():
    async def job() -> list[Outcome]:
        gateway = gateway_at("https://nowhere.invalid")
        try:
            return [await gateway.submit(BODY)]
        finally:
            await gateway.close()

    [outcome] = play(job())
    assert isinstance(outcome, Deferred)


def test_a_connection_that_is_never_accepted_was_not_used():
    """The listener's queue is full: the kernel drops what knocks."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            knock = open_sockets.enter_context(socket.socket())
            knock.setblocking(False)
            knock.connect_ex(listener.getsockname())

        async def job() -> list[Outcome]:
            gateway = gateway_at(f"http://127.0.0.1:{listener.getsockname()[1]}")
            try:
                return [await gateway.submit(BODY)]
            finally:
                await gateway.close()

        assert play(job()) == [Deferred("connection_timeout_error")]


def test_a_server_that_does_not_speak_tls_was_told_nothing():
    async def no_tls(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.requests.append(await reader.read(65_536))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async def job(server: Server) -> list[Outcome]:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        gateway = gateway_at(f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        try:
            return [await gateway.submit(BODY)]
        finally:
            await gateway.close()
            listening.close()
            await server.ended()

    server = Server(no_tls)
    [outcome] = play(job(server))
    assert isinstance(outcome, Deferred)
    assert all(BODY not in each for each in server.requests)


@pytest.mark.parametrize(
    "script",
    [
        *(closes_at_once, resets_at_once, resets_within_the_request),
        *(resets_after_the_request, closes_after_the_request),
        *(resets_within_the_head, resets_within_the_answer, closes_within_the_answer),
        *(says_nothing, falls_silent_within_the_answer, drips),
        *(answers_with_too_much, answers_with_no_http),
    ],
    ids=lambda script: script.__name__,
)
def test_whatever_befalls_a_connection_that_stood_leaves_the_call_open_and_makes_no_second(script):
    server = Server(script)
    [outcome] = play(submitted(server))
    assert isinstance(outcome, Unknown)
    assert len(server.requests) <= 1
    assert server.connections == 1


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (says_nothing, "socket_timeout_error"),
        (falls_silent_within_the_answer, "socket_timeout_error"),
        (drips, "timeout_error"),
    ],
    ids=["silent", "silent within", "dripping"],
)
def test_a_time_out_is_called_a_time_out_which_counts_as_slow(script, code):
    [outcome] = play(submitted(Server(script)))
    assert outcome == Unknown(code)


def test_a_server_that_reads_nothing_leaves_the_call_open():
    server = Server(reads_nothing)
    [outcome] = play(submitted(server, body=BODY + b" " * 20_000_000))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    "script",
    [answers_once_and_closes_on_the_next, answers_once_and_resets_the_next],
    ids=lambda s: s.__name__,
)
def test_a_kept_connection_that_breaks_under_the_next_call_leaves_it_open_and_is_not_repeated(script):
    server = Server(script, answers)
    first, second = play(submitted(server, times=2))
    assert first == Accepted("t1")
    assert isinstance(second, Unknown)
    assert (len(server.requests), server.connections) == (2, 1)


def test_a_kept_connection_that_the_server_closed_meanwhile_is_not_used_again():
    server = Server(answers_once_and_closes)
    assert play(submitted(server, times=3, closes=True)) == [Accepted("t1")] * 3
    assert (len(server.requests), server.connections) == (3, 3)


def test_a_close_that_races_with_the_next_call_never_counts_as_not_sent():
    """No pause: the FIN may arrive before, while or after the next request is written."""
    server = Server(answers_once_and_closes)
    # A busy machine may take longer than the others allow: to connect in vain truly is not to send.
    patient = {"OCTOPUSH_CONNECT_TIMEOUT_S": "5", "OCTOPUSH_READ_TIMEOUT_S": "5"}
    outcomes = play(submitted(server, times=200, **patient))
    assert all(isinstance(outcome, Accepted | Unknown) for outcome in outcomes)
    assert len(server.requests) == sum(isinstance(outcome, Accepted) for outcome in outcomes)


def test_a_redirect_is_not_followed():
    server = Server(redirects)
    [outcome] = play(submitted(server))
    assert outcome == Deferred("http_307", proven=False)
    assert len(server.requests) == 1


def test_fresh_connections_are_used_once():
    async def job(server: Server) -> list[Outcome]:
        async with serving(server, OCTOPUSH_FRESH_CONNECTIONS="1") as gateway:
            return [await gateway.submit(BODY) for _ in range(3)]

    server = Server(answers)
    assert play(job(server)) == [Accepted("t1")] * 3
    assert server.connections == 3
