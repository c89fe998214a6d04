"""Pages of streams and sorted sets: each row once, whatever comes and goes, at a bounded cost."""

import pytest

from producers.contract.steps import drive
from worker.inquiry.paging import PAGE, BadCursor, Page, read_place, read_sorted, read_stream

KEY = "{sms}:rows"


def all_pages(client, ask) -> list[Page]:
    pages = [drive(ask(None), client)]
    while pages[-1].cursor is not None:
        pages.append(drive(ask(pages[-1].cursor), client))
    return pages


def test_a_stream_is_read_from_the_newest_entry_back(redis_client):
    ids = [redis_client.xadd(KEY, {"n": n}).decode() for n in range(2 * PAGE + 1)]

    pages = all_pages(redis_client, lambda cursor: read_stream(KEY, cursor))

    assert [len(page.rows) for page in pages] == [PAGE, PAGE, 1]
    assert [entry.id for page in pages for entry in page.rows] == ids[::-1]
    assert pages[0].rows[0].fields == {"n": str(2 * PAGE)}


def test_a_list_that_fills_its_last_page_ends_with_it(redis_client):
    for n in range(PAGE):
        redis_client.xadd(KEY, {"n": n})

    [page] = all_pages(redis_client, lambda cursor: read_stream(KEY, cursor))

    assert len(page.rows) == PAGE


def test_an_empty_list_is_one_empty_page(redis_client):
    assert drive(read_stream(KEY), redis_client) == Page(())
    assert drive(read_sorted(KEY), redis_client) == Page(())


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_sorted_set_is_read_once_although_many_members_share_a_score(redis_client, newest_first):
    names = [f"member-{n:03}" for n in range(2 * PAGE + 7)]
    redis_client.zadd(KEY, {name: 1_764_000_000_000 + n // 60 for n, name in enumerate(names)})

    pages = all_pages(redis_client, lambda cursor: read_sorted(KEY, cursor, newest_first=newest_first))

    read = [member.name for page in pages for member in page.rows]
    assert read == (names[::-1] if newest_first else names)


@pytest.mark.parametrize("newest_first", [False, True])
def test_what_leaves_between_two_pages_leaves_no_gap(redis_client, newest_first):
    names = [f"member-{n:03}" for n in range(2 * PAGE)]
    redis_client.zadd(KEY, {name: n for n, name in enumerate(names)})
    first = drive(read_sorted(KEY, newest_first=newest_first), redis_client)

    redis_client.zrem(KEY, *(member.name for member in first.rows))
    second = drive(read_sorted(KEY, first.cursor, newest_first=newest_first), redis_client)

    shown = {member.name for page in (first, second) for member in page.rows}
    assert shown == set(names)


def test_a_cursor_whose_member_moved_goes_on_where_it_stood(redis_client):
    redis_client.zadd(KEY, {f"member-{n:03}": n for n in range(2 * PAGE)})
    first = drive(read_sorted(KEY), redis_client)

    redis_client.zadd(KEY, {first.rows[-1].name: 10_000})
    second = drive(read_sorted(KEY, first.cursor), redis_client)

    assert second.rows[0].name == f"member-{PAGE:03}"


@pytest.mark.parametrize("cursor", ["", "x", "1", "nan~a", "inf~a", "1e~a"])
def test_a_cursor_that_somebody_made_up_is_refused(redis_client, cursor):
    with pytest.raises(BadCursor):
        read_place(cursor)
    with pytest.raises(BadCursor):
        drive(read_stream(KEY, cursor or "0"), redis_client)


def test_bytes_that_are_no_text_can_be_shown(redis_client):
    redis_client.xadd(KEY, {b"\xff": b"\xfe"})

    [entry] = drive(read_stream(KEY), redis_client).rows

    assert entry.fields == {"\ufffd": "\ufffd"}
    assert entry.raw == {b"\xff": b"\xfe"}
