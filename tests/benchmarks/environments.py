"""The peers' environments below ``.bench/``: a virtual environment each, and Node's modules.

Versions are pinned in ``peers/*.txt`` and ``peers/package.json``; a changed file builds its environment anew.
"""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.report import BenchmarkError, Context

PEERS = Path(__file__).parent / "peers"
#: What a build may take, on a slow network.
_PATIENCE_S = 600


def python(context: Context, name: str) -> Path:
    """Build the virtual environment of ``peers/<name>.txt`` if it is not there; return its interpreter."""
    target = context.bench_dir / name
    pins = (PEERS / f"{name}.txt").read_text("utf-8")
    interpreter = target / "bin" / "python"
    if not _is_built(target, pins):
        context.say(f"building {name} in {target.name}")
        _run([sys.executable, "-m", "venv", "--clear", str(target)])
        install = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*install, "-r", str(PEERS / f"{name}.txt")])
        _seal(target, pins)
    return interpreter


def node(context: Context) -> Path | None:
    """Build BullMQ's modules; return the script beside them, or None on a machine without Node or npm."""
    if not shutil.which("node") or not shutil.which("npm"):
        _without_node(context)
        return None
    target = context.bench_dir / "bullmq"
    pins = (PEERS / "package.json").read_text("utf-8")
    if not _is_built(target, pins):
        context.say(f"building BullMQ in {target.name}")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        shutil.copy(PEERS / "package.json", target)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        _run(["npm", "install", *options], cwd=target)
        _seal(target, pins)
    # Node looks for modules beside the script, so the script goes to the modules.
    return Path(shutil.copy(PEERS / "bullmq_peer.mjs", target))


@functools.cache
def _without_node(context: Context) -> None:
    context.say("node or npm is not installed: BullMQ is left out")


def _is_built(target: Path, pins: str) -> bool:
    seal = target / ".pins"
    return seal.exists() and seal.read_text("utf-8") == pins


def _seal(target: Path, pins: str) -> None:
    (target / ".pins").write_text(pins, "utf-8")


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command[:4])} … failed: {done.stderr[-2000:]}")
