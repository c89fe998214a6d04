"""Command line: ``python -m worker.sandbox.simulator --port 0 --seed 1 --set latency_ms=100``.

Prints one JSON line with ``url``, ``base_url`` and ``admin_url`` when ready; stops on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from worker.sandbox.simulator.server import LOOPBACK, serve
from worker.sandbox.simulator.settings import SimulatorSettings, patch_settings


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the simulator until told to stop."""
    options = _parser().parse_args(arguments)
    settings = SimulatorSettings()
    try:
        patch_settings(settings, _chosen(options))
    except (msgspec.ValidationError, msgspec.DecodeError, OSError) as wrong:
        sys.exit(f"simulator: {wrong}")
    asyncio.run(_run(settings, options))


async def _run(settings: SimulatorSettings, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(settings, host=options.host, port=options.port, admin_port=options.admin_port) as served:
        ready = {"url": served.url, "base_url": served.base_url, "admin_url": served.admin_url}
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A simulated Octopush gateway.")
    parser.add_argument("--host", default=LOOPBACK, help="address of both ports (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="gateway port; 0: a free one")
    parser.add_argument("--admin-port", type=int, default=0, help="admin port; 0: a free one")
    parser.add_argument("--seed", type=int, help="seed of tickets, probabilities and losses")
    parser.add_argument("--callback-url", help="where callbacks of all kinds go")
    parser.add_argument("--config", type=Path, help="JSON file with settings")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting; the value is JSON or plain text",
    )
    return parser


def _chosen(options: argparse.Namespace) -> dict[str, Any]:
    """Collect the settings given: file first, then ``--set``, then the options of their own."""
    chosen: dict[str, Any] = {}
    if options.config is not None:
        chosen |= msgspec.json.decode(options.config.read_bytes(), type=dict[str, Any])
    for assignment in options.set:
        name, _, value = assignment.partition("=")
        chosen[name] = _value(value)
    named = {"seed": options.seed, "callback_url": options.callback_url}
    return chosen | {name: value for name, value in named.items() if value is not None}


def _value(written: str) -> Any:
    try:
        return msgspec.json.decode(written.encode())
    except msgspec.DecodeError:
        return written


if __name__ == "__main__":
    main()
