"""What titles of columns mean, and what a cell is that may be one. Pure."""

from collections.abc import Sequence
from typing import Final

from producers.contract.phone import looks_like_number
from producers.messages.recipient import plain_name

#: The column of the numbers.
NUMBERS: Final = "phone_number"
#: The rank of the title that means the numbers whatever else there is.
SURELY: Final = 3
#: Words in titles of columns with numbers, the better ones first, and words of columns that look like them.
_MOBILE: Final = frozenset(
    {
        *("mobile", "mobiles", "portable", "portables", "gsm", "cell", "cellphone", "cellular", "handy"),
        *("smartphone", "mobilephone", "mobilenumber", "phonemobile", "telephonemobile", "telmobile"),
        *("telephoneportable", "telportable", "numeroportable", "numeromobile"),
    }
)
_PHONE: Final = frozenset(
    {"phone", "telephone", "telephones", "tel", "phonenumber", "msisdn", "numerotelephone", "telnumber"}
)
_PHONE_WHOLE: Final = frozenset({"numero", "numeros", "number", "numbers", "num"})
_NO_MOBILE: Final = frozenset({"fixe", "fax", "landline", "type", "label", "extension", "indicatif"})
#: What people write where there is no number; no title.
_NOTHING: Final = frozenset(
    {
        "",
        "n_a",
        "na",
        "nc",
        "nd",
        "null",
        "none",
        "nan",
        "nil",
        "unknown",
        "inconnu",
        "inconnue",
        "pas",
        "sans",
    }
)
#: As many digits are a number, whatever else stands in the cell.
_DIGITS: Final = 9
_SHOWN: Final = 30
_ENDS: Final = "\ufeff\x00"


def bare(cell: str) -> str:
    """Take off what stands at the ends of a cell and is no content."""
    text = cell.strip()
    return text.strip(_ENDS).strip() if text and (text[0] in _ENDS or text[-1] in _ENDS) else text


def rank(title: str) -> int:
    """Tell how much a title promises numbers that can be texted; 0 for nothing."""
    plain = plain_name(title)
    words = {word.rstrip("0123456789") for word in plain.split("_")}
    if plain == NUMBERS or plain == NUMBERS.replace("_", ""):
        return SURELY
    if words & _NO_MOBILE or not may_be_title(title):
        return 0
    return 2 if words & _MOBILE else 1 if words & _PHONE or plain in _PHONE_WHOLE else 0


def may_be_title(cell: str) -> bool:
    """Tell whether a cell can be the title of a column: words, and no number, readable or damaged."""
    letters, digits = sum(map(str.isalpha, cell)), sum(map(str.isdigit, cell))
    words = {plain_name(cell), *plain_name(cell).split("_")}
    nothing = words & _NOTHING or bare(cell).startswith("#")
    return bool(letters) and digits < _DIGITS and not nothing and not looks_like_number(cell)


def listed(titles: Sequence[str]) -> str:
    """List titles for people; more than a screen shows are left out."""
    return ", ".join(map(shown, titles[:_SHOWN])) + (", …" if len(titles) > _SHOWN else "")


def shown(title: str) -> str:
    """Show a title on a screen: short, nothing that moves a cursor, and no number."""
    if not may_be_title(title):
        return "(no title)"
    return printable(title[:_SHOWN])


def printable(text: str) -> str:
    """Replace what would steer a screen instead of showing on it."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
