"""Hours that open and close while all sending is held and workers die; by a clock that is set."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.installation import API_KEY, Installation, new_number
from tests.support.set_clock import SetClock, clock, leaping_server

__all__ = ["clock", "leaping_server"]

TEXT = "Sale STOP au 30101"
#: What a worker says whose account is in trouble still.
IN_VAIN = '"account.still_held"'
STRICT = {"MARKETING_HOURS_FR": "strict", "MARKETING_HOURS_OTHER": "08:00-20:00"}


@pytest.fixture
def install(tmp_path) -> Iterator[Callable[..., Installation]]:
    """Install everything on the server whose clock is set."""
    with ExitStack() as stopping:
        yield lambda url: stopping.enter_context(Installation(tmp_path, url, **STRICT))


def hold(there: Installation) -> None:
    """Let the account be in trouble: an alert finds out."""
    there.gateway.settings(api_key="another-key")
    there.send()
    there.wait_for(lambda: there.redis.exists(there.keys.hold))


def swap(there: Installation) -> None:
    """Let the worker die, and another one begin."""
    there.worker.kill()
    there.worker.start()


def release(there: Installation) -> None:
    """Let the account be well again."""
    there.gateway.settings(api_key=API_KEY)
    there.command("release")


def sent_to(there: Installation, *numbers: str) -> list[int]:
    """How often the handset of each shows something."""
    return [len(there.gateway.messages(number=each)) for each in numbers]


def test_a_gate_that_opens_while_sending_is_held_lets_nothing_go_before_the_release(clock: SetClock, install):
    clock.set("2027-03-30T07:30")
    there = install(clock.url)
    numbers = [new_number() for _ in range(3)]
    sales = [there.send(TEXT, to=number, purpose="wholesale") for number in numbers]
    there.wait_for(lambda: all(there.status(sale).held for sale in sales))
    hold(there)
    clock.set("2027-03-30T08:02")
    swap(there)
    # A worker is there that would let them go, and asks for the account in vain.
    asked = there.worker.output.count(IN_VAIN)
    there.wait_for(lambda: there.worker.output.count(IN_VAIN) > asked)
    assert sent_to(there, *numbers) == [0, 0, 0]
    swap(there)
    release(there)

    assert there.all_settled(sales) == {"accepted"}
    assert sent_to(there, *numbers) == [1, 1, 1]


def test_what_was_held_until_after_the_closing_waits_for_the_next_opening_of_its_zone(
    clock: SetClock, install
):
    clock.set("2027-03-30T17:00")
    there = install(clock.url)
    hold(there)
    numbers = [new_number(), "+262692123456"]
    mainland, island = [there.send(TEXT, to=number, purpose="wholesale") for number in numbers]
    # In Réunion it is half past eight in the evening.
    clock.set("2027-03-30T18:30")
    swap(there)
    release(there)
    assert there.settled(mainland).state == "accepted"
    there.wait_for(lambda: there.status(island).held)
    assert sent_to(there, *numbers) == [1, 0]

    clock.set("2027-03-31T06:02")
    assert there.settled(island).state == "accepted"
    assert sent_to(there, *numbers) == [1, 1]
