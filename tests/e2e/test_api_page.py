"""docs/http-answers.md shows what a running API answers: its requests are made in order, and compared."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self

import httpx
import pytest

from tests.e2e.conftest import Install
from tests.house.repository import text
from tests.support.installation import PATIENCE_S, Installation
from tests.support.waiting import until
from tests.support.web_server import ApiServer
from worker.api.app import ALL

TOKEN: Final = "shop-0123456789-abcdefghijklmnopqrst"
NUMBER: Final = "+33612345678"
#: Stands for a text of any content.
ANY: Final = "…"
#: Texts that are others with each run; whoever is given one uses it in later requests.
VARIES: Final = (
    r"\d{4}-\d\d-\d\dT[\d:.]+Z",
    r"\d{4}-\d\d-\d\d [\d:]+",
    r"\d{13}-\d+(?:\.\d+)?",
    r"[\w-]{22}",
    r"[0-9a-f]{32}",
    r"(?:sms_)?[0-9a-f-]{16,40}",
)
#: Members that change while the worker sends; GETs wait until they are as the page has them.
MOVES: Final = re.compile(r"(?:#|#/status)/(?:state|done|pending|ends|deliveries|cost|completed_at)\b")


class Exchange(NamedTuple):
    """A request of the page, and its answer."""

    method: str
    target: str
    body: Any
    status: int
    answer: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"


def exchanges(page: str) -> Iterator[Exchange]:
    blocks = r"^```text\n(\w+) (\S+)\n(.*?)```\n\n(\d{3})[:,][^\n]*\n(?:\n```json\n(.*?)```)?"
    for method, target, body, status, answer in re.findall(blocks, page, re.DOTALL | re.MULTILINE):
        given = json.loads(body) if body else None
        yield Exchange(method, target, given, int(status), json.loads(answer) if answer else None)


PAGE: Final = tuple(exchanges(text("docs/http-answers.md")))


def differences(shown: Any, real: Any, known: dict[str, str], place: str = "#") -> list[str]:
    """List where an answer is not as it is shown, and note what stands for what."""
    if isinstance(shown, dict) and isinstance(real, dict) and shown.keys() == real.keys():
        return [
            each for name in shown for each in differences(shown[name], real[name], known, f"{place}/{name}")
        ]
    if isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        pairs = enumerate(zip(shown, real, strict=True))
        return [each for index, pair in pairs for each in differences(*pair, known, f"{place}/{index}")]
    if isinstance(shown, str) and isinstance(real, str):
        if shown == ANY:
            return []
        if any(re.fullmatch(each, shown) and re.fullmatch(each, real) for each in VARIES):
            known[shown] = real
            return []
    return [] if shown == real else [f"{place}: the page has {shown!r}, the API {real!r}"]


class Program:
    """An application that makes the requests of the page."""

    def __init__(self, installation: Installation, url: str) -> None:
        self._installation, self._url = installation, url
        self._http = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=60)
        self.known: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def prepare(self, line: str) -> None:
        """Let happen what the page says between its requests."""
        if line.startswith("GET /v1/events?"):
            self._installation.gateway.reply(NUMBER, "Oui")
        if line == "POST /v1/campaigns/autumn/cancel":
            self._call(
                "PUT", "/v1/campaigns/autumn", {"text": "Sale", "sender": "Bistro", "purpose": "alert"}
            )

    def make(self, exchange: Exchange) -> list[str]:
        """Make a request, and say how its answer is other than that of the page."""
        target = exchange.target
        for shown, real in self.known.items():
            target = target.replace(shown, real)
        answer = self._call(exchange.method, target, self._told(exchange.body))
        status = [] if answer.status_code == exchange.status else [f"status {answer.status_code}"]
        found = differences(exchange.answer, answer.json() if answer.content else None, self.known)
        return status + [each for each in found if exchange.method == "GET" or not MOVES.match(each)]

    def _told(self, body: Any) -> Any:
        written = json.dumps(body)
        for shown, real in self.known.items():
            written = written.replace(shown, real)
        return json.loads(written)

    def _call(self, method: str, target: str, body: Any) -> httpx.Response:
        given = {} if body is None else {"json": body}
        return self._http.request(method, self._url + target, **given)


@pytest.fixture(scope="module")
def program(install_for_module: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    installation = install_for_module(web=True)
    environ = {**installation.environ, "API_TOKENS": f"shop:send+read+campaign:{TOKEN}"}
    log = tmp_path_factory.mktemp("api") / "api.log"
    with ApiServer(log, environ) as server, Program(installation, server.url) as program:
        yield program


def test_every_request_of_the_page_is_answered_as_the_page_shows(program):
    for each in PAGE:
        program.prepare(each.line)
        found = program.make(each)
        if found and each.method == "GET":
            # What the page shows may be about to happen: a receipt or a reply is on its way.
            with suppress(TimeoutError):
                until(lambda each=each: not program.make(each), PATIENCE_S)
                found = []
        assert not found, "\n".join([each.line, *found])


def test_the_page_has_every_operation_but_that_of_the_document():
    made = {(each.method, each.target.partition("?")[0]) for each in PAGE}

    def shown(method: str, path: str) -> bool:
        pattern = re.sub(r"\{\w+\}", "[^/]+", path)
        return any(method == other and re.fullmatch(pattern, target) for other, target in made)

    assert [each.path for each in ALL if not shown(each.method, each.path)] == ["/v1/openapi.json"]
