import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.contract.decoding import decode, encoding_of

WHOLE = "déjà payé, café"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (WHOLE.encode(), WHOLE),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "{}"),
        (b"\x00 \r\n{}\x00\n", "{}"),
        (WHOLE.encode("utf-16"), WHOLE),
        (WHOLE.encode("utf-16-be").join([b"\xfe\xff", b""]), WHOLE),
        (WHOLE.encode("latin-1"), WHOLE),
        ("12 €, œuf".encode("cp1252"), "12 €, œuf"),
        (b"caf\xe9", "café"),
        (b"\xc3\xa9\xff", "é\ufffd"),
        (b"\x81", "\x81"),
        (WHOLE.encode() + b"\xc3", WHOLE + "\ufffd"),
        (b"\xff" + WHOLE.encode(), "\ufffd" + WHOLE),
    ],
)
def test_bytes_are_read_as_their_writer_meant_them(raw: bytes, text: str):
    assert decode(raw) == text


def test_every_byte_is_something():
    assert len(decode(bytes(range(0x80, 0x100)))) == 0x80


BYTES = st.binary(max_size=40) | st.lists(
    st.sampled_from([WHOLE.encode(), b"\xc3", b"\xa9", b"caf\xe9", b"\xff\xfe", b"\xef\xbb\xbf", b"a,"]),
    max_size=6,
).map(b"".join)


@given(BYTES, st.integers(1, 9))
def test_bytes_in_pieces_are_read_as_in_one(raw, size):
    name = encoding_of([raw[i : i + size] for i in range(0, len(raw), size)])
    if not raw.startswith((b"\xff\xfe", b"\xfe\xff")) or size > 1:
        assert name == encoding_of([raw])
    text = decode(raw)
    whole = raw.decode(encoding_of([raw]), "replace").strip("\ufeff\x00 \t\r\n\v\f")
    assert text == whole or len(text) == len(whole)
