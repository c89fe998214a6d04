"""Bytes that somebody else wrote, as text. Pure and total.

Gateways, proxies and spreadsheets say UTF-8 and mean it most of the time. One decoder for all of them keeps
the answer of the gateway, a callback and a list of recipients from being read in three ways.
"""

import codecs
import re
from collections.abc import Iterable
from typing import Final

#: What stands at the ends of foreign bytes and is no content: marks, NUL, white space.
_ENDS: Final = "\ufeff\x00 \t\r\n\v\f"
#: The byte order marks of UTF-16; UTF-8's decodes into a character that `_ENDS` takes off.
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF_8: Final = codecs.getincrementaldecoder("utf-8")
#: Bytes that are no ASCII, in the error handler's spelling of a damaged place.
_DAMAGE: Final = "\ufffd"
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f\ufffd]")


def decode(raw: bytes) -> str:
    """Read foreign bytes as text, whatever they are; byte order marks, NUL and white space at the ends go.

    UTF-16 if it begins with its mark. UTF-8 if all of it is, and also if at least as many characters beyond
    ASCII are whole as places are damaged: a text that was cut in the middle of a character suffers there
    only, as U+FFFD. Otherwise Windows-1252, in which every byte is something.
    """
    try:  # as nearly always; no text of UTF-16 is one of UTF-8
        return raw.decode().strip(_ENDS)
    except UnicodeDecodeError:
        name = encoding_of([raw])
    text = "".join(_WINDOWS_1252[byte] for byte in raw) if name == "cp1252" else raw.decode(name, "replace")
    return text.strip(_ENDS)


def encoding_of(pieces: Iterable[bytes]) -> str:
    """Tell how `decode` reads bytes that come in pieces of any size: ``utf-16``, ``utf-8`` or ``cp1252``.

    For files that are better not held in memory: read them a second time with this encoding.
    """
    strict, lenient = (_UTF_8(errors) for errors in ("strict", "replace"))
    begun, valid, damaged, whole = False, True, 0, 0
    for piece in filter(None, pieces):
        if not begun and piece.startswith(_UTF_16):
            return "utf-16"
        begun = True
        valid = valid and _accepts(strict, piece)
        text = lenient.decode(piece)
        if not text.isascii():
            damaged += text.count(_DAMAGE)
            whole += len(_BEYOND_ASCII.findall(text))
    valid = valid and _accepts(strict, b"", final=True)
    damaged += len(lenient.decode(b"", final=True))
    return "utf-8" if valid or damaged <= whole else "cp1252"


def _accepts(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _windows_1252(byte: int) -> str:
    try:
        return bytes((byte,)).decode("cp1252")
    except UnicodeDecodeError:  # five bytes are nothing there; Latin-1 has a control character for them
        return chr(byte)


_WINDOWS_1252: Final = tuple(map(_windows_1252, range(256)))
