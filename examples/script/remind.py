"""Remind people of tomorrow's appointments, from a list, and wait until the gateway has every SMS.

    python remind.py appointments.csv

The list has the columns id, phone, name and time. Run it again after whatever went wrong: nobody gets
a second SMS.
"""

import csv
import sys
from pathlib import Path
from time import monotonic, sleep

from producers import InvalidMessage, Message, Producer, QueueUnavailable, Recipient

#: States that may still change.
UNDER_WAY = {"queued", "sending"}


def read(path: Path) -> list[Message]:
    """Make a message of each row. Its id is that of the appointment: it stays the same in every run."""
    with path.open(encoding="utf-8", newline="") as rows:
        return [
            Message(
                Recipient(row["phone"], first_name=row["name"], param1=row["time"]),
                "{first_name}, we see you tomorrow at {param1}.",
                sender="Dentist",
                purpose="alert",
                request_id=f"appointment-{row['id']}",
            )
            for row in csv.DictReader(rows)
        ]


def wait(sms: Producer, request_ids: list[str], seconds: float) -> dict[str, str]:
    """Wait until all have ended or the time is up, and return the state of each."""
    ends = monotonic() + seconds
    states = dict.fromkeys(request_ids, "queued")
    while UNDER_WAY & {*states.values()} and monotonic() < ends:
        sleep(1)
        for request_id, state in states.items():
            status = sms.status(request_id) if state in UNDER_WAY else None
            states[request_id] = status.state if status else state
    return states


def main(path: Path, seconds: float = 60) -> int:
    """Send, wait, print what became of each, and return the exit status."""
    with Producer.from_env() as sms:
        try:
            sent = sms.send_many(read(path))
            states = wait(sms, [each.request_id for each in sent], seconds)
        except InvalidMessage as error:
            # A list is checked whole before anything is queued.
            print(f"nothing was sent: {error}", file=sys.stderr)
            return 2
        except QueueUnavailable as error:
            print(f"{error}; run this again", file=sys.stderr)
            return 1
    for request_id, state in states.items():
        print(request_id, state)
    return 0 if {*states.values()} == {"accepted"} else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
