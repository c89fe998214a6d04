"""Families of samples, as `prometheus_client` writes them, by the table of all metrics."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from producers.contract.metric_table import METRICS, PREFIX

#: Values of the labels, in the order of the table, and what is measured.
Samples = Iterable[tuple[Sequence[str], float]]


def plain(name: str, samples: Samples | float) -> Metric:
    """Make the family of a gauge or a counter.

    Args:
        name: in the table.
        samples: labels and values; or the one value of a metric without labels.
    """
    row = METRICS[name]
    family: Any = GaugeMetricFamily if row.kind == "gauge" else CounterMetricFamily
    found = family(PREFIX + name, row.about, labels=row.labels)
    for labels, value in [((), samples)] if isinstance(samples, int | float) else samples:
        found.add_metric(labels, value)
    return found  # type: ignore[no-any-return]


def histogram(name: str, counted: Iterable[tuple[Sequence[str], Mapping[str, int]]]) -> Metric:
    """Make the family of a histogram.

    Args:
        name: in the table.
        counted: labels, and how many there were by class: milliseconds at most, ``more``, and ``sum_ms``.
    """
    row = METRICS[name]
    found = HistogramMetricFamily(PREFIX + name, row.about, labels=row.labels)
    for labels, classes in counted:
        so_far, buckets = 0, []
        for ms in row.classes_ms:
            so_far += classes.get(str(ms), 0)
            buckets.append((f"{ms / 1000:g}", so_far))
        buckets.append(("+Inf", so_far + classes.get("more", 0)))
        found.add_metric(labels, buckets, classes.get("sum_ms", 0) / 1000)
    return found
