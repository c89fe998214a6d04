"""A Redis that reads its data after a start is waited for, and whoever is asked says so."""

import asyncio
import json

import httpx
import pytest
from click.testing import CliRunner

from tests.support.installation import Installation
from tests.support.loading_server import LoadingServer
from tests.support.scraping import Scraped
from tests.support.waiting import until
from worker.cli import main
from worker.metrics.app import create_app
from worker.metrics.settings import MetricsSettings

STREAM = "{sms}:replies"


def count_wrongly(client) -> None:
    """Leave a group that has read all, and of which Redis believes that it has read nothing."""
    client.xgroup_create(STREAM, "shop", "0", mkstream=True)
    last = client.xadd(STREAM, {"n": 1})
    client.xreadgroup("shop", "one", {STREAM: ">"})
    client.execute_command("XGROUP", "SETID", STREAM, "shop", last, "ENTRIESREAD", 0)


def scraped(url: str) -> Scraped:
    """Ask a metrics process."""

    async def page() -> str:
        app = create_app(MetricsSettings(redis_url=url))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as session:
            return (await session.get("http://metrics/metrics")).text

    return Scraped(asyncio.run(page()))


@pytest.fixture
def server(tmp_path):
    with LoadingServer(tmp_path / "redis", count_wrongly) as loading:
        yield loading


def test_it_is_waited_for_and_named_and_then_all_goes_on(server, tmp_path):
    with Installation(tmp_path, server.url, namespace="sms") as installation:
        until(lambda: server.refused() >= 3)
        assert installation.worker.is_running

        told = CliRunner().invoke(main, ["doctor", "--json"], env={"REDIS_URL": server.url})
        [found] = [each for each in json.loads(told.output)["findings"] if each["check"] == "redis.reached"]
        assert "still reads its data from the disk (" in found["finding"]
        assert "s more); nothing that lies in it was looked at" in found["finding"]
        assert found["remedy"].startswith("Wait: all processes go on by themselves.")
        assert (told.exit_code, server.is_loading()) == (4, True)
        assert scraped(server.url)("redis_up") == 0

        server.go_on()
        sent = installation.send()
        assert installation.settled(sent).state == "accepted"
        # A worker looks at the groups as it starts.
        until(lambda: server.client.xinfo_groups(STREAM)[0]["lag"] == 0)
        until(lambda: '"redis.back"' in installation.worker.output)
        output = installation.worker.output
    assert output.count('"redis.unavailable"') == output.count('"redis.back"') == 1
    assert "refused_to_start" not in output
