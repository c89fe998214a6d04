"""Which alerts fired and when, as Prometheus remembers it, held against what happened."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tests.support.prometheus import SCRAPE_S, Prometheus

FIRING: Final = 'ALERTS{alertstate="firing"}'


class Fired(NamedTuple):
    """An alert from its first to its last moment, all of its series together.

    Attributes:
        alert: its name.
        begins, ends: as Unix times.
    """

    alert: str
    begins: float
    ends: float


def fired(prometheus: Prometheus, begins: float, ends: float) -> list[Fired]:
    """List what fired, in the order in which it began."""
    moments: dict[str, set[float]] = defaultdict(set)
    for labels, points in prometheus.query_range(FIRING, begins, ends, SCRAPE_S):
        moments[labels["alertname"]].update(at for at, _ in points)
    found = []
    for alert, all_of_it in moments.items():
        first = last = min(all_of_it)
        for at in sorted(all_of_it):
            if at > last + 2 * SCRAPE_S:
                found.append(Fired(alert, first, last))
                first = at
            last = at
        found.append(Fired(alert, first, last))
    return sorted(found, key=lambda each: each.begins)


def wrong(found: Sequence[Fired], causes: Mapping[str, float], allowed: set[str], ends: float) -> list[str]:
    """Name what does not fit to what happened.

    Args:
        found: what fired.
        causes: alerts that must have fired, and since when there was reason to.
        allowed: alerts that may have fired besides.
        ends: when the night was over: nothing fires any more.
    """
    names = [each.alert for each in found]
    told = [f"{alert} never fired" for alert in causes if alert not in names]
    for each in found:
        if each.alert not in causes and each.alert not in allowed:
            told.append(f"{each.alert} fired, and nothing was wrong")
        elif each.alert in causes and each.begins < causes[each.alert]:
            told.append(f"{each.alert} fired before there was reason to")
        if each.ends > ends - 2 * SCRAPE_S:
            told.append(f"{each.alert} still fires")
    told += [f"{alert} fired {names.count(alert)} times" for alert in causes if names.count(alert) > 1]
    return told
