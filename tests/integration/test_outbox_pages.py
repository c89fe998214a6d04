"""docs/outbox.md and docs/django.md do what they show; test_example_tests.py runs what the latter shows."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from producers.contract.keys import Keys

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS.parent / "examples" / "django"


def blocks(page: str) -> list[str]:
    """Give the blocks of Python of a page."""
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_outbox_page_sends_what_it_shows(tmp_path, monkeypatch, capsys, redis_client, redis_url):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    shown = {}
    try:
        plain = "".join(block for block in blocks("outbox.md") if not block.startswith("# "))
        exec(compile(plain, "outbox.md", "exec"), shown)
    finally:
        signal.signal(signal.SIGTERM, before)
        shown["engine"].dispose()

    assert capsys.readouterr().out == "order-1\n"
    assert redis_client.lrange(Keys("sms").queue("alert").ready, 0, -1) == [b"order-1"]


def test_the_application_of_the_outbox_page_passes_its_tests(tmp_path):
    files = [block for block in blocks("outbox.md") if block.startswith("# ")]
    for block in files:
        (tmp_path / block.partition("\n")[0].removeprefix("# ")).write_text(block, "utf-8")

    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-W", "error", "-W", "ignore:Using `httpx`", "-m", "pytest", "-q"]
    command += ["-p", "no:cacheprovider", f"--basetemp={tmp_path / 'temporary'}", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    assert len(files) == 2
    assert re.search(r"^3 passed", done.stdout, re.MULTILINE), done.stdout


def test_the_django_page_shows_the_example_as_it_is():
    shown = {}
    for block in blocks("django.md"):
        name, _, code = block.removeprefix("# ").partition("\n")
        shown[name] = code

    assert len(shown) == 7
    assert shown == {name: (EXAMPLE / name).read_text("utf-8") for name in shown}
