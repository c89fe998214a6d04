"""docs/outbox.md and docs/django.md do what they show: a team copies their blocks, and they work."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from producers.contract.keys import Keys

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    """Give the blocks of Python of a page."""
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_outbox_page_sends_what_it_shows(tmp_path, monkeypatch, redis_client, redis_url):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    shown = {}
    try:
        exec(compile("".join(blocks("outbox.md")), "outbox.md", "exec"), shown)
    finally:
        signal.signal(signal.SIGTERM, before)
        shown["engine"].dispose()

    assert redis_client.lrange(Keys("sms").queue("alert").ready, 0, -1) == [b"order-1"]


def test_the_project_of_the_django_page_passes_its_own_tests(tmp_path):
    for block in blocks("django.md"):
        name, _, code = block.removeprefix("# ").partition("\n")
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, "utf-8")
    (tmp_path / "bookings" / "__init__.py").touch()

    # In the directory of an application, whose environment has no variable of ours.
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ |= {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)}
    environ |= {"SECRET_KEY": "x", "SMS_CALLBACK_TOKEN": "kX7canary0123456789Zq"}
    command = [sys.executable, "-W", "error", "-m", "django", "test", "bookings"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    assert re.search(r"^Ran 4 tests", done.stderr, re.MULTILINE), done.stderr
    assert done.returncode == 0, done.stderr
