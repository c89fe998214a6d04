"""Who is suppressed stays so when the keys of pseudonyms change: queued, claimed, shared, in a slice.

An application and a worker first work under one key, then under a new one that writes and the old one that
still reads. Judged is whom a claim would POST to.
"""

import base64
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner

from producers.contract.secret import Secret
from producers.errors import WrongPseudonymKeys
from tests.support.hand_worker import numbers_of
from tests.support.marketing import TEMPLATE, Marketing
from tests.support.template_sends import number
from worker.cli import main
from worker.gateway.outcomes import Accepted

OLDEST, OLD, NEW = bytes(range(50, 90)), bytes(range(32)), bytes(range(100, 140))
SUPPRESSED = ("cancelled", "suppressed")
#: Stands for a file with a number in it.
LIST = "LIST"

Open = Callable[..., Marketing]


@pytest.fixture
def under(redis_client, redis_url) -> Iterator[Open]:
    """Open a house whose processes have these keys, the one that writes first."""
    made: list[Marketing] = []

    def opened(*keys: bytes, **rules) -> Marketing:
        secrets = tuple(Secret(base64.b64encode(key).decode()) for key in keys)
        made.append(Marketing(redis_client, redis_url, pseudonym_keys=secrets, **rules))
        return made[-1]

    yield opened
    for each in made:
        each.sms.close()


def posted(market: Marketing) -> set[str]:
    """Whom all that may leave now would go to."""
    return {each for claim in market.hand.take() for each in numbers_of(claim)}


def campaign(market: Marketing, people: int):
    to = [number(which) for which in range(people)]
    return market.sms.send_campaign(TEMPLATE.replace("{param1}", "20"), to, sender="Bistro", campaign_id="c")


# What is queued after the change, to somebody who was suppressed before it.


@pytest.mark.parametrize("shared", [False, True])
def test_one_message_is_over_at_once(under, shared):
    under(OLD).stop(0)
    after = under(NEW, OLD)
    after.send(0, "a", shared=shared)
    after.send(1, "b", shared=shared)

    assert after.state("a") == SUPPRESSED
    assert posted(after) == {number(1)}


def test_a_message_to_several_and_a_slice_leave_without_them(under):
    under(OLD).stop(1)
    after = under(NEW, OLD)

    assert after.send(range(3), "a").left_out == 1
    assert campaign(after, 4).suppressed == 1
    assert posted(after) == {number(0), number(2), number(3)}


def test_the_third_key_still_reads_what_the_first_wrote(under):
    under(OLDEST).stop(0)
    under(OLD, OLDEST).stop(1)
    after = under(NEW, OLD, OLDEST)

    assert after.send(range(3), "a").left_out == 2
    assert posted(after) == {number(2)}


def test_the_scope_of_a_sender_is_found_under_the_old_key(under):
    before = under(OLD, optout_scope="sender")
    before.send(0, "a")
    [claim] = before.hand.take()
    before.hand.finish(claim, Accepted("sms_a"))
    before.stop(0, message_id="sms_a")
    after = under(NEW, OLD, optout_scope="sender")
    after.send(0, "b")
    after.send(0, "c", sender="Shop")

    assert before.reasons() == {"sender:bistro": "callback"}
    assert after.state("b") == SUPPRESSED
    assert posted(after) == {number(0)}


# What was queued under one key, and a STOP that comes under another.


@pytest.mark.parametrize("keys", [((OLD,), (NEW, OLD)), ((OLD, NEW), (NEW, OLD)), ((NEW, OLD), (OLD, NEW))])
@pytest.mark.parametrize("shared", [False, True])
def test_what_waits_for_one_is_cancelled_in_the_step(under, keys, shared):
    before, after = under(*keys[0]), under(*keys[1])
    before.send(0, "a", shared=shared)
    before.send(0, "b", shared=shared, send_at="2100-01-01T10:00:00+01:00")
    before.send(1, "c", shared=shared)
    after.stop(0)

    assert before.state("a") == before.state("b") == SUPPRESSED
    assert [(each["cancelled"], set(each["cancelled_ids"].split())) for each in after.told] == [
        ("2", {"a", "b"})
    ]
    assert posted(after) == {number(1)}


def test_what_goes_to_several_leaves_without_them(under):
    before = under(OLD)
    before.send(range(3), "a")
    campaign(before, 4)
    after = under(NEW, OLD)
    after.stop(1)

    assert posted(after) == {number(0), number(2), number(3)}


def test_a_shared_call_is_composed_anew_without_them(under):
    before = under(OLD)
    for which in (0, 1):
        before.send(which, f"m{which}", shared=True)
    batch = before.hand.fetch()
    before.hand.ledger.compose(batch)
    after = under(NEW, OLD)
    after.stop(1)
    claims = [*before.hand.claim(batch), *after.hand.take()]

    assert {each for claim in claims for each in numbers_of(claim)} == {number(0)}
    assert after.state("m1") == SUPPRESSED


def test_a_start_lifts_what_was_noted_under_both_keys(under):
    under(OLD).stop(0)
    after = under(NEW, OLD)
    after.stop(0, stop_date="2026-01-31 14:00:00")
    after.write(0, "START", reception_date="2026-02-01 14:00:00")
    after.send(0, "a")

    assert after.reasons() == {}
    assert posted(after) == {number(0)}


# Who lacks the key.


@pytest.mark.parametrize("keys", [(NEW,), ()])
def test_nobody_is_taken_for_free_by_who_lacks_the_key(under, keys, redis_client):
    under(OLD).stop(0)
    wrong = under(*keys)
    for ask in (
        lambda: wrong.send(0, "a"),
        lambda: wrong.send(0, "a", shared=True),
        lambda: wrong.send(range(3), "a"),
        lambda: campaign(wrong, 3),
        lambda: wrong.stop(1),
        lambda: wrong.write(1, "START"),
    ):
        with pytest.raises(WrongPseudonymKeys):
            ask()
    assert redis_client.hlen("{sms}:suppressed") == 1
    assert not list(redis_client.scan_iter("{sms}:record:*"))


@pytest.mark.parametrize("keys", [(NEW,), ()])
@pytest.mark.parametrize(
    "line",
    [
        ("suppress", "check", number(0)),
        ("suppress", "add", number(1), "--reason", "asked"),
        ("suppress", "remove", number(0), "--reason", "asked"),
        ("suppress", "import", LIST),
        ("person", "export", number(0)),
        ("person", "erase", number(0), "--yes"),
        ("consent", "check", number(0)),
    ],
    ids=" ".join,
)
def test_a_command_that_lacks_the_key_does_nothing(under, redis_client, redis_url, tmp_path, keys, line):
    under(OLD).stop(0)
    before = redis_client.hgetall("{sms}:suppressed")
    written = ",".join(base64.b64encode(key).decode() for key in keys)
    listed = tmp_path / "numbers.csv"
    listed.write_text(f"number\n{number(1)}\n", "utf-8")
    line = [str(listed) if part == LIST else part for part in line]
    done = CliRunner().invoke(main, line, env={"REDIS_URL": redis_url, "PSEUDONYM_KEYS": written})

    assert done.exit_code != 0
    assert "PSEUDONYM_KEYS" in done.output
    assert redis_client.hgetall("{sms}:suppressed") == before
