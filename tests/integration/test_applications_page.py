"""docs/applications.md does what it shows, and names what there is."""

import asyncio
import dataclasses
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from producers import AsyncProducer, MessageStatus, Producer, WrongEventLoop, errors
from tests.house.repository import rows

PAGE = "docs/applications.md"
BLOCKS = re.findall(
    r"^```python\n(.*?)^```$",
    (Path(__file__).parents[2] / PAGE).read_text("utf-8"),
    re.DOTALL | re.MULTILINE,
)


@pytest.fixture(autouse=True)
def environment(redis_url, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_url)


def ran(block: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(compile(block, PAGE, "exec", dont_inherit=True), names)
    return names


def test_a_producer_of_the_lifespan_serves_each_event_loop(redis_client):
    app: Any = ran(BLOCKS[0])["app"]

    async def as_a_test_client(booking: int) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
            where = f"http://app/bookings/{booking}"
            return await client.post(where, params={"number": "+33612345678"})

    for booking in (1, 2):
        answer = asyncio.run(as_a_test_client(booking))
        assert (answer.status_code, answer.json()) == (200, "queued")
    assert redis_client.exists("{sms}:record:booking-1", "{sms}:record:booking-2") == 2


def test_one_of_a_module_says_in_the_second_loop_where_to_make_it():
    sms = AsyncProducer.from_env()

    async def use_and_close() -> None:
        async with sms:
            await sms.status("a")

    asyncio.run(use_and_close())
    with pytest.raises(WrongEventLoop, match=r"in the lifespan .* docs/applications.md"):
        asyncio.run(sms.status("a"))


def test_a_wrong_message_tells_each_field(capsys):
    ran(BLOCKS[2])

    told = capsys.readouterr().out.splitlines()
    assert told[0] == "0"
    assert {each.split()[0] for each in told[1:]} == {"text", "recipients[1].phone_number"}


def test_a_person_is_found_by_the_number_of_an_event(capsys):
    ran(BLOCKS[4])

    assert capsys.readouterr().out == "Zoé\n"


def test_a_status_is_there_or_none(capsys):
    ran(BLOCKS[3])
    with Producer.from_env() as sms:
        sms.send("+33612345678", "Hello", sender="Bistro", purpose="alert", request_id="booking-42")
    ran(BLOCKS[3])

    assert capsys.readouterr().out.splitlines() == ["unknown, or forgotten", "queued None None"]


def test_the_page_names_every_error_and_every_field_of_a_status():
    named = {re.match(r"`(\w+)`", cells[0])[1] for cells in rows(PAGE, "Errors")}
    raised = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, (errors.ProducerError, errors.ConfigError))
    }
    assert named == raised - {"ProducerError", "WrongPseudonymKeys"}

    fields = {name for cells in rows(PAGE, "A status") for name in re.findall(r"`(\w+)`", cells[0])}
    assert fields == {each.name for each in dataclasses.fields(MessageStatus)}
