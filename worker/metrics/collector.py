"""A custom collector: what was read from Redis becomes families of metrics."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Literal

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from producers.contract.forwarder_figures import ForwarderFigures
from producers.contract.jobs import ENDS, QUEUE_ALERT, QUEUE_MARKETING
from producers.contract.kinds import KINDS
from producers.contract.metric_table import CALL_OUTCOMES, CURRENCY, METRICS
from producers.contract.money_figures import MICRO, SCOPE, MoneyFigures
from producers.contract.optout_figures import KEPT, OptoutFigures
from producers.contract.settings import RedisSettings
from worker.metrics.families import histogram, plain
from worker.metrics.reading import Found

#: What a queue of sends is called by who sends.
_PURPOSES = {QUEUE_ALERT: "alert", QUEUE_MARKETING: "wholesale"}


class Collected(Collector):
    """The metrics of one scrape.

    Args:
        found: what was read; False if a replica answered, and None if nobody did, which leaves out all that
            Redis knows.
        settings: namespace, and how many entries each stream keeps.
    """

    def __init__(self, found: Found | Literal[False] | None, settings: RedisSettings) -> None:
        self._found = found
        self._namespace = settings.namespace
        self._maxlen = settings.stream_maxlen

    def collect(self) -> Iterator[Metric]:
        """Name each metric with its samples."""
        yield plain("redis_up", int(self._found is not None))
        yield plain("build_info", [((version("octopush-worker"),), 1)])
        yield plain("namespace_info", [((self._namespace,), 1)])
        yield plain("stream_maxlen", self._maxlen)
        if self._found is not None:
            yield plain("redis_primary", int(self._found is not False))
        if self._found:
            yield plain("unreadable_values", self._found.unreadable)
            yield from _state(self._found)
            yield from _sending(self._found)
            yield from _counted(self._found.counted)
            yield from _credit(self._found)
            yield from _money(self._found.money)
            yield from _optouts(self._found.optouts)
            yield from _readers(self._found)
            yield from _forwarders(self._found.forwarders)


def _state(found: Found) -> Iterator[Metric]:
    yield plain("redis_replicas", found.replicas)
    yield plain("redis_changes_total", found.counted.get("servers", 0))
    yield plain("workers", found.workers)
    yield plain("sending_held", int(found.held_account))
    yield plain("ledger_imbalance", found.imbalance)
    yield plain("hours_rules_info", sorted(found.rules.items()))
    yield plain("sends", [((state,), count) for state, count in found.states.items()])
    yield plain("queue_entries", found.entries.items())
    ages = [(each.name, each.oldest_s or 0) for panel in found.queues.values() if (each := panel.value)]
    yield plain("queue_oldest_seconds", [((name,), age) for name, age in ages])


def _sending(found: Found) -> Iterator[Metric]:
    yield plain("attempts_inflight", found.inflight)
    yield plain("calls_in_flight_limit", found.calls_limit)
    yield plain("sends_aside", [((gate,), count) for gate, count in found.aside.items()])
    yield plain("breakers", found.breakers)
    yield plain("unexplained_refusals_total", found.unexplained)
    yield plain("held", [((reason,), count) for reason, count in found.held.items()])
    yield plain("receipts_missing", found.missing)


def _counted(counted: Mapping[str, int]) -> Iterator[Metric]:
    """Read what scripts have counted: a name, and the values of its labels behind colons."""
    of: dict[str, list[tuple[list[str], int]]] = {}
    for field, count in sorted(counted.items()):
        name, *labels = field.split(":")
        of.setdefault(name, []).append((labels, count))

    def known(name: str, labels: int) -> list[tuple[list[str], int]]:
        # What has another shape, a newer release counts.
        return [each for each in of.get(name, []) if len(each[0]) == labels]

    def told(metric: str, name: str) -> Metric:
        return plain(metric, known(name, len(METRICS[metric].labels)))

    enqueued = {queue: count for [queue], count in known("enqueued", 1)}
    yield plain("enqueued_total", [((word,), enqueued.get(queue, 0)) for queue, word in _PURPOSES.items()])
    ended = {(queue, state): count for [queue, state], count in known("ended", 2)}
    yield plain(
        "ended_total",
        [
            ((word, state), ended.get((queue, state), 0))
            for queue, word in _PURPOSES.items()
            for state in ENDS
        ],
    )
    yield histogram("queue_delay_seconds", _classes(known("delay", 2), _PURPOSES))
    yield histogram("gateway_call_duration_seconds", _classes(known("calls", 2), CALL_OUTCOMES))
    yield histogram("inbound_delay_seconds", _classes(known("inbound", 2), KINDS))
    yield told("gateway_errors_total", "errors")
    yield plain(
        "segments_total",
        [
            ((country, _PURPOSES[queue]), n)
            for [country, queue], n in known("segments", 2)
            if queue in _PURPOSES
        ],
    )
    yield plain("cost_total", [((CURRENCY,), counted.get("cost", 0) / MICRO)])
    yield told("replies_total", "replies")
    yield told("receipts_total", "receipts")
    yield told("optouts_total", "optouts")
    yield plain("quarantined_total", counted.get("quarantined", 0))
    yield told("operator_actions_total", "actions")


def _classes(
    counted: Sequence[tuple[list[str], int]], always: Mapping[str, object] | Sequence[str]
) -> list[tuple[Sequence[str], Mapping[str, int]]]:
    """Sort classes by the label of their histogram; those that never were are there with zeros."""
    found: dict[str, dict[str, int]] = {label: {} for label in always}
    for [label, each], count in counted:
        if label in found:
            found[label][each] = count
    return [((label,), classes) for label, classes in found.items()]


def _credit(found: Found) -> Iterator[Metric]:
    seen = found.credit.value
    if seen is not None:
        yield plain("credit", [((CURRENCY,), float(seen.amount))])
        yield plain("credit_updated_timestamp_seconds", [((CURRENCY,), seen.at_ms / 1000)])


def _money(figures: MoneyFigures) -> Iterator[Metric]:
    yield plain("spend_euros", [((SCOPE,), figures.spent)])
    yield plain("reserved_euros", figures.reserved)
    yield plain("budget_ratio", [((SCOPE,), figures.ratio)])
    yield plain("price_drift_ratio", figures.drift)
    yield plain("prefix_blocked", figures.blocked)
    yield plain("duplicates_total", figures.duplicates)


def _optouts(found: OptoutFigures) -> Iterator[Metric]:
    kept = [((reason, point), count) for (point, reason), count in zip(KEPT, found.kept, strict=True)]
    yield plain("suppressed_total", kept)
    yield plain("optout_race_total", found.race)
    yield histogram("optout_effective_seconds", [((), found.classes)])


def _readers(found: Found) -> Iterator[Metric]:
    yield plain("stream_entries", [((name,), count) for name, count in found.streams.items()])
    yield plain("stream_unread_trimmed_total", [((name,), count) for name, count in found.trimmed.items()])
    groups = [((each.stream, each.name), each) for each in found.groups]
    yield plain("group_lag", [(labels, each.lag) for labels, each in groups if each.lag is not None])
    yield plain("group_pending", [(labels, each.pending) for labels, each in groups])
    ages = [(labels, _age_s(each.oldest_pending_ms, found.now_ms)) for labels, each in groups]
    yield plain("group_oldest_pending_seconds", ages)
    yield plain("poison_entries", [(labels, each.poison) for labels, each in groups])


def _age_s(since_ms: int | None, now_ms: int) -> float:
    return max(0, now_ms - since_ms) / 1000 if since_ms else 0.0


def _forwarders(forwarders: Sequence[ForwarderFigures]) -> Iterator[Metric]:
    gauges: Mapping[str, Callable[[ForwarderFigures], float]] = {
        "forward_waiting": lambda each: each.waiting,
        "forward_due": lambda each: each.due,
        "forward_oldest_seconds": lambda each: each.oldest_s,
        "forward_dead": lambda each: each.dead,
        "forward_held": lambda each: int(each.is_held),
        "forward_silent_seconds": lambda each: each.silent_s,
    }
    for name, value in gauges.items():
        yield plain(name, [((each.name,), value(each)) for each in forwarders])
    tried = [((each.name, result), count) for each in forwarders for result, count in each.tried.items()]
    yield plain("forward_attempts_total", tried)
