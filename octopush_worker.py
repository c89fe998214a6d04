"""``octopush-worker``, and ``python -m octopush_worker``: says which extra is missing, then runs the command.

The one module of ours whose name no application has: applications may well have a ``worker.py`` or a package
``producers`` of their own, in the current directory or on ``PYTHONPATH``. So ours are loaded from where this
module lies, before anybody asks the path for these names. Needs only the standard library until then.
"""

import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path


def _load_ours() -> None:
    here = str(Path(__file__).resolve().parent)
    sys.path.insert(0, here)
    try:
        for name in ("producers", "worker"):
            importlib.import_module(name)
    finally:
        sys.path.remove(here)


# Not in `main`: a process that Python spawns for a worker imports this module and goes on elsewhere.
_load_ours()


def main() -> None:
    """Run the command line of this process.

    Raises:
        SystemExit: always; the codes are those of docs/commands.md.
    """
    from worker.process.extras import missing  # noqa: PLC0415 - found only once ours are loaded

    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "--version":
        sys.stdout.write(f"octopush-worker, version {version('octopush-worker')}\n")
        sys.exit(0)
    problem = missing(command, only_help="--help" in sys.argv)
    if problem is not None:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"v": 1, "error": "failed", "message": problem}) + "\n")
        sys.exit(f"Error: {problem}")
    if command == "web":
        # An installation that only takes callbacks has what this command needs, and nothing more.
        from worker.start import web  # noqa: PLC0415

        web(sys.argv[2:], prog_name="octopush-worker web")
    from worker.cli import main as octopush_worker  # noqa: PLC0415

    octopush_worker(prog_name="octopush-worker")


if __name__ == "__main__":
    main()
