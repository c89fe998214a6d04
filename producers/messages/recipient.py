"""Who receives an SMS, and what people call the parts of a recipient."""

import re
import unicodedata
from typing import Final

import msgspec

from ..contract.characters import visible
from ..contract.discreet import discreet


@discreet
class Recipient(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who receives an SMS, with values for the placeholders of its text.

    Attributes:
        phone_number: international, such as ``"+33612345678"``; normalised to E.164.
        first_name, last_name, param1 … param5: at most 50 characters each (Octopush docs, personalised
            sendings); fill ``{first_name}`` … ``{param5}`` in the text.
        zone: where the person is, as `Message.zone`, and counts more. The gateway does not get it.
    """

    phone_number: str
    first_name: str | None = None
    last_name: str | None = None
    param1: str | None = None
    param2: str | None = None
    param3: str | None = None
    param4: str | None = None
    param5: str | None = None
    zone: str | None = None


#: The variables of a recipient, which the gateway fills in.
VARIABLES: Final = tuple(name for name in Recipient.__struct_fields__ if name not in {"phone_number", "zone"})
#: The variables of a recipient, and what people and the gateway's older interface call them, in plain form
#: without underscores.
_NAMES: Final = (
    {name.replace("_", ""): name for name in VARIABLES}
    | dict.fromkeys(("prenom", "prenoms", "givenname", "forename"), "first_name")
    | dict.fromkeys(("nom", "nomdefamille", "surname", "familyname"), "last_name")
    | {f"ch{number}": f"param{number}" for number in range(1, 6)}
)


def plain_name(written: str) -> str:
    """Reduce a name or title to what tells it apart: ``N° de Téléphone`` becomes ``n_de_telephone``.

    Case, accents, spaces, hyphens, punctuation and invisible characters do not matter.
    """
    letters = unicodedata.normalize("NFKD", visible(written)).casefold()
    return re.sub(r"[\W_]+", "_", re.sub(r"[\u0300-\u036f]+", "", letters)).strip("_")


def variable_named(written: str) -> str | None:
    """Tell which variable of a recipient a name means: ``Prénom`` and ``first-name`` are ``first_name``."""
    return _NAMES.get(plain_name(written).replace("_", ""))
