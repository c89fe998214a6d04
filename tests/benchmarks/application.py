"""An application that queues many messages with our producer.

python -m tests.benchmarks.application 10000 --template
"""

import argparse
from collections.abc import Iterator

from producers import Message, Producer, Recipient
from tests.benchmarks import rules
from tests.benchmarks.peers.job import REDIS_URL, TEXT, number, request_id

#: A text that single sends may share a call with: what differs is a parameter.
TEMPLATE = "Your code is {param1}"


def messages(count: int, *, template: bool) -> Iterator[Message]:
    """Make single sends, each to a number of its own; ``alert`` so that nothing waits behind anything."""
    for i in range(count):
        to = Recipient(number(i), param1=f"{i:06d}") if template else number(i)
        text = TEMPLATE if template else TEXT
        yield Message(to, text, sender="Bench", purpose="alert", request_id=request_id(i))


def main() -> None:
    """Queue them, by the public interface."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=int)
    parser.add_argument("--template", action="store_true")
    options = parser.parse_args()
    rules.prepare(REDIS_URL)
    producer = Producer.from_env()
    producer.send_many(messages(options.messages, template=options.template))
    producer.close()


if __name__ == "__main__":
    main()
