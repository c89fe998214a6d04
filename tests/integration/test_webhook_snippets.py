"""The views of docs/forwarding.md, each under its own framework's test client."""

import asyncio
import importlib.util
import re
import time
from pathlib import Path

import django
import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client, override_settings
from fastapi import FastAPI
from flask import Flask

from producers.webhooks import sign
from tests.support.forwarding import reply
from worker.webhooks.payload import body_of

DOCS = Path(__file__).parents[2] / "docs"
SECRET = "whsec_" + "A" * 43 + "="
BODY = body_of(reply("r1", "Oui é"))
PATH = "/webhooks/sms"


@pytest.fixture
def handled():
    return []


@pytest.fixture
def load(monkeypatch, handled):
    """Import a snippet as an application would, with its secret in the environment."""
    monkeypatch.setenv("SMS_WEBHOOK_SECRET", SECRET)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, DOCS / "snippets" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.handle = handled.append
        return module

    return load


@pytest.fixture
def django_post(load):
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None)
        django.setup()
    client = Client(enforce_csrf_checks=True)

    def post(body, headers):
        return client.post(PATH, body, content_type="application/json", headers=headers).status_code

    with override_settings(ROOT_URLCONF=load("webhook_django")):
        yield post


@pytest.fixture
def flask_post(load):
    app = Flask("shop")
    app.register_blueprint(load("webhook_flask").blueprint)
    return lambda body, headers: app.test_client().post(PATH, data=body, headers=headers).status_code


@pytest.fixture
def fastapi_post(load):
    app = FastAPI()
    app.include_router(load("webhook_fastapi").router)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")
    with asyncio.Runner() as runner:
        yield lambda body, headers: runner.run(client.post(PATH, content=body, headers=headers)).status_code
        runner.run(client.aclose())


@pytest.fixture(params=["django", "flask", "fastapi"])
def post(request):
    return request.getfixturevalue(f"{request.param}_post")


def test_a_webhook_is_verified_and_handled(post, handled):
    assert post(BODY, sign(BODY, "r1", int(time.time()), [SECRET])) == 204

    assert [webhook.data for webhook in handled] == [reply("r1", "Oui é")]


def test_a_forged_webhook_is_refused_and_not_handled(post, handled):
    headers = sign(BODY, "r1", int(time.time()), [SECRET])

    assert post(BODY.replace(b"Oui", b"Non"), headers) == 400
    assert post(BODY, {}) == 400
    assert post(BODY, sign(BODY, "r1", int(time.time()) - 400, [SECRET])) == 400
    assert handled == []


@pytest.mark.parametrize("name", ["webhook_django", "webhook_fastapi", "webhook_flask"])
def test_the_documentation_shows_the_tested_files(name):
    page = (DOCS / "forwarding.md").read_text("utf-8")
    code = (DOCS / "snippets" / f"{name}.py").read_text("utf-8")

    assert f"```python\n{code}```\n" in page


def test_the_webhook_that_the_page_gives_to_try_is_right():
    page = (DOCS / "forwarding.md").read_text("utf-8")
    names = ("secret", "webhook-id", "webhook-timestamp", "webhook-signature", "body")
    shown = {name: re.search(rf"^{name} +(.+)$", page, re.MULTILINE)[1] for name in names}

    at = int(shown["webhook-timestamp"])
    signed = sign(shown["body"].encode(), shown["webhook-id"], at, [shown["secret"]])

    assert signed.items() <= shown.items()
