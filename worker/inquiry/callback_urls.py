"""Addresses to which the gateway posts callbacks: made, judged and shown without their secrets. Pure."""

import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote, unquote, urlsplit

from producers.contract.kinds import KINDS
from producers.contract.settings import WebSettings, bound_token
from producers.intake.judge import Judge

#: Kinds of callbacks in the order in which people are shown them.
SHOWN: Final = ("receipts", "replies", "optouts")
#: Whether an address leads here: `WORDS` has the sentences.
Verdict = Literal["here", "other_kind", "elsewhere", "none", "unknown"]
WORDS: Final[Mapping[Verdict, str]] = {
    "here": "its token is one of CALLBACK_TOKENS here",
    "other_kind": "its token or its path is that of another kind of callback",
    "elsewhere": "its token is none of CALLBACK_TOKENS here",
    "none": "no address is set: such callbacks are lost",
    "unknown": "CALLBACK_TOKENS is not set here, so nobody can say whether it leads here",
}

#: What stands before the token in a path of ours.
_PLACE: Final = "callbacks"
#: What a path says that names no kind, although it should.
_NO_KIND: Final = "-"
#: A part of a path that may be a secret.
_SECRET: Final = re.compile(r"[^/]{12,}")
_HIDDEN: Final = "…"


def token_for(settings: WebSettings, kind: str) -> str | None:
    """Choose the token that callbacks of a kind shall bring: the last one that may, so a new one."""
    entries = [bound_token(entry.reveal()) for entry in settings.callback_tokens]
    fitting = [token for only, token in entries if only in {"", kind}]
    return fitting[-1] if fitting else None


def address(start: str, token: str, kind: str) -> str:
    """Make the address of a kind of callbacks.

    Args:
        start: of the address, such as ``https://sms.example.com``, without a slash at its end.
        token: the callback token.
        kind: of the callbacks.
    """
    return f"{start}/{_PLACE}/{quote(token, safe='')}/{kind}"


def verdict(url: str, kind: str, settings: WebSettings | None) -> Verdict:
    """Say whether an address leads to this installation, by its token.

    Args:
        url: where the gateway posts.
        kind: what it posts there.
        settings: with the tokens; None if they are not known here.
    """
    if not url:
        return "none"
    if settings is None:
        return "unknown"
    token, said = _token_and_kind(url)
    judge = Judge(settings)
    if not judge.find(token, None):
        return "elsewhere"
    return "here" if said in {"", kind} and judge.find(token, kind) else "other_kind"


def _token_and_kind(url: str) -> tuple[str, str]:
    """Read what a path of ours says: its token and the kind behind that, each empty if it is not there."""
    try:
        parts = [unquote(part) for part in urlsplit(url).path.split("/") if part]
    except ValueError:
        return "", ""
    if _PLACE not in parts:
        return "", ""
    token, kind, *more = [*parts[len(parts) - parts[::-1].index(_PLACE) :], "", ""]
    return token, _NO_KIND if any(more) or (kind and kind not in KINDS) else kind


def shown(url: str) -> str:
    """Write an address without what may be a secret: user, password, token, query."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        return _HIDDEN
    pieces = parts.path.split("/")
    after = {place + 1 for place, piece in enumerate(pieces) if piece == _PLACE}
    path = "/".join(
        _HIDDEN if place in after and piece else _SECRET.sub(_HIDDEN, piece)
        for place, piece in enumerate(pieces)
    )
    return f"{parts.scheme}://{host}{port}{path}{f'?{_HIDDEN}' if parts.query else ''}"
