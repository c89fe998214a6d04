"""What a person wrote into a mail: without what was quoted, without signature, in whole lines. Pure.

Our mails begin with a line of their own (`ANSWER_ABOVE`), and an answer stands above it. That holds in every
language and mail program that quotes at all. The rules below are for the words with which programs introduce
the quote, for what they put in place of it, and for signatures. They look at the shape of lines, and few know
words. All take a time that grows with the length of the text only.
"""

import re
from typing import Final

from worker.mail.letter import ANSWER_ABOVE

#: Lines that are looked at, and characters of a line. Nobody writes an SMS that begins below.
_LINES_MAX: Final = 2_000
_LINE_MAX: Final = 2_000
#: Width at which mail programs break lines. A break is theirs if the next word had no room before it.
_WIDTH: Final = range(60, 81)
#: Lines that introduce a quote: "On … <sms@example.com> wrote:", broken by the program.
_INTRODUCTION_MAX: Final = 6

#: "-----Original Message-----", and the line of underscores of Outlook.
_BAR: Final = re.compile(r"-{3,} ?[^-\s].{2,60}[^-\s] ?-{3,}|_{10,}|-{20,}")
#: "From: …", "De : …", "Gesendet: …", "发件人: …".
_HEADER: Final = re.compile(r"\*?[^\W\d_][\w. -]{0,18}[ \u00a0]?[:\uff1a]\*?\s?\S.*")
_ADDRESS: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}")
_DIGIT: Final = re.compile(r"\d")
#: What telephones sign with, if it stands alone: "Sent from my iPhone", "Envoyé depuis mon mobile Orange".
_DEVICE: Final = re.compile(
    r"(?:(?:sent|get) (?:from|with|using|outlook)|envoy[ée] (?:de|depuis|à partir|avec)"
    r"|t[ée]l[ée]charge[rz] outlook|von mein(?:em|er)|gesendet (?:von|mit)"
    r"|enviado (?:desde|do|de|a partir|con)|inviato (?:da|con)|verzonden (?:vanaf|met|via)"
    r"|skickat fr[åa]n|sendt fra|wys[łl]ane z|obtenir outlook|holen sie sich outlook)\b.{0,80}",
    re.IGNORECASE,
)


class Interleaved(ValueError):
    """Answers stand between quoted lines; which of them are meant cannot be told."""


def written_above(text: str) -> str:
    """Cut out what the sender of a mail wrote; nothing if all of it is quoted.

    Raises:
        Interleaved: the sender wrote between the lines of the quote.
    """
    lines = [line[:_LINE_MAX].rstrip() for line in text.splitlines()[:_LINES_MAX]]
    cut = _cut(lines)
    above, rest = lines[:cut], lines[cut:]
    if rest and not _is_signature(rest[0]):
        _refuse_interleaved(rest)
        above = _without_introduction(above)
    return _tidy(_without_device(above))


def _cut(lines: list[str]) -> int:
    """Find the first line that the sender did not write."""
    for place, line in enumerate(lines):
        if (
            _is_quoted(line)
            or ANSWER_ABOVE in line
            or _is_signature(line)
            or _BAR.fullmatch(line.strip())
            or _is_header_block(lines[place : place + 5])
        ):
            return place
    return len(lines)


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _is_signature(line: str) -> bool:
    return line in {"--", "-- ", "\u2014"}


def _is_header_block(lines: list[str]) -> bool:
    """Recognise "From: … Sent: … To: …" by its shape: three such lines and more, one with an address."""
    block = lines[: next((n for n, line in enumerate(lines) if not _HEADER.fullmatch(line)), len(lines))]
    return len(block) >= 3 and any(map(_ADDRESS.search, block))


def _refuse_interleaved(rest: list[str]) -> None:
    quoted = [place for place, line in enumerate(rest) if _is_quoted(line)]
    if quoted and any(line and not _is_quoted(line) for line in rest[quoted[0] : quoted[-1]]):
        raise Interleaved


def _without_introduction(lines: list[str]) -> list[str]:
    """Take away what introduces the quote, whatever the language.

    That is "On Thursday, … wrote:", known by its colon and an address or a date, or a block of headers.
    """
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    start = end
    while start and lines[start - 1] and end - start < _INTRODUCTION_MAX:
        start -= 1
    if start and lines[start - 1]:  # longer than an introduction: at most its last lines are one
        start = max(start, end - 2)
    if end - start > 2 and all(map(_HEADER.fullmatch, lines[start:end])):
        return lines[:start]
    last = " ".join(lines[start:end])
    if last.endswith((":", "\uff1a")) and (_ADDRESS.search(last) or len(_DIGIT.findall(last)) > 2):
        return lines[:start]
    return lines[:end]


def _without_device(lines: list[str]) -> list[str]:
    kept = [*lines]
    while kept and (not kept[-1] or _DEVICE.fullmatch(kept[-1].strip())):
        kept.pop()
    return kept


def _tidy(lines: list[str]) -> str:
    """Join lines that a program has broken, and leave at most one empty line between two others."""
    whole: list[str] = []
    before = ""
    for line in lines:
        if whole and _is_broken(before, line):
            whole[-1] += " " + line
        elif line or (whole and whole[-1]):
            whole.append(line)
        before = line
    return "\n".join(whole).strip()


def _is_broken(before: str, line: str) -> bool:
    """Say whether a program broke between two lines: the next word had no room."""
    if not before or not line or len(before) not in _WIDTH:
        return False
    return len(before) + 1 + len(line.split(maxsplit=1)[0]) > 72
