"""Let a night pass in small, hold the alerts against what happened, and draw the dashboard.

Two hosts with all that deploy/README.md puts there, and a real Prometheus with the rules that are shipped,
whose times are divided by one number. Redis of one host is lost, then all processes of the other one. In the
end each text must have reached its handset once, each alert that had to must have fired and be over, and no
other one.

    python -m tests.soak.night --into .night --picture docs/images/dashboard.svg
"""

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.soak.endurance.readers import Readers
from tests.soak.night import alerts, drawing
from tests.soak.night.board import panels
from tests.soak.night.place import Place
from tests.soak.night.story import Story
from tests.soak.night.traffic import Traffic

#: Seconds between two points of a line.
_STEP_S = 2
#: Of the numbers that are sent to.
_SEED = 1


def night(into: Path, picture: Path) -> bool:
    """Do it; whether all is well."""
    data_dir = into.absolute()
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    with Place(data_dir) as place:
        readers = Readers(place.settings(), ("replies", "receipts"), ("shop",))
        readers.start()
        try:
            with Traffic(place.settings(), _SEED) as traffic:
                begins = time.time()
                story = Story(place, traffic)
                story.tell()
                ends = time.time()
                story.settle()
                wrong = traffic.wrong(place.simulator.admin)
        finally:
            readers.stop()
        found = alerts.fired(place.prometheus, begins, ends)
        allowed = {"RedisForgot"} if traffic.forgotten else set()
        wrong += story.late + readers.strange + alerts.wrong(found, story.causes, allowed, ends)
        shown = panels(lambda query: place.prometheus.query_range(query, begins, ends, _STEP_S))
    picture.write_text(drawing.draw(shown, story.marks, begins, ends), "utf-8")
    told = [f"{mark.at - begins:5.0f} s  {mark.what}" for mark in story.marks]
    told += [
        f"{each.begins - begins:5.0f} s  {each.alert}, until {each.ends - begins:.0f} s" for each in found
    ]
    told += [f"{len(traffic)} messages, {len(traffic.forgotten)} of them forgotten and sent again"]
    print("\n".join([*told, *(f"WRONG {each}" for each in wrong), "" if wrong else "All is well."]))  # noqa: T201 - a tool for the terminal
    return not wrong


def main() -> None:
    """Run once; exit status 1 when anything came to what it never may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=Path(".night"), help="for logs and files")
    parser.add_argument("--picture", type=Path, default=Path("docs/images/dashboard.svg"))
    options = parser.parse_args()
    # Whoever ends the night early ends all that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(0 if night(options.into, options.picture) else 1)


if __name__ == "__main__":
    main()
