"""What a text and its sender must be: the mention, the sender's name, the number of segments. Pure.

- Each marketing text to France must say how to refuse (CPCE L34-5), and Octopush refuses a premium text
  without its mention, case included, as 121. What a placeholder fills in does not count.
- A sender that breaks a rule is not always refused: operators may write another name over it, or drop the
  message, and it is paid all the same. So it is refused here.

docs/rules.md has each rule with its source and its date.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import phonenumbers

#: Calling codes of France and its territories. Whether L34-5 holds in +681, +687 and +689 is not verified:
#: they are treated as if it did.
FRENCH: Final = ("+33", "+262", "+508", "+590", "+594", "+596", "+681", "+687", "+689")

#: Words that name nobody. Operators in France refuse such senders since 10 March 2025. These are examples of
#: other gateways' guides to France (smsmode, LINK Mobility, Vonage; read in November 2026), with their French
#: and English forms. A word that may be somebody's trade name, such as SHOP, is not among them.
GENERIC: Final = frozenset(
    (
        *("ALERT", "ALERTE", "ALERTES", "ALERTS", "APPOINTMENT", "BANK", "BANQUE", "CODE", "COLIS", "INFO"),
        *("INFOS", "MESSAGE", "MESSAGES", "NOTICE", "NOTIF", "OTP", "PAIEMENT", "PARCEL", "PAYMENT", "PROMO"),
        *("PROMOS", "RDV", "REMINDER", "SMS", "TEXTO", "VERIFY"),
    )
)

#: Countries that let through only what is in their register. Spain: that of the CNMC, from 15 September 2026.
REGISTERED: Final = ("ES",)

_REGIONS: Final = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
#: What stands for a placeholder: a part of a word, as what is filled in may be, that no mention has.
_FILLED: Final = "é"
_SENDER: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9 ]{1,9})[A-Za-z0-9]", re.ASCII)


def needs_mention(purpose: object, numbers: Iterable[str]) -> bool:
    """Tell whether a message is marketing that reaches France.

    Args:
        purpose: ``wholesale`` is marketing.
        numbers: E.164.
    """
    if purpose == "wholesale":
        for number in numbers:
            if number.startswith(FRENCH):
                return True
    return False


def has_mention(pieces: Sequence[str], mention: str) -> bool:
    """Tell whether a text has the mention, exactly, as words of its own.

    Args:
        pieces: what stands between the placeholders of the text.
        mention: `STOP_MENTION`.
    """
    text = _FILLED.join(pieces)
    at = text.find(mention)
    while at >= 0:
        # Within a longer word or number it would say something else: STOP au 301012.
        after = at + len(mention)
        if not (_is_word(text[at - 1 : at]) or _is_word(text[after : after + 1])):
            return True
        at = text.find(mention, at + 1)
    return False


def nearly_has_mention(pieces: Sequence[str], mention: str) -> bool:
    """Tell whether a text means the mention, in whatever case and with whatever space."""
    text, ending = _FILLED.join(pieces), mention.rpartition(" ")[2].lower()
    return ending in text.lower() and _nearly(mention).search(text) is not None


# Asked again of each message with the text; which may be about one person, so only the last few are kept.
@lru_cache(maxsize=8)
def mention_problem(pieces: tuple[str, ...], mention: str) -> str:
    """Say why a marketing text does not tell how to refuse; empty if it does."""
    if has_mention(pieces, mention):
        return ""
    if nearly_has_mention(pieces, mention):
        return f'must have the mention exactly so, case and spaces included: "{mention}"'
    return f'must have the mention "{mention}" outside of placeholders, as marketing to France must'


def with_mention(text: str, mention: str) -> str:
    """Put the mention at the end of a text, after one space or the line end that is there."""
    return text + mention if text.endswith((" ", "\n")) else f"{text} {mention}"


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


@lru_cache(maxsize=8)
def _nearly(mention: str) -> re.Pattern[str]:
    words = r"\s*".join(map(re.escape, mention.split(" ")))
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=8)
def listed(setting: str) -> Mapping[str, frozenset[str]]:
    """Read `SENDERS`: the senders that a country takes, by country.

    Raises:
        ValueError: it is no list of countries with senders.
    """
    found: dict[str, frozenset[str]] = {}
    for part in filter(None, map(str.strip, setting.split(";"))):
        country, _, names = part.partition(":")
        country, senders = country.strip(), [name.strip() for name in names.split(",")]
        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("must be countries with senders, such as ES:Bistro;FR:Bistro,Shop")
        if country in found:
            raise ValueError("names a country twice")
        if not all(map(_SENDER.fullmatch, senders)):
            raise ValueError("needs senders of 3 to 11 letters and digits, not digits only")
        found[country] = frozenset(senders)
    return found


def sender_problem(sender: str, numbers: Iterable[str], setting: str) -> str:
    """Say why a message may not leave under a name; empty if it may.

    Args:
        sender: 3 to 11 letters and digits. Case counts for a country's list, as it does in a register.
        numbers: E.164, of the recipients.
        setting: `SENDERS`. A generic word that stands in it is the owner's registered name.
    """
    problem, codes, closed = _judged(sender, setting)
    if problem or not codes:
        return problem
    there = [number for number in numbers if number.startswith(codes)]
    refused = closed & set(map(_region, there)) if there else ()
    return f"must be one that SENDERS lists for {', '.join(sorted(refused))}" if refused else ""


@lru_cache(maxsize=256)
def _judged(sender: str, setting: str) -> tuple[str, tuple[str, ...], frozenset[str]]:
    """Say why a sender may leave nowhere, and which countries do not take it, by calling code and by name."""
    return (_name_problem(sender, setting), *_closed(sender, setting))


def _name_problem(sender: str, setting: str) -> str:
    if sender.replace(" ", "").isdigit():
        return "must not be digits only"
    plain = sender.replace(" ", "").upper().rstrip("0123456789")
    if plain in GENERIC and not any(sender in names for names in listed(setting).values()):
        return "must name you: operators refuse words such as INFO, ALERT or SMS"
    return ""


def _closed(sender: str, setting: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """List the countries that have senders of their own without this one, by calling code and by name."""
    lists = listed(setting)
    countries = frozenset(each for each in {*lists, *REGISTERED} if sender not in lists.get(each, ()))
    return tuple({f"+{phonenumbers.country_code_for_region(each)}" for each in countries}), countries


def _region(number: str) -> str:
    """Tell the country of an E.164 number; without parsing it where the calling code tells."""
    code = next(int(number[1:end]) for end in (2, 3, 4) if int(number[1:end]) in _REGIONS)
    if len(_REGIONS[code]) == 1:
        return _REGIONS[code][0]
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""


def segments_problem(segments: int, most: int) -> str:
    """Say that a text takes too many segments; empty if it does not.

    The gateway takes 1224 characters, which are 8 segments of GSM-7; 8 of UCS-2 are 536 (assumed: no page
    names a limit for UCS-2).

    Args:
        segments: of the text as one recipient gets it.
        most: `SEGMENTS_MAX`.
    """
    return "" if segments <= most else f"takes {segments} segments, and must take at most {most}"
