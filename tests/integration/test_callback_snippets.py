"""The views of docs/callbacks.md, each under its own framework's test client, against a real Redis."""

import asyncio
import importlib.util
import logging
import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import django
import httpx
import pytest
import uvicorn
from django.conf import settings as django_settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import WSGIRequestHandler, WSGIServer
from django.core.signals import request_started
from django.test import Client, override_settings
from fastapi import FastAPI
from flask import Flask
from werkzeug.serving import make_server

from producers.callbacks import BODY_MAX_BYTES, CallbackIntake
from producers.contract.keys import Keys
from producers.django import callbacks
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: What the page shows, each in a file that can be copied.
SHOWN = {
    "django_view": DOCS / "snippets" / "django_view.py",
    "fastapi_route": ROOT / "examples" / "fastapi" / "callbacks.py",
    "flask_route": DOCS / "snippets" / "flask_route.py",
}
TOKEN = "canary-token-0123456789"
REPLY = b'{"number": "+33698765432", "text": "canary", "reception_date": "2024-01-31 14:05:09"}'


@pytest.fixture
def load(monkeypatch, redis_url, namespace):
    """Import a snippet without any setting; settings are there once an application takes it in."""

    def load(name):
        for variable in ("REDIS_URL", "SMS_NAMESPACE", "CALLBACK_TOKENS"):
            monkeypatch.delenv(variable, raising=False)
        spec = importlib.util.spec_from_file_location(name, SHOWN[name])
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setenv("REDIS_URL", redis_url)
        monkeypatch.setenv("SMS_NAMESPACE", namespace)
        monkeypatch.setenv("CALLBACK_TOKENS", TOKEN)
        return module

    yield load
    for name in ("django.request", "django.server", "werkzeug", "uvicorn.access"):
        logging.getLogger(name).filters.clear()


@pytest.fixture
def django_view(load):
    if not django_settings.configured:
        django_settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None)
        django.setup()
    module = load("django_view")
    with override_settings(ROOT_URLCONF=module):
        yield module


@pytest.fixture
def django_post(django_view):
    client = Client(enforce_csrf_checks=True)

    def post(path, body, method="post"):
        answer = getattr(client, method)(path, body, content_type="application/octet-stream")
        return answer.status_code, answer.content

    yield post
    django_view.intake().close()


@pytest.fixture
def flask_post(load):
    app = flask_app(load("flask_route"))
    client = app.test_client()

    def post(path, body, method="post"):
        answer = getattr(client, method)(path, data=body)
        return answer.status_code, answer.data

    yield post
    app.extensions["octopush"].close()


def flask_app(module):
    app = Flask("shop")
    app.register_blueprint(module.blueprint)
    return app


def fastapi_app(module):
    app = FastAPI()
    app.include_router(module.router)
    return app


@contextmanager
def fastapi_client(app):
    """As a `TestClient` does: the lifespan and the requests, in an event loop of their own."""
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")

        def post(path, body, method="post"):
            answer = runner.run(client.request(method, path, content=body))
            return answer.status_code, answer.content

        post.runner = runner
        yield post
        runner.run(client.aclose())
        runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture
def fastapi_post(load):
    with fastapi_client(fastapi_app(load("fastapi_route"))) as post:
        yield post


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


@pytest.mark.parametrize("name", SHOWN)
def test_the_documentation_shows_the_tested_files(name):
    page = (DOCS / "callbacks.md").read_text("utf-8")
    code = SHOWN[name].read_text("utf-8")

    assert f"```python\n{code}```\n" in page


def test_an_application_of_fastapi_is_opened_again_with_other_settings(load, monkeypatch, redis_client):
    app = fastapi_app(load("fastapi_route"))
    for token in (TOKEN, "another-token-0123456789"):
        monkeypatch.setenv("CALLBACK_TOKENS", token)
        with fastapi_client(app) as post:
            assert post(f"/callbacks/{token}", REPLY) == (200, b"")
            assert post("/callbacks/wrong-token-0123456789", REPLY) == (404, b"")
    until(lambda: not of_callbacks(redis_client))


def of_callbacks(client):
    """List the connections of intakes that are open."""
    return [each for each in client.client_list() if each["name"] == "octopush-producer"]


def test_each_application_of_flask_has_settings_of_its_own(load, monkeypatch):
    module = load("flask_route")
    apps = []
    for token in (TOKEN, "another-token-0123456789"):
        monkeypatch.setenv("CALLBACK_TOKENS", token)
        apps.append(flask_app(module))
    taken = [app.test_client().post("/callbacks/another-token-0123456789", data=REPLY) for app in apps]
    assert [answer.status_code for answer in taken] == [404, 200]
    for app in apps:
        app.extensions["octopush"].close()


@pytest.fixture
def left(tmp_path, namespace, monkeypatch):
    """Leave a callback in the spool, as a process does that ended while Redis was away."""
    spool = tmp_path / "spool"
    environ = {"CALLBACK_TOKENS": TOKEN, "CALLBACK_SPOOL_DIR": str(spool), "SMS_NAMESPACE": namespace}
    with CallbackIntake.from_env({**environ, "REDIS_URL": "redis://127.0.0.1:1"}) as intake:
        assert intake.accept_callback(TOKEN, REPLY) == 200
    assert list(spool.rglob("*.spool"))
    monkeypatch.setenv("CALLBACK_SPOOL_DIR", str(spool))
    return spool


def is_moved(left, redis_client, namespace):
    """Say whether what was left is in Redis, and nowhere else."""
    stored = [redis_client.hget(key, "raw") for key in redis_client.keys(Keys(namespace).callback("*"))]
    return stored == [REPLY] and not list(left.rglob("*.spool"))


def test_fastapi_moves_what_an_earlier_process_left_without_any_request(load, left, redis_client, namespace):
    with fastapi_client(fastapi_app(load("fastapi_route"))) as post:
        wait = asyncio.sleep
        until(lambda: post.runner.run(wait(0.01)) or is_moved(left, redis_client, namespace))


def test_flask_moves_what_an_earlier_process_left_without_any_request(load, left, redis_client, namespace):
    app = flask_app(load("flask_route"))
    until(lambda: is_moved(left, redis_client, namespace))
    app.extensions["octopush"].close()


def test_django_moves_what_an_earlier_process_left_without_any_request(
    django_view, left, redis_client, namespace, monkeypatch
):
    page = (DOCS / "callbacks.md").read_text("utf-8")
    [wsgi] = re.findall(r"^```python\n(# at the end of wsgi.py\n.*?)^```$", page, re.DOTALL | re.MULTILINE)
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.callbacks", django_view)
    exec(compile(wsgi, "wsgi.py", "exec"), {})

    until(lambda: is_moved(left, redis_client, namespace))
    django_view.intake().close()


def test_a_request_for_a_callback_moves_what_was_left_also_without_wsgi_py(
    django_post, left, redis_client, namespace
):
    assert django_post(f"/callbacks/{TOKEN}", b"", method="get") == (200, b"")

    until(lambda: is_moved(left, redis_client, namespace))


def test_the_application_of_django_moves_what_was_left_with_its_first_request(
    django_view, left, redis_client, namespace
):
    request_started.connect(callbacks.open_intake)
    try:
        # No page of callbacks, and not even one that is there.
        assert Client().get("/elsewhere").status_code == 404
        until(lambda: is_moved(left, redis_client, namespace))
    finally:
        callbacks.intake.forget()


def test_an_application_of_django_without_tokens_answers_its_first_request(django_view, monkeypatch):
    monkeypatch.delenv("CALLBACK_TOKENS")
    request_started.connect(callbacks.open_intake)

    assert Client().get("/elsewhere").status_code == 404


@contextmanager
def serving(server):
    """Run a server of WSGI in a thread; gives its port."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def uvicorn_serving(app):
    """Run uvicorn in a thread; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def serve(framework, request):
    """Serve a snippet as its framework's own server does."""
    if framework == "django":
        request.getfixturevalue("django_view")
        server = WSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
        server.set_app(WSGIHandler())
        return serving(server)
    module = request.getfixturevalue("load")(f"{framework}_route")
    if framework == "flask":
        return serving(make_server("127.0.0.1", 0, flask_app(module)))
    return uvicorn_serving(fastapi_app(module))


@pytest.mark.parametrize("framework", ["django", "flask", "fastapi"])
def test_the_token_stays_out_of_the_log_of_the_server(framework, request, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    # Our own servers silence this one, for the whole process, in three ways.
    caplog.set_level(logging.INFO, "uvicorn.access")
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "disabled", False)
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)
    with serve(framework, request) as port:
        url = f"http://127.0.0.1:{port}"
        for path in ("/elsewhere", f"/callbacks/{TOKEN}", f"/callbacks/{TOKEN}/replies/"):
            httpx.get(url + path, trust_env=False)
        until(lambda: "/elsewhere" in access_lines(caplog))
    assert TOKEN not in access_lines(caplog)


def access_lines(caplog) -> str:
    """All that was logged, but for what the client of this test says of itself."""
    return "\n".join(record.getMessage() for record in caplog.records if record.name != "httpx")
