"""Rows that are to be mended: written as they stand, read again as they were, and never over mended ones."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers import Recipient
from worker.lists.columns import Asked
from worker.lists.list_file import open_list
from worker.lists.mending import AlreadyThere, mending
from worker.lists.recipient_file import open_recipients

A, B = "+33612345678", "+33687654321"


@pytest.fixture
def mended(tmp_path):
    """Write a list, take some rows out of it, and name the file that they are in."""
    bad = tmp_path / "bad.csv"

    def take(content, *positions, encoding="utf-8", read_as=None):
        path = tmp_path / "list.csv"
        path.write_text(content, encoding, newline="")
        listed = open_list(path, Asked(), read_as)
        with mending(listed, bad) as taken:
            for position, _ in enumerate(listed.rows()):
                if position in positions:
                    taken.take(position, f"what, {position}")
        return bad

    return take


def test_rows_stand_with_their_titles_and_what_is_wrong(mended):
    path = mended(f"Mobile\tNom\n{A}\tx\n?\tZoë, a\n{B}\ty\n", 1)

    assert path.read_bytes().decode("utf-8-sig") == "problem\tMobile\tNom\r\nwhat, 1\t?\tZoë, a\r\n"


def test_a_row_with_too_many_cells_keeps_them_all(mended):
    path = mended(f"Mobile;first_name\n{A};Zoë;x\n", 0)

    assert path.read_text("utf-8-sig").splitlines()[1] == f"what, 0;{A};Zoë;x"


def test_a_list_without_titles_gets_none(mended):
    assert mended(f"{A};x\n?;y\n", 1).read_text("utf-8-sig") == "?;y\n"


def test_a_second_round_says_anew_what_is_wrong(mended, tmp_path):
    first = mended("Mobile;Nom\n?;x\n", 0).read_text("utf-8-sig")
    (tmp_path / "bad.csv").unlink()

    assert mended(first, 0).read_text("utf-8-sig") == first


def test_an_encoding_that_was_named_stays(mended):
    path = mended("Mobile;Nom\n?;Łukasz\n", 0, encoding="iso8859-2", read_as="iso8859-2")

    assert "Łukasz" in path.read_text("iso8859-2")


def test_no_row_is_no_file_and_nothing_stays_behind(mended, tmp_path):
    assert not mended(f"Mobile\n{A}\n").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["list.csv"]


def test_a_file_with_other_rows_stays_and_one_with_the_same_is_fine(mended, tmp_path):
    path = mended("Mobile\n?\n", 0)
    assert mended("Mobile\n?\n", 0) == path
    path.write_text("mended")

    with pytest.raises(AlreadyThere):
        mended("Mobile\n?\n", 0)
    assert path.read_text() == "mended"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.csv", "list.csv"]


CELLS = st.text(st.sampled_from("aZé ,;\t'\"-0\n"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(names=st.lists(CELLS, min_size=1, max_size=8), delimiter=st.sampled_from(",;\t"))
def test_what_was_taken_out_is_read_again_as_it_was(tmp_path_factory, names, delimiter):
    told = io.StringIO(newline="")
    writer = csv.writer(told, delimiter=delimiter)
    writer.writerow(["Mobile", "first_name"])
    writer.writerows([A, name] for name in names)
    place = tmp_path_factory.mktemp("csv")
    (place / "list.csv").write_text(told.getvalue(), "utf-8", newline="")
    before = open_recipients(place / "list.csv", ["first_name"])
    with mending(before.listed, place / "bad.csv") as taken:
        for position, _ in enumerate(before.recipients()):
            taken.take(position, "why; and, why")

    after = open_recipients(place / "bad.csv", ["first_name"])

    assert list(after.recipients()) == [Recipient(A, first_name=name.strip() or None) for name in names]
