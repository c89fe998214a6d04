"""The views of docs/callbacks.md, each under its own framework's test client, against a real Redis."""

import asyncio
import importlib.util
import logging
from pathlib import Path

import django
import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client, override_settings
from fastapi import FastAPI
from flask import Flask

from producers.callbacks import BODY_MAX_BYTES
from producers.contract.keys import Keys

DOCS = Path(__file__).parents[2] / "docs"
TOKEN = "canary-token-0123456789"
REPLY = b'{"number": "+33698765432", "text": "canary", "reception_date": "2024-01-31 14:05:09"}'


@pytest.fixture
def load(monkeypatch, redis_url, namespace):
    """Import a snippet the way an application would, with its settings in the environment."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SMS_NAMESPACE", namespace)
    monkeypatch.setenv("CALLBACK_TOKENS", TOKEN)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, DOCS / "snippets" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def django_post(load):
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None)
        django.setup()
    module = load("django_view")
    client = Client(enforce_csrf_checks=True)

    def post(path, body, method="post"):
        answer = getattr(client, method)(path, body, content_type="application/octet-stream")
        return answer.status_code, answer.content

    with override_settings(ROOT_URLCONF=module):
        yield post
    logging.getLogger("django.request").filters.clear()
    module.intake.close()


@pytest.fixture
def flask_post(load):
    module = load("flask_route")
    app = Flask("shop")
    app.register_blueprint(module.blueprint)
    client = app.test_client()

    def post(path, body, method="post"):
        answer = getattr(client, method)(path, data=body)
        return answer.status_code, answer.data

    yield post
    module.intake.close()


@pytest.fixture
def fastapi_post(load):
    module = load("fastapi_route")
    app = FastAPI()
    app.include_router(module.router)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")
    with asyncio.Runner() as runner:

        def post(path, body, method="post"):
            answer = runner.run(client.request(method, path, content=body))
            return answer.status_code, answer.content

        yield post
        runner.run(module.intake.close())
        runner.run(client.aclose())


@pytest.fixture(params=["django", "flask", "fastapi"])
def post(request):
    return request.getfixturevalue(f"{request.param}_post")


@pytest.mark.parametrize(
    ("path", "kind"), [("", b""), ("/replies", b"replies"), ("/", b""), ("/replies/", b"replies")]
)
def test_a_callback_is_stored_and_answered_without_content(post, redis_client, namespace, path, kind, caplog):
    assert post(f"/callbacks/{TOKEN}{path}", REPLY) == (200, b"")

    [key] = redis_client.keys(Keys(namespace).callback("*"))
    assert redis_client.hmget(key, "raw", "kind") == [REPLY, kind]
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/callbacks/wrong-token-0123456789", REPLY, 404),
        (f"/callbacks/{TOKEN}/visits", REPLY, 404),
        (f"/callbacks/{TOKEN}", b"", 400),
        (f"/callbacks/{TOKEN}", b"canary", 400),
        (f"/callbacks/{TOKEN}", b"x" * (BODY_MAX_BYTES + 1), 413),
        (f"/callbacks/{TOKEN}", b"x" * (10 * BODY_MAX_BYTES), 413),
    ],
)
def test_refusals_have_no_content_and_leave_no_trace_in_the_log(post, path, body, status, caplog):
    assert post(path, body) == (status, b"")
    assert "canary" not in caplog.text


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_url_can_be_tried(post, redis_client, method):
    assert post(f"/callbacks/{TOKEN}/replies", b"", method=method) == (200, b"")
    assert post("/callbacks/wrong-token-0123456789/replies", b"", method=method) == (404, b"")
    assert redis_client.dbsize() == 0


def test_only_post_is_taken(post, redis_client):
    status, _ = post(f"/callbacks/{TOKEN}", b"", method="put")

    assert status == 405
    assert redis_client.dbsize() == 0


@pytest.mark.parametrize("name", ["django_view", "fastapi_route", "flask_route"])
def test_the_documentation_shows_the_tested_files(name):
    page = (DOCS / "callbacks.md").read_text("utf-8")
    code = (DOCS / "snippets" / f"{name}.py").read_text("utf-8")

    assert f"```python\n{code}```\n" in page
