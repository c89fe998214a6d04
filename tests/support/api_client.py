"""The API in the process of the tests, called as a program calls it.

with ApiClient(api_settings(redis_url)) as api:
    assert api.post("/v1/messages", ONE).status_code == 201
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Self

import httpx

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


class ApiClient:
    """A program that calls the API.

    Args:
        settings: of the API.
        token: of every call that names no other.
    """

    def __init__(self, settings: ApiSettings, token: str = ALL) -> None:
        self._runner = asyncio.Runner()
        self._app = create_app(settings)
        self._token = token
        self.lookout = self._app.state.lookout
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app), base_url="http://127.0.0.1:8002"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self.http.aclose())
        self._runner.run(self._shut_down())
        self._runner.close()

    async def _shut_down(self) -> None:
        async with self._app.router.lifespan_context(self._app):
            pass

    def call(self, method: str, path: str, *, token: str | None = None, **sent: Any) -> httpx.Response:
        """Call; ``token`` may be another, or empty for none."""
        return self._runner.run(self.acall(method, path, token=token, **sent))

    async def acall(self, method: str, path: str, *, token: str | None = None, **sent: Any) -> httpx.Response:
        """Call in a coroutine of the test; `run` runs it."""
        named = self._token if token is None else token
        headers = {**({"Authorization": f"Bearer {named}"} if named else {}), **sent.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **sent)

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the loop of the API."""
        return self._runner.run(coroutine)

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
