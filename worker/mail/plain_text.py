"""The text of a mail: of its plain part, else of its HTML."""

import re
from email.message import EmailMessage, Message
from html.parser import HTMLParser
from typing import Final

from worker.mail.letter import ANSWER_ABOVE

#: Bytes of a part that are read.
_PART_MAX: Final = 200_000
#: Elements that end a line.
_BLOCKS: Final = {
    "address",
    "article",
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
}
_BLOCKS_TOO: Final = {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section"}
_LINES: Final = _BLOCKS | _BLOCKS_TOO | {"table", "td", "th", "tr", "ul"}
_UNSEEN: Final = {"head", "script", "style", "template", "title", "noscript", "object"}
#: Classes and ids with which mail programs mark the quote or what introduces it, and signatures.
_QUOTES: Final = re.compile(
    r"\b(?:gmail_quote|gmail_quote_container|gmail_attr|yahoo_quoted|moz-cite-prefix|protonmail_quote|"
    r"divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container|tutanota_quote|"
    r"zmail_extra|gmx_quote|WordSection_quote)\b"
)
_SIGNATURES: Final = re.compile(
    r"\b(?:gmail_signature|moz-signature|AppleMailSignature|Signature|ms-outlook-mobile-signature|"
    r"ms-outlook-ios-signature|protonmail_signature_block)\b"
)
#: Declared in place of what it is: the browsers read the one as the other.
_MEANT: Final = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "utf-8"}
_NEVER_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff]")


def text_of(message: EmailMessage) -> str:
    """Read the text of a mail, lines ended by line feeds.

    Raises:
        ValueError: there is none, or it is in characters that cannot be read.
    """
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        raise ValueError("holds no text")
    text = _decoded(part).replace("\r\n", "\n").replace("\r", "\n")
    if part.get_content_subtype() == "html":
        text = html_to_text(text)
    elif str(part.get_param("format", "")).lower() == "flowed":
        text = _unflowed(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    return _NEVER_TEXT.sub("", text.replace("\u00a0", " "))


def html_to_text(html: str) -> str:
    """Write HTML as text.

    What a mail program has marked as quoted begins with `ANSWER_ABOVE`, and a signature with ``--``.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "\n".join(re.sub(r"[ \t\n]+", " ", line).strip() for line in "".join(reader.pieces).split("\0"))


class _Reader(HTMLParser):
    """Collects pieces of text; a NUL ends a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, or something that is not shown, or what the sender did not write."""
        if tag in _UNSEEN:
            self._unseen += 1
        if tag in _LINES:
            self.pieces.append("\0")
        marks = " ".join(value or "" for name, value in attrs if name in {"class", "id"})
        if tag == "blockquote" or _QUOTES.search(marks):
            self.pieces.append(f"\0{ANSWER_ABOVE}\0")
        elif _SIGNATURES.search(marks):
            self.pieces.append("\0--\0")

    def handle_endtag(self, tag: str) -> None:
        """End a line."""
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in _LINES:
            self.pieces.append("\0")

    def handle_data(self, data: str) -> None:
        """Take text."""
        if not self._unseen:
            self.pieces.append(data.replace("\0", ""))


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        raise ValueError("holds no text")
    declared = (part.get_content_charset() or "utf-8").lower()
    for charset in (_MEANT.get(declared, declared), "utf-8", "cp1252"):
        try:
            return payload[:_PART_MAX].decode(charset)
        except (LookupError, UnicodeError):
            continue
    raise ValueError("is in characters that cannot be read")


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Join lines that end with a space (RFC 3676), quoted ones left as they are."""
    whole: list[str] = []
    is_open = False
    for line in text.split("\n"):
        is_quoted = line.startswith(">")
        stuffed = line.removeprefix(" ")
        if is_open and not is_quoted and stuffed != "-- ":
            whole[-1] += stuffed
        else:
            whole.append(stuffed)
        is_open = stuffed.endswith(" ") and not is_quoted and stuffed != "-- "
        if is_open and delete_space:
            whole[-1] = whole[-1][:-1]
    return "\n".join(whole)
