"""``octopush-worker dramatiq``: Dramatiq's command, in whatever directory, and stopped by a hang-up."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dramatiq import cli


def run(arguments: Sequence[str]) -> None:
    """Run Dramatiq's command until it ends, and exit with its status.

    By itself Dramatiq loads modules from the current directory first, where an application may have a
    ``worker.py`` of its own; here that directory comes last. And it takes SIGHUP, which a closed terminal
    sends, for an order to start anew, also while it stops: then it never ends. Here SIGHUP stops, too.

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
