"""The console in the process of the tests, asked as a browser asks.

with ConsoleClient(settings) as console:
    console.log_in(OPERATOR)
    assert console.get("/replies").status_code == 200
"""

from typing import Any

import httpx

from producers.contract.secret import Secret
from tests.support.app_in_process import AppInProcess
from worker.console.app import create_app
from worker.console.settings import ConsoleSettings

VIEWER = "anna-viewer-0123456789-abcdefghijkl"
OPERATOR = "ben-operator-0123456789-abcdefghij"
#: Who may log in, as `CONSOLE_TOKENS` says it.
TOKENS = f"viewer:anna:{VIEWER},operator:ben:{OPERATOR}"


def console_settings(redis_url: str, **changes: Any) -> ConsoleSettings:
    """Make settings with a viewer and an operator."""
    entries = tuple(Secret(entry) for entry in TOKENS.split(","))
    return ConsoleSettings(**{"redis_url": redis_url, "tokens": entries, **changes})


class ConsoleClient(AppInProcess):
    """A browser without pages: keeps cookies, follows nothing by itself.

    Args:
        settings: of the console.
        base_url: under which the console is reached.
        address: where the browser is.
    """

    def __init__(
        self,
        settings: ConsoleSettings,
        base_url: str = "http://127.0.0.1:8001",
        address: str = "192.0.2.1",
    ) -> None:
        super().__init__(create_app(settings), base_url, address)
        self.base_url = base_url

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a page."""
        return self.run(self.http.get(path, headers=_named(headers)))

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send a form from a page of the console, unless the headers say otherwise."""
        named = {"Sec-Fetch-Site": "same-origin", "Origin": self.base_url, **_named(headers)}
        sent = {name: value for name, value in named.items() if value}
        return self.run(self.http.post(path, data=form or {"": ""}, headers=sent))

    def log_in(self, token: str) -> httpx.Response:
        """Enter a token."""
        return self.post("/login", {"token": token})


def _named(headers: dict[str, str]) -> dict[str, bytes]:
    return {name.replace("_", "-").title(): value.encode("utf-8") for name, value in headers.items()}
