"""Other releases of this project, each in a directory of its own and run by this interpreter.

The last release is a commit or a tag, named in `last_release.txt`. The next one does not exist yet: it is a
copy of the present code, changed as a release will be that writes its records in another way.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from producers.contract.jobs import LAYOUT, RECORD_VERSION

ROOT: Final = Path(__file__).parents[2]
#: What a release runs with.
_PARTS: Final = ("producers", "worker", "octopush_worker.py", "Procfile")
#: What a record of the next layout has, and no other.
NEW_FIELD: Final = "form"

Change = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Release:
    """One release.

    Attributes:
        name: for logs.
        path: where its packages lie.
    """

    name: str
    path: Path

    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        """Let a process that gets this environment run this release, wherever it is started."""
        return {**environ, "PYTHONPATH": str(self.path), "PYTHONSAFEPATH": "1"}

    def check(self) -> None:
        """Make sure that processes run this release and no other."""
        code = "import producers, worker; print(producers.__file__, worker.__file__)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environ(dict(os.environ)),
            capture_output=True,
            text=True,
            check=True,
        )
        found = {Path(each).parents[1] for each in done.stdout.split()}
        assert found == {self.path}, found


PRESENT: Final = Release("present", ROOT)


def last_release(directory: Path) -> Release:
    """Unpack the last release.

    Raises:
        pytest.skip.Exception: this checkout does not have its commit, as a shallow clone.
    """
    commit = (Path(__file__).parent / "last_release.txt").read_text("utf-8").strip()
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"left out: this checkout does not have {commit[:12]}, the last release")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(directory)
    return _checked(Release("last", directory))


def next_release(directory: Path) -> Release:
    """Copy the present code, and let it serve one more layout and write it where the data have it.

    It reads records of both versions, and writes the old one until the layout is raised.
    """
    scripts = [f"{each}.lua" for each in ("producers/queueing/enqueue", "worker/queue/fetch")]
    return _changed(
        "next",
        directory,
        ("producers/contract/jobs.py", f"LAYOUT: Final = {LAYOUT}", f"LAYOUT: Final = {LAYOUT + 1}"),
        _record_version(RECORD_VERSION + 1),
        ("producers/contract/lua/head.lua", rf"(newest_layout = .*), {LAYOUT}$", rf"\1, {LAYOUT + 1}"),
        *(
            (script, r"('v', (?:whole\()?)given\.version", rf"\g<1>{RECORD_VERSION - LAYOUT} + layout")
            for script in scripts
        ),
        (
            "producers/queueing/enqueue.lua",
            r"( +)(local fields = \{[^}]*\})",
            rf"\1\2\n\1if layout > {LAYOUT} then add(fields, '{NEW_FIELD}', 'new') end",
        ),
    )


def hasty_release(directory: Path) -> Release:
    """Copy the present code, and let it write records of a newer version at once, in the same layout."""
    return _changed("hasty", directory, _record_version(RECORD_VERSION + 1))


def _record_version(version: int) -> Change:
    return (
        "producers/contract/jobs.py",
        f"RECORD_VERSION: Final = {RECORD_VERSION}",
        f"RECORD_VERSION: Final = {version}",
    )


def _changed(name: str, directory: Path, *changes: Change) -> Release:
    for part in _PARTS:
        copy: Callable[..., object] = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, directory / part)
    for path, pattern, instead in changes:
        file = directory / path
        text, times = re.subn(pattern, instead, file.read_text("utf-8"), flags=re.MULTILINE)
        assert times, f"{path} has changed: nothing there is {pattern}"
        file.write_text(text, "utf-8")
    return _checked(Release(name, directory))


def _checked(release: Release) -> Release:
    release.check()
    return release
