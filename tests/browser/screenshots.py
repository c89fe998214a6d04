"""Writes the pictures in docs: every console page wide, some narrow in dark colours, and the phone.

    python -m tests.browser.screenshots [directory]

Needs Chromium. Everything else it starts itself: a server, a simulated gateway, a worker, the console.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from tests.browser.example import ExampleDay
from tests.browser.pages import PAGES
from tests.browser.phone_pictures import write_phone_pictures
from tests.browser.tab import ARGUMENTS, Tab
from tests.support.console_client import OPERATOR
from worker.sandbox.redis_server import RedisServer

_DIRECTORY: Final = Path(__file__).parents[2] / "docs" / "images"
#: Width and colours by the end of a picture's name. Pages are long: a picture shows their beginning.
_LOOKS: Final = {"wide": (1280, "light"), "narrow": (360, "dark")}
_HEIGHT_MAX: Final = 1000
#: Pages that are shown on a narrow screen, too.
_NARROW: Final = {"overview", "replies", "conversation", "failures", "optout", "money"}


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no pictures: there is no chromium on the PATH")
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else _DIRECTORY
    directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as temporary,
        RedisServer(Path(temporary) / "redis") as server,
        ExampleDay(Path(temporary), server.url) as day,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        for ending, look in _LOOKS.items():
            _take(browser, day, directory, ending, *look)
        write_phone_pictures(browser, directory)
        browser.close()


def _take(browser: Any, day: ExampleDay, directory: Path, ending: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab = Tab(context, day.console.url)
    tab.log_in(OPERATOR)
    for page in PAGES:
        if page.picture and (ending == "wide" or page.name in _NARROW):
            tab.go(page.path(day))
            _picture(tab, directory / f"console-{page.name}-{ending}.png", width)
    context.close()


def _picture(tab: Tab, path: Path, width: int) -> None:
    tall = tab.page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(tall, _HEIGHT_MAX)}
    tab.page.screenshot(path=path, full_page=True, clip=clip)
    sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
