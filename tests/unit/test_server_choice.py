"""Which server the sandbox and the tests start."""

import shutil
import subprocess
import sys

import pytest

from worker.sandbox.redis_server import NoServerError, find_binary


def test_a_path_is_taken_as_it_is(monkeypatch):
    monkeypatch.setenv("SANDBOX_SERVER", sys.executable)

    assert find_binary() == sys.executable


def test_valkey_is_valkey_also_where_redis_is_installed(monkeypatch):
    monkeypatch.setenv("SANDBOX_SERVER", "valkey")

    version = subprocess.run([find_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("Valkey")


@pytest.mark.parametrize("wanted", ["redis", "/no/such/server"])
def test_what_is_not_there_is_not_replaced_by_another(monkeypatch, wanted):
    monkeypatch.setenv("SANDBOX_SERVER", wanted)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(NoServerError):
        find_binary()


def test_without_a_wish_any_server_will_do(monkeypatch):
    monkeypatch.delenv("SANDBOX_SERVER", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    assert "valkey" in find_binary()
