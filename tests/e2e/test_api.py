"""Processes of the API that are killed, told to stop, overrun or started with other tokens lose nothing."""

import asyncio
import json
import random
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from producers.contract.keys import Keys
from tests.support.api_client import ALL, ONE
from tests.support.installation import ANY_HOUR
from tests.support.reply_events import publish_replies
from tests.support.waiting import until
from tests.support.web_server import ApiServer

OLD = "shop-old-0123456789-abcdefghijklmnop"
AUTH = {"Authorization": f"Bearer {ALL}"}
CAMPAIGN = "/v1/campaigns/spring"
SALE = {"text": "Sale", "sender": "Bistro", "purpose": "alert", "on_invalid": "leave_out"}
GROUP = "/v1/events?stream=replies&consumer=a&group=bookings"
#: Parts of the upload, and what its processes have queued when one of them is killed.
PARTS, KILLED_AT = 7, (1, 3, 5)


class Processes:
    """Processes of the API on one Redis, each in a place of its own."""

    def __init__(self, redis_url: str, directory: Path) -> None:
        self._url, self._directory = redis_url, directory
        self._stack = ExitStack()
        self.running: list[ApiServer] = []
        self._started = 0

    def start(self, tokens: str = f"shop:send+read+campaign:{ALL}") -> ApiServer:
        """Start one more, and wait until it answers."""
        self._started += 1
        environ = {**ANY_HOUR, "REDIS_URL": self._url, "API_TOKENS": tokens, "API_RATE_PER_S": "100000"}
        server = ApiServer(self._directory / f"log{self._started}", environ)
        self._stack.enter_context(server)
        self.running.append(server)
        return server

    def replace(self, place: int) -> None:
        """Kill one, and start another in its place."""
        self.running[place].process.kill()
        self.running[place] = self.start()
        self.running.pop()

    def stop(self) -> None:
        """Kill what is left."""
        self._stack.close()


@pytest.fixture
def processes(redis_url: str, tmp_path: Path) -> Iterator[Processes]:
    """Give processes on an empty Redis, none of them started."""
    made = Processes(redis_url, tmp_path)
    yield made
    made.stop()


def with_repeats(drawn: random.Random) -> list[list[str]]:
    """Make the parts of a list in which each tenth number comes again somewhere behind."""
    numbers: list[str] = []
    while len(numbers) < 500 * PARTS - 123:
        again = numbers and drawn.random() < 0.1
        numbers.append(drawn.choice(numbers) if again else f"+336{10_000_000 + len(numbers):08}")
    return [numbers[start : start + 500] for start in range(0, len(numbers), 500)]


def upload(processes: Processes, parts: Sequence[list[str]], drawn: random.Random) -> None:
    """Go on with the upload until all parts are there, as any number of programs may at once."""
    with httpx.Client(headers=AUTH, timeout=20, trust_env=False) as client:
        while True:
            base = drawn.choice(processes.running).url
            with suppress(httpx.TransportError):
                number = client.get(base + CAMPAIGN).json()["next_part"]
                if number == len(parts):
                    return
                body = {"recipients": parts[number]}
                answer = client.put(f"{base}{CAMPAIGN}/parts/{number}", json=body)
                assert answer.status_code in {200, 201, 503}, answer.text


def texted(client: redis.Redis) -> list[str]:
    """List all numbers in all messages of the campaign that wait to leave."""
    ids = [each.decode() for each in client.lrange("{sms}:queue:alert", 0, -1)]
    bodies = [json.loads(client.get(Keys().body(each))) for each in ids]
    return [each["phone_number"] for body in bodies for each in body["recipients"]]


def test_programs_that_upload_through_processes_that_are_killed_text_everybody_once(processes, redis_client):
    drawn = random.Random(7)
    parts = with_repeats(drawn)
    for _ in range(2):
        processes.start()
    first = processes.running[0]
    assert httpx.put(first.url + CAMPAIGN, json=SALE, headers=AUTH).status_code == 201

    with ThreadPoolExecutor() as programs:
        uploads = [programs.submit(upload, processes, parts, random.Random(n)) for n in range(3)]
        for reached in KILLED_AT:
            until(lambda reached=reached: int(redis_client.hget("{sms}:upload:spring", "next")) >= reached)
            processes.replace(drawn.randrange(2))
        for each in uploads:
            each.result(60)
    done = httpx.post(processes.running[0].url + f"{CAMPAIGN}/complete", json={"parts": PARTS}, headers=AUTH)

    everybody = {number for part in parts for number in part}
    numbers = Counter(texted(redis_client))
    assert done.json()["complete"]
    assert done.json()["recipients"] == len(everybody)
    assert set(numbers) == everybody
    assert set(numbers.values()) == {1}
    assert redis_client.llen("{sms}:queue:alert") == PARTS


def test_more_polls_than_may_wait_are_answered_and_all_others_when_the_process_stops(processes, redis_client):
    server = processes.start()
    paths = [
        f"{server.url}/v1/events?stream=replies&group=g{n % 20}&consumer=c{n}&wait_s=25" for n in range(600)
    ]
    limits = httpx.Limits(max_connections=None)

    async def poll_all() -> tuple[list[Any], list[Any], Any]:
        async with httpx.AsyncClient(headers=AUTH, timeout=60, limits=limits, trust_env=False) as client:
            polls = [asyncio.create_task(answered_in_time(client, path)) for path in paths]
            answered = asyncio.as_completed(polls)
            at_once = [await next(answered) for _ in range(100)]
            single = await client.post(server.url + "/v1/messages", json=ONE)
            await asyncio.to_thread(publish_replies, redis_client, "one")
            woken = [await next(answered) for _ in range(20)]
            server.process.terminate()
            rest = [await each for each in answered]
        return at_once, woken, (single, rest)

    at_once, woken, (single, rest) = asyncio.run(asyncio.wait_for(poll_all(), 90))

    assert Counter(each.text for each in (*at_once, *rest)) == {'{"entries":[]}': 580}
    assert [each.json()["entries"][0]["event"]["text"] for each in woken] == ["one"] * 20
    assert len({each.url.params["group"] for each in woken}) == 20
    assert single.status_code == HTTPStatus.CREATED


async def answered_in_time(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """Ask again where Redis could not answer all who came at once, as clients do."""
    while (answer := await client.get(path)).status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        pass
    return answer


def test_a_token_that_is_taken_away_takes_no_entry_with_it(processes, redis_client):
    both = f"shop:send+read+campaign:{ALL},shop:read:{OLD}"
    first, by_old = processes.start(both), {"Authorization": f"Bearer {OLD}"}
    httpx.get(first.url + GROUP, headers=AUTH)

    with ThreadPoolExecutor() as others:
        poll = others.submit(httpx.get, first.url + f"{GROUP}&wait_s=25", headers=by_old, timeout=60)
        for text in ("one", "two", "three"):
            publish_replies(redis_client, text)
        first.process.terminate()
        with suppress(httpx.TransportError):
            assert poll.result().status_code == HTTPStatus.OK
    second = processes.start()

    assert httpx.get(second.url + GROUP, headers=by_old).status_code == HTTPStatus.UNAUTHORIZED
    left = [
        httpx.get(second.url + path, headers=AUTH).json()["entries"] for path in (GROUP + "&held=1", GROUP)
    ]
    assert [each["event"]["text"] for some in left for each in some] == ["one", "two", "three"]


def test_a_part_that_is_on_its_way_when_the_process_stops_is_queued_and_answered(processes, redis_client):
    server = processes.start()
    httpx.put(server.url + CAMPAIGN, json=SALE, headers=AUTH)
    redis_client.delete("{sms}:api:rate:shop")
    body = json.dumps({"recipients": ["+33612345678"]}).encode()
    head = f"PUT {CAMPAIGN}/parts/0 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {ALL}\r\nContent-Length: {len(body)}\r\n\r\n"

    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode() + body[:9])
        until(lambda: redis_client.exists("{sms}:api:rate:shop"))
        server.process.terminate()
        until(lambda: not is_listening(server.port))
        connection.sendall(body[9:])
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert texted(redis_client) == ["+33612345678"]
    server.process.wait(20)
    assert "Traceback" not in server.output


def is_listening(port: int) -> bool:
    """Say whether somebody takes new connections at a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return False
    return True


def test_a_client_that_hangs_up_takes_nothing_from_its_group(processes, redis_client):
    server = processes.start()
    head = f"GET {GROUP}&wait_s=25 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALL}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode())
        until(lambda: redis_client.exists("{sms}:replies") and redis_client.xinfo_groups("{sms}:replies"))
    until(lambda: '"status":499' in server.output)

    publish_replies(redis_client, "one")
    [entry] = httpx.get(server.url + GROUP.replace("=a", "=b"), headers=AUTH).json()["entries"]
    assert (entry["event"]["text"], entry["deliveries"]) == ("one", 1)
