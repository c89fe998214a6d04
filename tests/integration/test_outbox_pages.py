"""docs/outbox.md and docs/django.md do what they show; test_example_tests.py runs what the latter shows."""

import re
import signal
from pathlib import Path

from producers.contract.keys import Keys

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS.parent / "examples" / "django"


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


def test_the_django_page_shows_the_example_as_it_is():
    shown = {}
    for block in blocks("django.md"):
        name, _, code = block.removeprefix("# ").partition("\n")
        shown[name] = code

    assert len(shown) == 7
    assert shown == {name: (EXAMPLE / name).read_text("utf-8") for name in shown}
