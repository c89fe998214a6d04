"""Connections to the gateway: kept or fresh, and cut at the worst moment."""

import pytest

from tests.support.installation import IMPATIENT


def send_in_a_row(installation, count=6):
    """Let the worker make all these calls one after the other."""
    before = installation.gateway.stats()["connections_opened"]
    sends = []
    for _ in range(count):
        sends.append(installation.send())
        assert installation.settled(sends[-1]).state == "accepted"
    return sends, installation.gateway.stats()["connections_opened"] - before


@pytest.fixture(scope="module")
def shared(install_for_module):
    return install_for_module(**IMPATIENT)


def test_a_connection_serves_one_call_after_the_other(installation):
    _, opened = send_in_a_row(installation)

    assert opened == 1


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_kept_connection_that_dies_on_its_next_use_sends_nothing_twice(installation, how):
    installation.gateway.settings(on_reuse=how)

    sends, opened = send_in_a_row(installation)

    assert opened > 1
    assert [len(installation.handset(s)) for s in sends] == [1] * len(sends)


def test_fresh_connections_are_opened_for_each_call_where_asked_for(install):
    installation = install(OCTOPUSH_FRESH_CONNECTIONS="1")

    sends, opened = send_in_a_row(installation)

    assert opened == len(sends)
