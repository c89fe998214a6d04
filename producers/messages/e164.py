"""Numbers in the form that events have, for an application that keeps them."""

from ..contract import phone


def to_e164(number: str, *, default_region: str = "") -> str:
    """Normalise a number that a person or a tool has written, as messages do; events name people by that.

    Spaces, dots, hyphens, parentheses, slashes, a ``tel:`` in front and characters that nobody sees do not
    matter. No setting is read: not ``DEFAULT_REGION`` either.

    Args:
        number: international, such as ``"+33 6 12 34 56 78"``; or national, if there is a region.
        default_region: two letters of the country whose national numbers are read, such as ``FR``. The French
            overseas departments share their numbering with ``FR``: ``0690…`` becomes ``+590690…``. Without
            one ``00`` is read as ``+``. With one its plan decides: in Japan ``0033`` chooses a carrier.

    Returns:
        The number as ``"+33612345678"``.

    Raises:
        ValueError: the number is not in such a form or does not exist in its country's plan. The text says
            what to do about the usual mistakes, and never holds the number.
    """
    told_by = 'default_region="FR"; this function reads no setting'
    return phone.to_e164(number, default_region=default_region, told_by=told_by)
