"""Send many messages while everything is being broken and days pass, then judge.

Workers, the web process and Redis are killed at random, one call in twenty meets a fault of the gateway,
people write STOP, a budget runs out, and three zones open and close. In the end every text must have reached
its handset exactly once or have a reason not to, nothing of marketing may have left outside hours or to
somebody whose STOP was published, the books must balance, and no process may have grown. Half of the messages
are of one template and share calls.

    python -m tests.soak --messages 100000 --seed 1

With ``--minutes``, do so for that long, on Redis under Sentinels, with all processes of the Procfile in use.
Primaries are replaced and processes redeployed, too, and what everything takes must stay flat.

    python -m tests.soak --minutes 60 --into .soak

SIGINT ends the sending early, and lets it be judged.

With ``--misleading``, draw answers that mislead instead, for so many seconds: see `tests.support.misled`.

    python -m tests.soak --misleading 3600 --seed 7
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.soak.endurance.run import Endurance
from tests.soak.run import Soak
from tests.support.misled import play


def _mislead(seconds: float, seed: int, data_dir: Path) -> bool:
    found = play(data_dir, seconds=seconds, seed=seed)
    print(f"{found.played} scenarios, seed {seed}: {found.wrong or 'all well'}")  # noqa: T201 - a tool for the terminal
    return found.wrong is None


def main() -> None:
    """Run once; exit status 1 when anything came to what it never may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, help="send for so long instead of so many")
    parser.add_argument(
        "--into", type=Path, default=Path(".soak"), help="for logs, measurements and chart of --minutes"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misleading", type=float, metavar="SECONDS", help="draw answers that mislead")
    options = parser.parse_args()
    # Whoever ends the soak early ends all that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.minutes:
        endurance = Endurance(60 * options.minutes, options.seed, options.into)
        signal.signal(signal.SIGINT, lambda *_: endurance.end_early())
        sys.exit(0 if endurance.run() else 1)
    with tempfile.TemporaryDirectory(prefix="octopush-soak-") as data_dir:
        if options.misleading:
            sys.exit(0 if _mislead(options.misleading, options.seed, Path(data_dir)) else 1)
        sys.exit(0 if Soak(options.messages, options.seed, Path(data_dir)).run() else 1)


if __name__ == "__main__":
    main()
