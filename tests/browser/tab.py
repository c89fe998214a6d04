"""One tab of a browser at the console, which writes down everything that the browser complains about."""

from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe

from tests.browser.example import ExampleDay
from tests.support.console_client import OPERATOR

#: A browser without screen that calls nobody.
ARGUMENTS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
#: Where a tab is between two tests.
_EMPTY: Final = "about:blank"
#: What axe is asked for: WCAG 2.2 up to AA, and what axe's makers recommend.
_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
#: What is well need not be described: that takes a seventh of the time.
_OPTIONS: Final = {"runOnly": {"type": "tag", "values": list(_RULES)}, "resultTypes": ["violations"]}
#: Compares the places of what somebody can press or fill in.
_SPILLED: Final = """forms => forms.flatMap(form => {
    const outer = form.getBoundingClientRect();
    const all = [...form.querySelectorAll("input:not([type=hidden]), select, textarea, button")];
    const boxes = all.map(each => each.getBoundingClientRect());
    const apart = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 1;
    const over = (a, b) => !apart(a, b) && !apart(b, a);
    return all.filter((_, n) => boxes[n].width && (boxes[n].right > outer.right + 1
        || boxes.some((box, m) => m !== n && over(box, boxes[n])))).map(each => each.outerHTML);
})"""


def violations(page: Any) -> list[str]:
    """Ask axe what keeps people from using a page."""
    found = Axe().run(page, options=_OPTIONS).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def overflow(page: Any) -> int:
    """Say by how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


class Tab:
    """A tab in which somebody is logged in.

    Args:
        context: of the browser.
        url: of the console.
        plain: another one that looks alike, with JavaScript but without our script, if this one has none.

    Attributes:
        page: Playwright's page.
        complaints: errors and warnings of the console, violations of the policy, failed scripts.
        forgives_status: whether an answer that is no success is no complaint: the test asks for it.
    """

    def __init__(self, context: Any, url: str, plain: Any = None) -> None:
        self.url = url
        self.page = context.new_page()
        self._plain = plain and plain.new_page()
        self.complaints: list[str] = []
        self.forgives_status = False
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self, token: str) -> None:
        """Enter a token."""
        self.page.goto(self.url + "/login")
        self.page.get_by_label("Your token").fill(token)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.url + "/")

    def go(self, path: str, status: int = 200) -> None:
        """Open a page that answers with this status."""
        self.forgives_status = status >= 400
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == status

    def violations(self) -> list[str]:
        """Ask axe what keeps people from using this page.

        Where JavaScript is off, axe cannot run either: it looks at the same page in a tab without our script.
        """
        page = self.page
        if self._plain is not None:
            page = self._plain
            page.goto(self.page.url)
        return violations(page)

    def overflow(self) -> int:
        """Say by how many pixels the page is wider than the window."""
        return overflow(self.page)

    def spilled(self) -> list[str]:
        """List the fields and buttons that reach out of their forms or over each other."""
        found: list[str] = self.page.locator("main form").evaluate_all(_SPILLED)
        return found

    def _note(self, message: Any) -> None:
        is_status = self.forgives_status and "Failed to load resource" in message.text
        if message.type in {"error", "warning"} and not is_status:
            self.complaints.append(message.text)


class Window:
    """Opens tabs. Those that look alike are one, in which somebody has logged in once.

    Args:
        browser: Playwright's browser.
        day: whose console the tabs show.
    """

    def __init__(self, browser: Any, day: ExampleDay) -> None:
        self._browser = browser
        self._day = day
        self._tabs: dict[tuple[object, ...], Tab] = {}
        self._fresh: list[Tab] = []

    def __call__(
        self,
        *,
        width: int = 1280,
        scheme: str = "light",
        scripts: bool = True,
        token: str = OPERATOR,
        fresh: bool = False,
    ) -> Tab:
        """Open a tab of some width, in light or dark colours, with or without JavaScript, and log in.

        A fresh one has a profile of its own: its clock may be changed.
        """
        look = (width, scheme, scripts, token)
        if fresh or look not in self._tabs:
            tab = self._open(*look)
            if fresh:
                self._fresh.append(tab)
                return tab
            self._tabs[look] = tab
        return self._tabs[look]

    def _open(self, width: int, scheme: str, scripts: bool, token: str) -> Tab:
        look = {
            "viewport": {"width": width, "height": 800},
            "color_scheme": scheme,
            "reduced_motion": "reduce",
        }
        url, plain = self._day.console.url, None
        context = self._browser.new_context(java_script_enabled=scripts, **look)
        if not scripts:
            plain = self._browser.new_context(**look)
            plain.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        tab = Tab(context, url, plain)
        if token:
            tab.log_in(token)
        if plain is not None:
            plain.add_cookies(context.cookies())
        return tab

    def check(self) -> None:
        """Fail if the browser complained about anything since the last check; close what was fresh."""
        tabs = [*self._tabs.values(), *self._fresh]
        complaints = [complaint for tab in tabs for complaint in tab.complaints]
        for tab in tabs:
            tab.complaints.clear()
        for tab in self._fresh:
            tab.page.context.close()
        self._fresh.clear()
        for tab in self._tabs.values():
            # A page that nobody looks at would go on asking for news.
            if tab.page.url != _EMPTY:
                tab.page.goto(_EMPTY)
        if complaints:
            raise AssertionError("; ".join(complaints))

    def close(self) -> None:
        """Close all tabs."""
        for tab in self._tabs.values():
            tab.page.context.close()
