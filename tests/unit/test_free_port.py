"""Where servers of the sandbox get their ports."""

import socket

import pytest

from worker.sandbox import free_port as ports


@pytest.fixture
def one_below(monkeypatch, tmp_path):
    """A system that lends all ports but one of those that are looked at."""
    port = ports.free_port()
    told = tmp_path / "ip_local_port_range"
    told.write_text(f"{port + 1}\t60999\n", "ascii")
    monkeypatch.setattr(ports, "_LENT", told)
    monkeypatch.setattr(ports, "_LOWEST", port)
    return port


def test_a_port_is_one_that_the_system_lends_to_nobody(one_below):
    assert ports.free_port() == one_below


def test_where_all_of_these_are_taken_it_is_any_free_one(one_below):
    with socket.create_server(("127.0.0.1", one_below)):
        assert ports.free_port() not in {0, one_below}


def test_where_the_system_does_not_tell_what_it_lends_it_is_any_free_one(monkeypatch, tmp_path):
    monkeypatch.setattr(ports, "_LENT", tmp_path / "absent")

    with socket.create_server(("127.0.0.1", ports.free_port())) as server:
        assert server.getsockname()[1] > 0
