"""``octopush-worker dramatiq``: Dramatiq's command, in whatever directory, and stopped by a hang-up."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dramatiq import cli


def run(arguments: Sequence[str]) -> None:
    """Run Dramatiq's command until it ends, and exit with its status.

    Two things differ from Dramatiq's own command. Modules of the current directory come last, not first,
    since an application may have a ``worker.py`` there. And SIGHUP, which a closed terminal sends, stops the
    workers; Dramatiq would start them anew, and would never end if it was stopping already.

    Args:
        arguments: those of ``dramatiq``.

    Raises:
        SystemExit: always.
    """
    parser = cli.make_argument_parser()  # type: ignore[no-untyped-call]
    parser.set_defaults(path=[])
    sys.path.append(str(Path.cwd()))
    # Dramatiq installs a handler of its own for each signal of this set.
    cli.HANDLED_SIGNALS.discard(signal.SIGHUP)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    sys.exit(cli.main(parser.parse_args(arguments)))  # type: ignore[no-untyped-call]
