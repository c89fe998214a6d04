"""The page of the metrics process, made in the process of the tests, and read as Prometheus reads it."""

import asyncio
from collections.abc import Mapping

import redis.asyncio
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from producers.contract.settings import RedisSettings
from worker.metrics.collector import Collected
from worker.metrics.reading import Reading

#: Samples by name and labels.
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(redis_url: str, namespace: str = "sms") -> str:
    """Read a namespace as the metrics process does, and write the page."""

    async def read() -> str:
        settings = RedisSettings(redis_url=redis_url, namespace=namespace)
        async with redis.asyncio.from_url(str(redis_url)) as client:
            found = await Reading(settings).read(client)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collected(found, settings))
        return generate_latest(registry).decode()

    return asyncio.run(read())


class Scraped:
    """The samples of a page.

    Args:
        page: as Prometheus gets it.
    """

    def __init__(self, page: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(page) for sample in family.samples
        ]

    def __call__(self, name: str, **labels: str) -> float:
        """Add up the samples of a name, without its prefix, that have these labels."""
        wanted = labels.items()
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == f"octopush_{name}" and wanted <= sample.labels.items()
        )

    @property
    def samples(self) -> Samples:
        """All samples."""
        return {(each.name, frozenset(each.labels.items())): each.value for each in self._samples}
