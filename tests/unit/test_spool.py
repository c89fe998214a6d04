"""The files of the spool: what was kept can be read back, whatever happened to its end."""

import os
import stat
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.intake import spool_file
from producers.intake.raw_callback import RawCallback
from producers.intake.spool import FILE_BYTES, Spool, SpoolFull, TooMuch
from producers.intake.spool_file import DamagedFile, Orphan, SpooledCallback, SpoolFile, pack, unpack

MIB = 1024 * 1024
ALLOWED = {"replies": 64 * MIB, "unreadable": 64 * MIB}

callbacks = st.builds(
    RawCallback,
    st.text(max_size=8),
    st.text(max_size=8),
    st.binary(max_size=80),
    st.just(""),
    st.just("t"),
    st.just("replies"),
)


def reply(number, size=100, sort="replies"):
    return RawCallback(f"id{number}", "replies", b"x" * size, "", "token", sort)


def spool_in(directory, most=64 * MIB, allowed=ALLOWED):
    return Spool(directory / "spool", most, allowed)


def kept(spool):
    """Return the ids of all callbacks that nobody writes any more, and delete them."""
    found = []
    for orphan in spool.orphans():
        found += [each.callback.id for each in unpack(orphan.read())]
        orphan.remove()
    return found


@given(st.lists(callbacks, max_size=6), st.data())
def test_a_file_that_was_cut_anywhere_gives_back_all_whole_records(some, data):
    records = [pack(SpooledCallback.now(each)) for each in some]
    content = b"".join(records)
    cut = data.draw(st.integers(0, len(content)))
    whole = [sum(map(len, records[: n + 1])) <= cut for n in range(len(records))]
    assert [each.callback for each in unpack(content[:cut])] == some[: sum(whole)]


@given(st.lists(callbacks, min_size=1, max_size=5), st.data())
def test_a_changed_byte_is_noticed_wherever_it_is(some, data):
    records = [pack(SpooledCallback.now(each)) for each in some]
    content = bytearray(b"".join(records))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedFile):
        list(unpack(bytes(content)))


def test_what_a_newer_version_wrote_is_no_reason_to_drop_it():
    body = b"\x91\xc0"
    head = len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big")
    with pytest.raises(DamagedFile):
        list(unpack(head + zlib.crc32(head).to_bytes(4, "big") + body))


def test_zeros_at_the_end_are_no_record():
    record = pack(SpooledCallback.now(reply(1)))
    for end in (bytes(4096), bytes(5), record[:12] + bytes(len(record) - 12)):
        assert len(list(unpack(record + end))) == 1


def test_files_and_directory_are_for_this_user_alone(tmp_path):
    spool = spool_in(tmp_path)
    spool.keep(reply(1))
    [path] = (tmp_path / "spool").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_being_written_is_drained_by_nobody_until_it_is_given_up(tmp_path):
    writer, other = spool_in(tmp_path), spool_in(tmp_path)
    writer.keep(reply(1))
    assert kept(other) == []
    writer.close()
    assert kept(other) == ["id1"]
    assert other.is_empty


def test_two_who_drain_never_hold_the_same_file(tmp_path):
    spool = spool_in(tmp_path)
    spool.keep(reply(1))
    spool.close()
    seen = []
    for orphan in spool.orphans():
        seen.append(kept(spool_in(tmp_path)))
        orphan.remove()
    assert seen == [[]]


def test_a_file_that_is_taken_for_an_orphan_as_it_is_made_is_made_again(tmp_path, monkeypatch):
    spool, taken = spool_in(tmp_path), []

    def lock(file, operation):
        if operation == spool_file.fcntl.LOCK_EX and not taken:
            [path] = (tmp_path / "spool").iterdir()
            taken.append(path)
            path.unlink()

    monkeypatch.setattr(spool_file.fcntl, "flock", lock)
    spool.keep(reply(1))
    spool.close()
    monkeypatch.undo()
    assert taken
    assert kept(spool) == ["id1"]


def test_the_room_is_bounded_over_all_processes(tmp_path):
    one, other = spool_in(tmp_path, most=20_000), spool_in(tmp_path, most=20_000)
    one.keep(reply(1, 9_000))
    other.keep(reply(2, 9_000))
    for full in (one, other):
        assert not full.has_room
        with pytest.raises(SpoolFull):
            full.keep(reply(3, 9_000))
    one.close()
    other.close()
    assert sorted(kept(one)) == ["id1", "id2"]
    one.keep(reply(4, 9_000))


def test_what_cannot_be_the_gateways_leaves_most_of_the_room(tmp_path):
    spool = spool_in(tmp_path, most=100_000)
    for number in range(2):
        spool.keep(reply(number, 10_000, "unreadable"))
    with pytest.raises(SpoolFull):
        spool.keep(reply(3, 10_000, "unreadable"))
    for number in range(7):
        spool.keep(reply(number, 10_000))


def test_a_token_may_bring_as_much_as_while_redis_is_there(tmp_path):
    spool = spool_in(tmp_path, allowed={"replies": 1_000, "unreadable": 1_000})
    for number in range(2):
        spool.keep(reply(number, 200))
    with pytest.raises(TooMuch):
        spool.keep(reply(3, 200))
    spool.keep(reply(4, 200, "unreadable"))


def test_a_disk_without_room_leaves_no_half_record(tmp_path, monkeypatch):
    spool = spool_in(tmp_path)
    spool.keep(reply(1))
    write = os.write

    def half(file, data):
        if len(data) > 300:
            return write(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool_file.os, "write", half)
    with pytest.raises(SpoolFull):
        spool.keep(reply(2, 400))
    monkeypatch.undo()
    spool.keep(reply(3))
    spool.close()
    assert kept(spool) == ["id1", "id3"]


def test_nobody_is_told_that_a_callback_is_safe_whose_fsync_failed(tmp_path, monkeypatch):
    spool = spool_in(tmp_path)
    spool.keep(reply(1))

    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(spool_file.os, "fsync", fail)
    with pytest.raises(SpoolFull):
        spool.keep(reply(2))
    monkeypatch.undo()
    spool.keep(reply(3))
    spool.close()
    # The second may be there: the gateway was told no, and may bring it again.
    assert [each for each in kept(spool) if each != "id2"] == ["id1", "id3"]


def test_a_long_outage_fills_many_files(tmp_path):
    spool = spool_in(tmp_path)
    for number in range(30):
        spool.keep(reply(number, 60_000))
    assert len(list((tmp_path / "spool").iterdir())) == 2
    assert FILE_BYTES < spool.fill().bytes < 2 * FILE_BYTES
    spool.close()
    assert kept(spool) == [f"id{number}" for number in range(30)]


def test_many_threads_share_a_spool(tmp_path):
    spool = spool_in(tmp_path)

    def keep(first):
        for number in range(first, first + 50):
            spool.keep(reply(number))

    threads = [threading.Thread(target=keep, args=(first,)) for first in range(0, 400, 50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    spool.close()
    assert sorted(kept(spool)) == sorted(f"id{number}" for number in range(400))


def test_a_directory_that_cannot_be_made_keeps_nothing_and_says_so(tmp_path):
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(SpoolFull):
        spool_in(tmp_path).keep(reply(1))


def test_a_damaged_file_is_kept_for_a_person(tmp_path):
    path = tmp_path / "a.spool"
    SpoolFile(path).close()
    with Orphan(path) as orphan:
        orphan.put_away()
    assert [each.name for each in tmp_path.iterdir()] == ["a.damaged"]


@pytest.mark.parametrize(
    ("clock_ms", "up_ms", "age"),
    [(5_000, 5_000, 5_000), (3_605_000, 5_000, 5_000), (-9_000, 5_000, 0), (5_000, -99, 5_000)],
)
def test_the_age_is_what_both_clocks_agree_on(monkeypatch, clock_ms, up_ms, age):
    came = SpooledCallback(1_700_000_000_000, 1_000_000, reply(1))
    monkeypatch.setattr(spool_file.time, "time_ns", lambda: (1_700_000_000_000 + clock_ms) * 1_000_000)
    monkeypatch.setattr(spool_file.time, "monotonic_ns", lambda: (1_000_000 + up_ms) * 1_000_000)
    assert came.age_ms() == age
