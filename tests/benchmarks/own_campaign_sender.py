"""The application of `own_campaign`: queues one campaign, in a process of its own that may be killed.

Arguments: Redis URL, number of recipients, campaign_id. stdout: a JSON line for each percent of the
recipients that the producer has read, with how many and this process's resident megabytes; the last line has
``seconds`` too.
"""

import json
import sys
import time
from collections.abc import Iterator

from producers import Producer
from tests.benchmarks.own_stand import TEXT, number, resident_mb


def recipients(count: int) -> Iterator[str]:
    """Yield the numbers, telling after each percent how far it is."""
    step = max(1, count // 100)
    for i in range(count):
        yield number(i)
        if i % step == step - 1:
            _tell(recipients=i + 1, mb=resident_mb())


def _tell(**facts: float) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201 - the parent reads it


def main() -> None:
    """Send the campaign."""
    url, count, campaign_id = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    producer = Producer(url)
    began = time.monotonic()
    producer.send_campaign(TEXT, recipients(count), campaign_id=campaign_id, sender="Bench", purpose="alert")
    _tell(recipients=count, mb=resident_mb(), seconds=time.monotonic() - began)
    producer.close()


if __name__ == "__main__":
    main()
