"""CSV files as people export them: encodings, delimiters, quotes, headers, and the lines they are on."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers import Recipient
from worker.lists.columns import FileProblem
from worker.lists.list_file import BadRow
from worker.lists.recipient_file import open_recipients

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
    assert (file.rows, file.layout.delimiter) == (2, delimiter)


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
        (f"phone_number\n{A}\n".encode("utf-16")[2:], "UTF-16 without its mark"),
        (f"phone_number,a\n{A},{'x' * 200_000}\n", "line 2: .* too long"),
        (
            f"Mobile 1;Mobile 2\n{A};{B}\n",
            "several columns hold numbers; name one with --column: Mobile 1, Mobile 2",
        ),
        (f"x;y\n{A};{B}\n", "several columns hold numbers"),
    ],
)
def test_files_that_cannot_be_read_say_where_and_quote_nothing(written, content, says):
    with pytest.raises(FileProblem, match=says) as caught:
        written(content)
    assert A not in str(caught.value)


def test_columns_that_are_missing_are_named(written):
    with pytest.raises(FileProblem, match="first_name is not in the file, but the text uses it"):
        written(f"phone_number\n{A}\n", "first_name")
    with pytest.raises(FileProblem, match=r"Mobile is not in the file; columns found: phone_number, Note$"):
        written(f"phone_number,Note\n{A},x\n", column="Mobile")
    with pytest.raises(FileProblem, match=r"first_name is not in the file, .* it has no titles"):
        written(f"{A},Zoë\n", "first_name")
    with pytest.raises(FileProblem, match=r"columns found: \(no title\), Zoë$") as caught:
        written(f"{A},Zoë\n", column="Mobile")
    assert A not in str(caught.value)
    with pytest.raises(FileProblem, match="one column cannot be two things"):
        written(f"phone_number,Nom\n{A},x\n", "first_name", "last_name", titles={"first_name": "Nom"})


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


@pytest.mark.parametrize(
    ("titles", "row", "found"),
    [
        ("Prénom;Nom;Téléphone", f"Zoë;Noël;{A}", Recipient(A, first_name="Zoë", last_name="Noël")),
        ("NOM;PRENOM;PORTABLE", f"Noël;Zoë;{A}", Recipient(A, first_name="Zoë", last_name="Noël")),
        (
            "First Name,Surname,Phone number",
            f"Zoë,Noël,{A}",
            Recipient(A, first_name="Zoë", last_name="Noël"),
        ),
        (
            "nom de famille;prénom;N° de tél.",
            f"Noël;Zoë;{A}",
            Recipient(A, first_name="Zoë", last_name="Noël"),
        ),
        (
            "id;Tél fixe;Mobile;Prénom;Nom",
            f"7;+33123456789;{A};Zoë;Noël",
            Recipient(A, first_name="Zoë", last_name="Noël"),
        ),
        (
            "Téléphone;Mobile;first_name;last_name",
            f"+33123456789;{A};Zoë;Noël",
            Recipient(A, first_name="Zoë", last_name="Noël"),
        ),
        (
            "Phone 1 - Type,Phone 1 - Value,First-Name,Last_Name",
            f"Mobile,{A},Zoë,Noël",
            Recipient(A, first_name="Zoë", last_name="Noël"),
        ),
        (
            "client_id;contact;prénom;nom",
            f"10023456;{A};Zoë;Noël",
            Recipient(A, first_name="Zoë", last_name="Noël"),
        ),
        ("first_name;prénom;nom;gsm", f"Zoë;x;Noël;{A}", Recipient(A, first_name="Zoë", last_name="Noël")),
        ("\ufeff\ufeffNom;Prénom;Mobile", f"Noël;Zoë;{A}", Recipient(A, first_name="Zoë", last_name="Noël")),
        (
            '\ufeff"Nom";"Prénom";"Mobile"',
            f'"Noël";"Zoë";"{A}"',
            Recipient(A, first_name="Zoë", last_name="Noël"),
        ),
        ("sep=;\nNom;Prénom;Mobile", f"Noël;Zoë;{A}", Recipient(A, first_name="Zoë", last_name="Noël")),
        ("sep=|\nNom|Prénom|Mobile", f"Noël|Zoë|{A}", Recipient(A, first_name="Zoë", last_name="Noël")),
    ],
)
def test_columns_are_found_by_the_titles_people_give_them(written, titles, row, found):
    file = written(f"{titles}\n{row}\n", "first_name", "last_name")

    assert (list(file.recipients()), file.rows) == ([found], 1)


def test_other_titles_are_mapped(written):
    file = written(
        f"Rufname;Wer;Wie\nZoë;{A};x\n",
        "first_name",
        "param1",
        titles={"first_name": "rufname", "param1": "Wie"},
    )

    assert list(file.recipients()) == [Recipient(A, first_name="Zoë", param1="x")]
    assert file.layout.describe() == "phone_number = Wer, first_name = Rufname, param1 = Wie"


FIRST = [
    *(
        "0612345678",
        "+3361234567",
        "+33\u00a06 12 34 56 78",
        "\u202a+33612345678\u202c",
        "33612345678",
        "612345678",
    ),
    *(
        "3.36123E+10",
        "3,36123E+10",
        "'+33612345678",
        "\ufeff+33612345678",
        "336123456780.0",
        "+3361234567O",
        "n/a",
    ),
    *("#N/A", "-", "?", "NULL", "inconnu", "tel:+33612345678", "06 12 34 56 7", "1234567", "Tel: 0612345678"),
]


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("row", ["{}", "{};Zoë", "Zoë;{}", '"Dupont, Zoë";{};x'])
def test_nobody_vanishes_because_the_first_number_is_bad(written, first, row):
    file = written("".join(row.format(number) + "\n" for number in (first, B, A)))

    found = list(file.recipients())
    assert (len(found), file.rows) == (3, 3)
    assert found[1:] == [Recipient(B), Recipient(A)]


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("Zoë;;x", BadRow("no number")),
        ("Zoë;;pas de mobile", BadRow("no number")),
        ("Zoë;pas de mobile;Lyon", Recipient("pas de mobile")),
        ("Zoë;injoignable;Paris", Recipient("injoignable")),
    ],
)
def test_a_first_row_without_a_number_is_a_bad_row(written, first, found):
    file = written(f"{first}\nNoël;{B};Paris\nAda;{A};\n")

    assert list(file.recipients()) == [found, Recipient(B), Recipient(A)]


@pytest.mark.parametrize(
    "title", ["mobile", "Téléphone", "phone_number", "Tel 1", "Numéro 2024", "contact", "Wer"]
)
def test_titles_stay_titles(written, title):
    assert list(written(f"{title}\n{A}\n").recipients()) == [Recipient(A)]
    assert list(written(f"{title}\nrubbish\n").recipients()) == [Recipient("rubbish")]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8"])
def test_a_few_bad_bytes_damage_the_cells_they_are_in(written, encoding):
    rows = f"phone_number;first_name;note\n{A};Zoë;é\n{B};Noël;é\n".encode(encoding)

    if encoding != "utf-8":
        assert list(written(rows, "first_name").recipients()) == [
            Recipient(A, first_name="Zoë"),
            Recipient(B, first_name="Noël"),
        ]
    else:
        cut = rows.replace("Noël".encode(), b"No\xebl")
        assert list(written(cut, "first_name").recipients()) == [
            Recipient(A, first_name="Zoë"),
            BadRow("a damaged character in first_name, read as utf-8"),
        ]
        assert list(written(cut).recipients()) == [Recipient(A), Recipient(B)]


def test_nul_bytes_are_damage_or_nothing(written):
    file = written(f"\0phone_number,first_name\n{A},Zoë\0\n{B},No\0ël\n", "first_name")

    assert list(file.recipients()) == [
        Recipient(A, first_name="Zoë"),
        BadRow("a damaged character in first_name, read as utf-8"),
    ]


def test_a_line_that_names_the_delimiter_counts_as_a_line(written):
    titled = written(f"sep=;\r\n\r\nphone_number;a,b\r\n{A};x,y\r\n")
    assert [titled.line_of(i) for i, _ in enumerate(titled.recipients())] == [4]

    untitled = written(f"\ufeffsep=,\n{A},x;y\n{B},x;y\n")
    assert [untitled.line_of(i) for i, _ in enumerate(untitled.recipients())] == [2, 3]


def test_marks_do_not_hide_a_quote(written):
    file = written(f'\ufeff\ufeff"Nom; complet";"Mobile"\nZoë;{A}\nNoël;{B}\n')

    assert list(file.recipients()) == [Recipient(A), Recipient(B)]


def test_of_two_delimiters_the_one_that_sets_numbers_free_wins(written):
    file = written(f"2024-01-05,a;{A}\n2024-01-06,b;{B}\n")

    assert list(file.recipients()) == [Recipient(A), Recipient(B)]


def test_a_row_that_holds_a_number_is_no_row_of_titles(written):
    file = written(f"Nom;{A}\nNoël;{B}\n")

    assert list(file.recipients()) == [Recipient(A), Recipient(B)]


def test_titles_may_be_repeated_as_a_whole(written):
    file = written(f"Contact;Ville\n{A};Paris\nContact;Ville\n{B};Paris\n")

    assert list(file.recipients()) == [Recipient(A), Recipient("Contact"), Recipient(B)]


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


NAMES = st.text("aZé ,;\t'\"-0", max_size=8)


@settings(max_examples=80, deadline=None)
@given(
    people=st.lists(st.tuples(st.sampled_from([A, B, *FIRST]), NAMES, NAMES), min_size=3, max_size=12),
    delimiter=st.sampled_from([",", ";", "\t"]),
    place=st.integers(0, 2),
    title=st.sampled_from([None, "phone_number", "Téléphone", "Mobile"]),
)
def test_every_person_has_a_row_whatever_stands_in_it(tmp_path_factory, people, delimiter, place, title):
    told = io.StringIO(newline="")
    writer = csv.writer(told, delimiter=delimiter)
    if title:
        writer.writerow([*"ab"[:place], title, *"ab"[place:]])
    numbers = [A, *(number for number, _, _ in people), B]
    for number, (_, *names) in zip(numbers, [people[0], *people, people[0]], strict=True):
        writer.writerow([*names[:place], number, *names[place:]])
    path = tmp_path_factory.mktemp("csv") / "list.csv"
    path.write_text(told.getvalue(), newline="")

    file = open_recipients(path)
    found = list(file.recipients())

    assert len(found) == file.rows == len(numbers)
    assert [r.phone_number for r in (found[0], found[-1])] == [A, B]
    assert file.layout.delimiter == delimiter


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                b"\n",
                b"\r",
                b",",
                b";",
                b"\t",
                b'"',
                b"\0",
                b"\xff",
                b"\xc3\xa9",
                A.encode(),
                b"nom",
                b"mobile",
                b"sep=;\n",
                b"\xef\xbb\xbf",
            ]
        ),
        max_size=25,
    ).map(b"".join)
)
def test_whatever_the_bytes_rows_are_counted_or_the_file_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("csv") / "list.csv"
    path.write_bytes(content)
    try:
        file = open_recipients(path)
    except FileProblem:
        return
    assert len(list(file.recipients())) == file.rows


def test_a_column_of_zones_is_taken_over_and_an_empty_cell_is_no_zone(written):
    file = written(f"phone_number,Zone\n{A},MF\n{B},\n")
    assert list(file.recipients()) == [Recipient(A, zone="MF"), Recipient(B)]
    assert file.describe() == "phone_number = phone_number, zone = Zone"


def test_a_cell_that_is_no_zone_is_handed_out_to_be_refused_if_others_are_zones(written):
    file = written(f"phone_number,zone\n{A},MF\n{B},Nord\n")
    assert [each.zone for each in file.recipients()] == ["MF", "Nord"]


def test_a_column_of_sales_districts_is_none_of_zones(written):
    assert list(written(f"phone_number,zone\n{A},Nord\n{B},12\n").recipients()) == [
        Recipient(A),
        Recipient(B),
    ]
    assert next(
        iter(written(f"phone_number,zone\n{A},FR\n", "param1", titles={"param1": "zone"}).recipients())
    ) == (Recipient(A, param1="FR"))


def test_the_column_of_zones_can_be_named(written):
    file = written(f"phone_number,Ou\n{A},FR-AM\n", titles={"zone": "ou"})
    assert list(file.recipients()) == [Recipient(A, zone="FR-AM")]
