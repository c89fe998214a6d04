"""Which column of a list of recipients says where they are. Pure."""

from collections.abc import Sequence
from typing import Final

from producers.messages.recipient import plain_name
from producers.rules.zones import is_zone

#: The title of that column, and its name in ``--map``.
ZONE: Final = "zone"


def zone_column(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """Find the column that is called ``zone``, if a zone stands anywhere in it.

    Sales districts are called so, too: a column without any zone is none of ours. If there is one, a cell
    that is no zone is a mistake, and its row is refused.

    Args:
        titles: of all columns.
        rows: the first rows below them.
    """
    found = [index for index, title in enumerate(titles) if plain_name(title) == ZONE]
    if len(found) != 1:
        return None
    cells = (cells[found[0]].strip() for cells in rows if found[0] < len(cells))
    return found[0] if any(map(is_zone, cells)) else None
