"""The steps of deploy/Dockerfile, each in its turn, in a plain directory: there is no container engine here.

Packages come from a registry, as they do for the image.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.house.repository import ROOT, text

#: Where the first stage writes.
PLACES = ("/opt/octopush", "/tmp/build", "/tmp/wheel", "/var/lib/octopush")


@pytest.mark.timeout(600)
def test_the_steps_of_the_image_make_commands_that_run(tmp_path):
    source = tmp_path / "src"
    source.mkdir()

    def moved(word: str) -> str:
        for place in PLACES:
            if word == place or word.startswith(place + "/"):
                return f"{tmp_path}{word}"
        return word

    steps = [line.partition(" ")[::2] for line in text("deploy/Dockerfile").split("\nFROM ")[1].splitlines()]
    for step, rest in steps:
        if step == "COPY":
            *files, target = rest.split()
            for each in files:
                copy(ROOT / each, source / Path(each).name if target == "./" else source / target)
        elif step == "RUN":
            words = [moved(word) for word in json.loads(rest)]
            # The image's Python is that of the tests here.
            words[0] = sys.executable if words[0] == "python" else words[0]
            subprocess.run(words, cwd=source, check=True, timeout=300, capture_output=True)

    command = tmp_path / "opt/octopush/bin/octopush-worker"
    began = time.monotonic()
    for process in ("worker", "web", "console", "api", "forward-http", "forward-email", "status"):
        done = subprocess.run(
            [command, process, "--help"], cwd="/", capture_output=True, text=True, check=True
        )
        assert "Usage: octopush-worker" in done.stdout
    assert time.monotonic() - began < 60
    assert not (tmp_path / "opt/octopush/bin/pip").exists()


def copy(found: Path, target: Path) -> None:
    if found.is_dir():
        shutil.copytree(found, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(found, target)
