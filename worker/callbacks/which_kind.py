"""Which kind of callback an event is, by its fields. Pure."""

from collections.abc import Mapping

from producers.contract.kinds import KINDS, Kind
from worker.callbacks.callback_fields import COMPOSED


def kind_of(fields: Mapping[str, str], named: str) -> Kind | None:
    """Tell the kind: by its date field, then by a field that it needs, then by the URL, then by its hints.

    Args:
        fields: fields of an event by lower-case name.
        named: the kind that the URL named, or ``""``. Not believed of a kind that needs a field.

    Returns:
        The kind, or None if nothing tells.
    """

    def has(*names: str) -> bool:
        return any(fields.get(name) for name in names)

    return (
        next((kind for kind in KINDS.values() if has(*date_names(kind))), None)
        or next((kind for kind in KINDS.values() if has(*kind.needs)), None)
        or next((kind for kind in KINDS.values() if kind.name == named and not kind.needs), None)
        or next((kind for kind in KINDS.values() if has(*kind.hints)), None)
    )


def date_names(kind: Kind) -> tuple[str, ...]:
    """Return the names under which the date of a kind may stand, the best first."""
    return (*kind.dates, *(name + COMPOSED for name in kind.dates))
