"""CSV files as people export them: encodings, delimiters, quotes, headers, and the lines they are on."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers import Recipient
from worker.recipient_file import BadRow, FileProblem, open_recipients

A, B = "+33612345678", "+33687654321"


@pytest.fixture
def written(tmp_path):
    """Write a file and look at it."""

    def write(content, *wanted, encoding="utf-8", read_as=None, **options):
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return open_recipients(path, wanted, encoding=read_as, **options)

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends_are_found(written, encoding, delimiter, end):
    rows = [["First Name", "phone_number", "city"], ["Zoë", A, "Orléans"], ["Noël", B, ""]]
    file = written(end.join(delimiter.join(row) for row in rows) + end, "first_name", encoding=encoding)

    assert list(file.recipients()) == [Recipient(A, first_name="Zoë"), Recipient(B, first_name="Noël")]
    assert (file.rows, file.delimiter) == (2, delimiter)


def test_a_delimiter_within_quotes_in_the_header_is_none(written):
    file = written(f'"name, first; or so";phone_number\n"Zoë, a";{A}\n')

    assert list(file.recipients()) == [Recipient(A)]


def test_a_file_of_numbers_alone_needs_no_header(written):
    file = written(f"{A}\n{B}\n")

    assert [r.phone_number for r in file.recipients()] == [A, B]
    assert file.rows == 2


def test_without_a_column_of_that_name_the_first_holds_the_numbers(written):
    assert list(written(f"mobile;name\n{A};Zoë\n").recipients()) == [Recipient(A)]


def test_the_column_can_be_named(written):
    file = written(f"name;Mobile Phone\nZoë;{A}\n", column="mobile phone")

    assert list(file.recipients()) == [Recipient(A)]


def test_only_columns_that_the_text_uses_are_read(written):
    file = written(f"phone_number,first_name,param1,param2\n{A},Zoë,1,2\n", "param2", "nobody")

    assert list(file.recipients()) == [Recipient(A, param2="2")]


def test_empty_cells_are_no_values_and_short_rows_have_none(written):
    file = written(f"phone_number,first_name\n{A},  \n{B}\n", "first_name")

    assert list(file.recipients()) == [Recipient(A), Recipient(B)]


def test_a_row_with_more_cells_than_the_first_is_bad_but_keeps_its_place(written):
    file = written(f"phone_number,first_name\n{A},Zoë, of Paris\n{B},Noël,,\n", "first_name")

    assert list(file.recipients()) == [
        BadRow("more cells than the first row, which has 2"),
        Recipient(B, first_name="Noël"),
    ]


def test_lines_are_those_on_which_rows_begin(written):
    file = written(f'phone_number,note\n{A},"two\nlines"\n\n ,\n{B},one\n{A},"three\r\nmore\nlines"\n{B},\n')

    lines = [file.line_of(position) for position, _ in enumerate(file.recipients())]

    assert lines == [2, 6, 7, 10]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("\n\n  \n", "empty"),
        (f'phone_number\n{A}\n"{B}\n{A}\n', "line 3: the quotes"),
        (f'phone_number\n{A}\n"{B}"x\n', "line 3: the quotes"),
        (f"phone_number,Phone-Number\n{A},{B}\n", "phone_number is twice"),
        (b"phone_number,a\n+33612345678,\x81\xff\n", "encoding"),
    ],
)
def test_files_that_cannot_be_read_say_where_and_quote_nothing(written, content, says):
    with pytest.raises(FileProblem, match=says) as caught:
        written(content)
    assert A not in str(caught.value)


def test_columns_that_are_missing_are_named(written):
    with pytest.raises(FileProblem, match="first_name is not in the file, but the text uses it"):
        written(f"phone_number\n{A}\n", "first_name")
    with pytest.raises(FileProblem, match=r"mobile is not in the file$"):
        written(f"phone_number\n{A}\n", column="mobile")
    with pytest.raises(FileProblem, match="first_name is not"):
        written(f"{A},Zoë\n", "first_name")


def test_an_encoding_can_be_named(written):
    file = written(
        f"phone_number,first_name\n{A},Łukasz\n".encode("iso8859-2"), "first_name", read_as="iso8859-2"
    )

    assert list(file.recipients()) == [Recipient(A, first_name="Łukasz")]
    with pytest.raises(FileProblem, match="encoding"):
        written("phone_number\n", read_as="no-such")


def test_the_digest_tells_files_apart_and_equal_ones_together(written):
    one, same, other = (written(f"phone_number\n{n}\n").digest for n in (A, A, B))

    assert one == same != other


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\x1c\x1d\x1e\x85\u2028\u2029"), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(
    notes=st.lists(CELLS, min_size=1, max_size=20),
    delimiter=st.sampled_from([",", ";", "\t"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_a_spreadsheet_writes_is_read_row_by_row(tmp_path_factory, notes, delimiter, encoding):
    told = io.StringIO(newline="")
    writer = csv.writer(told, delimiter=delimiter)
    writer.writerow(["phone_number", "first_name"])
    writer.writerows([A, note] for note in notes)
    path = tmp_path_factory.mktemp("csv") / "list.csv"
    path.write_bytes(told.getvalue().encode(encoding))

    file = open_recipients(path, ["first_name"])

    assert [r.first_name for r in file.recipients()] == [note.strip() or None for note in notes]
    before = told.getvalue().encode().replace(b"\r\n", b"\n").splitlines()
    assert all(
        before[file.line_of(i) - 1].startswith(b"+") for i in range(len(notes)) if "\r" not in "".join(notes)
    )
