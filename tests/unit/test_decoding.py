import pytest

from producers.decoding import decode

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
        (b"\x81", "\x81"),
        (WHOLE.encode() + b"\xc3", WHOLE + "\ufffd"),
        (b"\xff" + WHOLE.encode(), "\ufffd" + WHOLE),
    ],
)
def test_bytes_are_read_as_their_writer_meant_them(raw: bytes, text: str):
    assert decode(raw) == text


def test_every_byte_is_something():
    assert len(decode(bytes(range(0x80, 0x100)))) == 0x80
