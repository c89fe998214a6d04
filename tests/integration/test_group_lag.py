"""How far a group is behind is told truly where Redis counts wrongly, as Redis 7.0 does after a failover."""

import json

import pytest
import redis
from click.testing import CliRunner

from producers.contract.group_lag import COUNTED, Lag, at_most_all, true_lag
from producers.contract.keys import Keys
from producers.contract.scripts import Command
from producers.contract.steps import drive
from tests.support.scraping import Scraped, scrape
from tests.support.server_pair import ServerPair
from tests.support.waiting import until
from worker.callbacks.group_counts import _MEND, AT_ONCE, GroupCounts
from worker.cli import main
from worker.inquiry.feeds import read_feeds

KEYS = Keys()
STREAM = KEYS.stream("replies")


def group_of(client: redis.Redis) -> dict:
    [told] = client.xinfo_groups(STREAM)
    return told


def fill(client: redis.Redis, entries: int, read: int) -> None:
    """Append entries, of which the group `shop` has been given the first."""
    with client.pipeline(transaction=False) as pipeline:
        pipeline.xgroup_create(STREAM, "shop", "0", mkstream=True)
        for number in range(entries):
            pipeline.xadd(STREAM, {"n": number})
        if read:
            pipeline.xreadgroup("shop", "one", {STREAM: ">"}, count=read)
        pipeline.execute()


def count_wrongly(client: redis.Redis, read: int) -> None:
    """Let Redis believe that the group was given so many entries, as a replica does that was not told."""
    last = group_of(client)["last-delivered-id"]
    client.execute_command("XGROUP", "SETID", STREAM, "shop", last, "ENTRIESREAD", read)


def looked_at(client: redis.Redis) -> Lag:
    [group] = drive(read_feeds(KEYS), client)["replies"].get().groups
    return group.lag


def scraped(url: str) -> float | None:
    of = ("octopush_group_lag", frozenset({("stream", "replies"), ("group", "shop")}))
    return Scraped(scrape(url)).samples.get(of)


def doctored(url: str, **environment: str) -> dict[str, str]:
    told = CliRunner().invoke(main, ["doctor", "--json"], env={"REDIS_URL": url, **environment})
    return {
        each["level"]: each["finding"]
        for each in json.loads(told.output)["findings"]
        if each["check"].startswith("feeds.") and "group shop" in each["finding"]
    }


def test_a_group_that_has_read_everything_is_behind_by_nothing_whatever_redis_says(redis_client, redis_url):
    fill(redis_client, 300, read=300)
    count_wrongly(redis_client, 0)
    assert group_of(redis_client)["lag"] == 300

    assert looked_at(redis_client) == Lag(0)
    assert doctored(redis_url) == {"ok": "The group shop of replies is 0 entries behind, 300 under way."}
    counts = GroupCounts(redis_client, KEYS)
    assert (counts.look(), counts.look()) == (1, 0)
    assert scraped(redis_url) == group_of(redis_client)["lag"] == 0

    redis_client.xadd(STREAM, {"n": 300})
    assert scraped(redis_url) == 1


def test_a_replica_that_was_promoted_is_corrected(tmp_path):
    """Redis 7.0.15 tells replicas no count: what was read since they came is lag after the failover."""
    with ServerPair(tmp_path) as pair, redis.Redis(port=pair.new.port) as new:
        with redis.Redis(port=pair.old.port) as old:
            fill(old, 50, read=5)
            new.replicaof("NO", "ONE")
            new.replicaof("127.0.0.1", pair.old.port)
            until(lambda: new.info("replication")["master_link_status"] == "up")
            old.xreadgroup("shop", "one", {STREAM: ">"})
        pair.crash()
        if new.info("server")["redis_version"].startswith("7.0."):
            assert group_of(new)["lag"] == scraped(pair.url) == 45

        assert looked_at(new) == Lag(0)
        GroupCounts(new, KEYS).look()
        assert scraped(pair.url) == group_of(new)["lag"] == 0


@pytest.mark.parametrize("wrong", [0, 1300 - AT_ONCE + 1], ids=["too far", "too near"])
def test_what_a_group_was_not_given_is_counted_in_steps_and_given_as_before(redis_client, redis_url, wrong):
    fill(redis_client, 1300, read=100)
    redis_client.xtrim(STREAM, maxlen=1250, approximate=False)
    count_wrongly(redis_client, wrong)
    assert scraped(redis_url) == min(group_of(redis_client)["lag"], 1250)

    assert GroupCounts(redis_client, KEYS).look() == 1

    assert group_of(redis_client)["lag"] == scraped(redis_url) == 1200
    assert looked_at(redis_client) == Lag(1200)
    assert group_of(redis_client)["pending"] == 100
    [(_, [(_, fields)])] = redis_client.xreadgroup("shop", "two", {STREAM: ">"}, count=1)
    assert fields == {b"n": b"100"}


def test_a_group_of_which_redis_is_right_is_left_as_it_is(redis_client):
    fill(redis_client, entries=5, read=2)
    before = group_of(redis_client)

    assert GroupCounts(redis_client, KEYS).look() == 0
    assert group_of(redis_client) == before


def test_a_count_that_can_be_right_is_not_gone_through_to_its_end(redis_client):
    fill(redis_client, 3 * AT_ONCE, read=1)

    redis_client.config_resetstat()

    assert GroupCounts(redis_client, KEYS).look() == 0
    assert redis_client.info("commandstats")["cmdstat_xrange"]["calls"] == 1


def test_a_group_that_was_given_more_meanwhile_is_left_alone(redis_client):
    fill(redis_client, 10, read=2)
    before = group_of(redis_client)["last-delivered-id"].decode()
    redis_client.xreadgroup("shop", "one", {STREAM: ">"}, count=3)
    count_wrongly(redis_client, 0)
    after = group_of(redis_client)

    given = {"stream": "replies", "group": "shop", "delivered": before, "after": before}
    given |= {"counted": 0, "most": 9}
    assert Command(_MEND, KEYS.prefix, given, list).run(redis_client) == [b"", 0, 0]
    gone = {**given, "group": "nobody"}
    assert Command(_MEND, KEYS.prefix, gone, list).run(redis_client) == [b"", 0, 0]

    assert group_of(redis_client) == after


def test_where_unread_entries_were_deleted_it_is_counted_until_redis_can_count_again(redis_client, redis_url):
    fill(redis_client, 10, read=2)
    entries = redis_client.xrange(STREAM)
    redis_client.xdel(STREAM, entries[4][0])
    counts = GroupCounts(redis_client, KEYS)

    assert (group_of(redis_client)["lag"], scraped(redis_url), counts.look()) == (None, None, 0)
    assert looked_at(redis_client) == Lag(7)

    redis_client.xreadgroup("shop", "one", {STREAM: ">"}, count=4)
    counts.look()
    assert looked_at(redis_client) == Lag(3)
    assert scraped(redis_url) == 3


def test_the_doctor_says_so_where_nobody_knows_how_far_a_group_is_behind(redis_client, redis_url):
    fill(redis_client, COUNTED + 20, read=1)
    count_wrongly(redis_client, COUNTED + 20)

    said = f"The group shop of replies is at least {COUNTED} entries behind"
    assert doctored(redis_url) == {"ok": f"{said}, 1 under way."}
    # It may be more than half of what the stream keeps.
    [(level, words)] = doctored(redis_url, STREAM_MAXLEN="230").items()
    assert (level, words.startswith(said)) == ("advice", True)
    assert "warning" in doctored(redis_url, STREAM_MAXLEN="150")


@pytest.mark.parametrize(
    ("told", "length", "unread", "from_first", "lag"),
    [
        (5_000, 200, 0, False, Lag(0)),
        (0, 200, 7, False, Lag(7)),
        (None, 200, 7, False, Lag(7)),
        (150, 200, COUNTED, False, Lag(150)),
        (201, 200, COUNTED, False, Lag(COUNTED, at_least=True)),
        (COUNTED - 1, 200, COUNTED, False, Lag(COUNTED, at_least=True)),
        (None, 200, COUNTED, False, Lag(COUNTED, at_least=True)),
        (5_000, 200, COUNTED, True, Lag(200)),
    ],
)
def test_the_figure_of_redis_is_taken_only_where_it_can_be_right(told, length, unread, from_first, lag):
    entries = [(f"{number}-0", {}) for number in range(1, unread + 1)]
    first = [("1-0" if from_first else "0-1", {})]

    assert true_lag(told, length, first, entries) == lag


@pytest.mark.parametrize(("told", "most"), [(None, None), (5, 5), (11, 10), (-3, 0)])
def test_nobody_is_behind_by_more_than_there_is(told, most):
    assert at_most_all(told, 10) == most
