"""One tab of a browser at the console, which writes down everything that the browser complains about."""

from typing import Any, Final

from tests.browser.example import ExampleDay
from tests.support.console_client import OPERATOR

#: A browser without screen that calls nobody.
ARGUMENTS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
#: What axe is asked for: WCAG 2.2 up to AA, and what axe's makers recommend.
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


class Tab:
    """A tab in which somebody is logged in.

    Args:
        context: of the browser.
        url: of the console.

    Attributes:
        page: Playwright's page.
        complaints: errors and warnings of the console, violations of the policy, failed scripts.
    """

    def __init__(self, context: Any, url: str) -> None:
        self.url = url
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self, token: str) -> None:
        """Enter a token."""
        self.page.goto(self.url + "/login")
        self.page.get_by_label("Your token").fill(token)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.url + "/")

    def go(self, path: str) -> int:
        """Open a page and return its status."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        return int(answer.status)

    def violations(self) -> list[str]:
        """Ask axe what keeps people from using this page."""
        from axe_playwright_python.sync_playwright import Axe

        options = {"runOnly": {"type": "tag", "values": list(RULES)}}
        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    def overflow(self) -> int:
        """Say by how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


class Window:
    """Opens tabs, each in a profile of its own.

    Args:
        browser: Playwright's browser.
        day: whose console the tabs show.
    """

    def __init__(self, browser: Any, day: ExampleDay) -> None:
        self._browser = browser
        self._day = day
        self._contexts: list[Any] = []
        self._tabs: list[Tab] = []

    def __call__(
        self, *, width: int = 1280, scheme: str = "light", scripts: bool = True, token: str = OPERATOR
    ) -> Tab:
        """Open a tab of some width, in light or dark colours, with or without JavaScript, and log in."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        tab = Tab(context, self._day.console.url)
        self._tabs.append(tab)
        if token:
            tab.log_in(token)
        return tab

    def close(self) -> None:
        """Close all tabs, and fail if a browser complained about anything."""
        for context in self._contexts:
            context.close()
        assert [complaint for tab in self._tabs for complaint in tab.complaints] == []
