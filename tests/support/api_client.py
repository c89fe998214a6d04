"""The API in the process of the tests, called as a program calls it.

with ApiClient(api_settings(redis_url)) as api:
    assert api.post("/v1/messages", ONE).status_code == 201
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from tests.support.app_in_process import AppInProcess
from tests.support.installation import ANY_HOUR
from worker.api.app import create_app
from worker.api.settings import ApiSettings

#: Tokens of two applications: one may do everything, the other may read.
ALL: Final = "shop-all-0123456789-abcdefghijklmnop"
READER: Final = "dash-read-0123456789-abcdefghijklmno"
TOKENS: Final = f"shop:send+read+campaign:{ALL},dash:read:{READER}"
#: A message that breaks no rule.
ONE: Final[Mapping[str, Any]] = {
    "request_id": "v",
    "recipients": ["+33612345678"],
    "text": "Hi",
    "sender": "Bistro",
    "purpose": "alert",
}


def api_settings(redis_url: str, **environ: str) -> ApiSettings:
    """Make settings with both applications."""
    return ApiSettings.from_env({**ANY_HOUR, "REDIS_URL": redis_url, "API_TOKENS": TOKENS, **environ})


class ApiClient(AppInProcess):
    """A program that calls the API.

    Args:
        settings: of the API.
        token: of every call that names no other.
    """

    def __init__(self, settings: ApiSettings, token: str = ALL) -> None:
        app = create_app(settings)
        super().__init__(app, "http://127.0.0.1:8002")
        self._token = token
        self.lookout = app.state.lookout

    def call(self, method: str, path: str, *, token: str | None = None, **sent: Any) -> httpx.Response:
        """Call; ``token`` may be another, or empty for none."""
        return self.run(self.acall(method, path, token=token, **sent))

    async def acall(self, method: str, path: str, *, token: str | None = None, **sent: Any) -> httpx.Response:
        """Call in a coroutine of the test; `run` runs it."""
        named = self._token if token is None else token
        headers = {**({"Authorization": f"Bearer {named}"} if named else {}), **sent.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **sent)

    def leave(self, path: str, when: Callable[[], bool]) -> None:
        """GET a path, and close the connection as soon as something is true, before anything is answered."""
        headers = [(b"authorization", f"Bearer {self._token}".encode())]
        path, _, query = path.partition("?")
        request = {"type": "http.request", "body": b"", "more_body": False}
        said = iter([request])

        async def receive() -> dict[str, Any]:
            for message in said:
                return message
            while not when():  # noqa: ASYNC110 - each turn of the loop looks
                await asyncio.sleep(0)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert when(), "it was answered before it had gone"

        scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode()}
        self.run(self._app({**scope, "headers": headers}, receive, send))

    def get(self, path: str, **sent: Any) -> httpx.Response:
        """GET a path."""
        return self.call("GET", path, **sent)

    def post(self, path: str, body: object = None, **sent: Any) -> httpx.Response:
        """POST JSON to a path."""
        return self.call("POST", path, json=body, **sent)

    def put(self, path: str, body: object, **sent: Any) -> httpx.Response:
        """PUT JSON to a path."""
        return self.call("PUT", path, json=body, **sent)

    def delete(self, path: str, **sent: Any) -> httpx.Response:
        """DELETE a path."""
        return self.call("DELETE", path, **sent)
