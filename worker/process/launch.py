"""How processes are started: Dramatiq's and uvicorn's commands with our options, whatever the directory.

Neither looks for modules in the current directory, as their own commands do: an application may have a
``worker.py`` or a ``producers`` of its own there.
"""

import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from worker.process.listening import Asking

#: Milliseconds that a worker has to finish what it has begun. What deploy/ grants is more: see its page.
SHUTDOWN_MS: Final = 23_000
#: Milliseconds to wait for processes before helpers are forked, of which we have none.
_FORK_MS: Final = 1_000
#: Seconds that web, console, metrics and api have to finish what they have begun.
GRACE_S: Final = 10
#: Exit status of a server that could not start, as uvicorn's own command has it.
_NOT_STARTED: Final = 3


def dramatiq(processes: int, threads: int, setup: str = "worker.main:setup") -> None:
    """Run workers until they end, and exit with Dramatiq's status.

    SIGHUP, which a closed terminal sends, stops them. Dramatiq would start them anew, and would never end if
    it was stopping already.

    Args:
        processes: how many.
        threads: of each.
        setup: what each calls to build itself.

    Raises:
        SystemExit: always.
    """
    from dramatiq import cli  # noqa: PLC0415 - web needs no Dramatiq

    parser = cli.make_argument_parser()  # type: ignore[no-untyped-call]
    parser.set_defaults(path=[])
    options = {
        "--processes": processes,
        "--threads": threads,
        "--worker-shutdown-timeout": SHUTDOWN_MS,
        "--worker-fork-timeout": _FORK_MS,
    }
    words = [setup, "--skip-logging", *(word for option in options.items() for word in map(str, option))]
    # Dramatiq installs a handler of its own for each signal of this set.
    cli.HANDLED_SIGNALS.discard(signal.SIGHUP)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _stop_once)
    sys.exit(cli.main(parser.parse_args(words)))  # type: ignore[no-untyped-call]


def _stop_once(*_: object) -> None:
    """Stop as SIGTERM does. What hangs up again is ignored: to Dramatiq a second SIGTERM means to kill."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.raise_signal(signal.SIGTERM)


def uvicorn(
    name: str,
    factory: str,
    host: str,
    port: int,
    lacks: Callable[[], Iterable[str]] = tuple,
    ask: "Asking | None" = None,
    **options: Any,
) -> None:
    """Serve an ASGI application until SIGTERM; without an access log, since paths hold tokens.

    Args:
        name: of the process; for the line that says where it listens.
        factory: makes the application.
        host: address to listen on.
        port: port to listen on.
        lacks: says what the process lacks besides Redis, a sentence each.
        ask: asks Redis what the process must be allowed to ask; None for what runs scripts.
        **options: further options of uvicorn.

    Raises:
        SystemExit: a setting is wrong, or nothing can listen there.
    """
    # Workers need no web server.
    from uvicorn import Config  # noqa: PLC0415

    from worker.process.listening import Listening, ask_whether_served  # noqa: PLC0415

    config = Config(
        factory,
        factory=True,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        ws="none",
        log_level="warning",
        timeout_graceful_shutdown=GRACE_S,
        **options,
    )
    server = Listening(config, name, lacks, ask or ask_whether_served)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(_NOT_STARTED)
