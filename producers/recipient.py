"""Who receives an SMS."""

import msgspec


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who receives an SMS, with values for the placeholders of its text.

    Attributes:
        phone_number: international, such as ``"+33612345678"``; normalised to E.164.
        first_name, last_name, param1 … param5: at most 50 characters each (Octopush docs, personalised
            sendings); fill ``{first_name}`` … ``{param5}`` in the text.
    """

    phone_number: str
    first_name: str | None = None
    last_name: str | None = None
    param1: str | None = None
    param2: str | None = None
    param3: str | None = None
    param4: str | None = None
    param5: str | None = None
