"""From the text of a call to the text on a handset: placeholders, then Octopush's optimisation."""

import re
from collections.abc import Mapping

#: Fields of a recipient that a text may name, as documented for personalised sendings.
PLACEHOLDERS = ("first_name", "last_name", "param1", "param2", "param3", "param4", "param5")

_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_SPACES = re.compile(r" {2,}")

#: Characters `auto_optimize_text` rewrites, per Octopush's special-characters page.
_REWRITTEN = str.maketrans(
    {
        character: replacement
        for characters, replacement in (
            ("ÀÁÂÃ", "A"),
            ("áâã", "a"),
            ("ÈÊË", "E"),
            ("êë", "e"),
            ("ÌÍÎÏ", "I"),
            ("íîï", "i"),
            ("ÒÓÔÕ", "O"),
            ("ðóôõ", "o"),
            ("ÙÚÛ", "U"),
            ("úûµ", "u"),
            ("ÝŸ", "Y"),
            ("ýÿÞ", "y"),
            ("Ð", "D"),
            ("ç", "c"),
            ("°", "o"),
            ("«»“”", '"'),
            ("¨^–—", "-"),  # noqa: RUF001  (the dashes the page lists)
            ("‘’´`", "'"),  # noqa: RUF001  (the quotes the page lists)
            ("‚„", ","),  # noqa: RUF001  (the low quotes the page lists)
            ("…•", "."),
            ("|", "I"),
            ("\\", "/"),
        )
        for character in characters
    }
)


def fill_in(text: str, fields: Mapping[str, str]) -> str:
    """Replace each placeholder by the recipient's value, and an absent value by nothing (assumed).

    Values are not searched for placeholders again.
    """
    if "{" not in text:
        return text
    return _PLACEHOLDER.sub(lambda found: fields.get(found[1], ""), text)


def optimise(text: str) -> str:
    """Rewrite the characters of the table and drop superfluous spaces; line ends stay."""
    return _SPACES.sub(" ", text.translate(_REWRITTEN)).strip(" ")
