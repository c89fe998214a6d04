"""Settings of the metrics process: where it listens, and whom it answers."""

from dataclasses import dataclass

from producers.contract.settings import ScrapeSettings, variable


@dataclass(frozen=True)
class MetricsSettings(ScrapeSettings):
    """What the metrics process needs to know, besides where Redis is."""

    host: str = variable("METRICS_BIND", "address on which the metrics process listens", default="127.0.0.1")
    port: int = variable("METRICS_PORT", "port of the metrics process", default=8003, low=1, high=65_535)
