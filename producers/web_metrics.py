"""What one web process tells of itself: callbacks by answer, how long answers took, what lies in its spool.

All else is the metrics process's: it is in Redis, and the same for all.
"""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .contract.kinds import KINDS
from .contract.metric_table import CALLBACK_MS, METRICS, PREFIX
from .intake.spool import Fill

#: The kind of a callback whose URL names none.
_ANY: Final = "any"


class WebMetrics:
    """Counts what one process answers.

    Args:
        fill: says what lies in the spool; None if there is none.
    """

    def __init__(self, fill: Callable[[], Fill | None]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        names = ("callbacks_total", "callback_duration_seconds")
        answers, durations = ((PREFIX + name, METRICS[name].about, METRICS[name].labels) for name in names)
        self._answers = Counter(*answers, registry=self._registry)
        # Prometheus sees no increase in what begins with 1.
        for status in (200, 503):
            self._answers.labels(str(status))
        buckets = [ms / 1000 for ms in CALLBACK_MS]
        self._durations = Histogram(*durations, registry=self._registry, buckets=buckets)
        self._registry.register(_Spool(fill))

    def count(self, status: int, kind: str | None, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(str(int(status))).inc()
        self._durations.labels(kind if kind in KINDS else _ANY).observe(seconds)

    def page(self, accept: str) -> tuple[bytes, str]:
        """Write the page in a format that the header accepts; return it with its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Spool(Collector):
    def __init__(self, fill: Callable[[], Fill | None]) -> None:
        self._fill = fill

    def collect(self) -> Iterator[Metric]:
        fill = self._fill()
        if fill is None:
            return
        for name, value in {"spool_bytes": fill.bytes, "spool_oldest_seconds": int(fill.oldest_s)}.items():
            yield GaugeMetricFamily(PREFIX + name, METRICS[name].about, value=value)
