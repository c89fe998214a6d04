"""An application of whichever release PYTHONPATH names: sends at a steady rate, each to a number of its own.

    python sender.py PREFIX FIRST COUNT PER_S

A third are plain alerts, a third share calls, a sixth leave in a second, a sixth are marketing; at the end
there is a campaign to as many numbers again. Repeats nothing: what was accepted must leave.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

from producers import Producer, Recipient

ALERT = {"sender": "Bistro", "purpose": "alert"}


def main(prefix: str, first: int, count: int, per_s: float) -> None:
    begun = time.monotonic()
    with Producer.from_env() as sms:
        for n in range(count):
            time.sleep(max(0.0, begun + n / per_s - time.monotonic()))
            number, request_id = f"+336{first + n:08d}", f"{prefix}-{n}"
            if n % 3 == 0:
                sms.send(number, f"Table {n}", request_id=request_id, **ALERT)
            elif n % 3 == 1:
                to = Recipient(number, param1=str(n))
                sms.send(to, "Your code is {param1}", sender="Bistro", purpose="alert", request_id=request_id)
            elif n % 2:
                later = datetime.now(UTC) + timedelta(seconds=1)
                sms.send(
                    number,
                    f"Later {n}",
                    sender="Bistro",
                    purpose="alert",
                    request_id=request_id,
                    send_at=later,
                )
            else:
                sms.send(number, "Sale STOP au 30101", sender="Bistro", request_id=request_id)
        numbers = [f"+336{first + count + n:08d}" for n in range(count)]
        sms.send_campaign("Open on Sunday STOP au 30101", numbers, campaign_id=prefix, sender="Bistro")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
