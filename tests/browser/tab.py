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


class Tab:
    """A tab in which somebody is logged in.

    Args:
        context: of the browser.
        url: of the console.
        scripts: whether JavaScript is on.

    Attributes:
        context: of the browser.
        page: Playwright's page.
        complaints: errors and warnings of the console, violations of the policy, failed scripts.
        forgives_status: whether an answer that is no success is no complaint: the test asks for it.
    """

    def __init__(self, context: Any, url: str, *, scripts: bool = True) -> None:
        self.url = url
        self.context = context
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.forgives_status = False
        self._scripts = scripts
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
        """Ask axe what keeps people from using this page."""
        return _violations(self.page if self._scripts else self._without_our_script())

    def _without_our_script(self) -> Any:
        """Open the same page as it is without JavaScript, in a tab in which axe itself can run."""
        browser, size = self.context.browser, self.page.viewport_size
        dark = self.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        scheme = "dark" if dark else "light"
        state = self.context.storage_state()
        context = browser.new_context(viewport=size, color_scheme=scheme, storage_state=state)
        context.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        page = context.new_page()
        page.goto(self.page.url)
        self.page.once("close", lambda _: context.close())
        return page

    def overflow(self) -> int:
        """Say by how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def spilled(self) -> list[str]:
        """List the fields and buttons that reach out of their forms or over each other."""
        found: list[str] = self.page.locator("main form").evaluate_all(_SPILLED)
        return found

    def _note(self, message: Any) -> None:
        is_status = self.forgives_status and "Failed to load resource" in message.text
        if message.type in {"error", "warning"} and not is_status:
            self.complaints.append(message.text)


class Window:
    """Opens tabs. Those that look alike share a profile, in which somebody has logged in once.

    Args:
        browser: Playwright's browser.
        day: whose console the tabs show.
    """

    def __init__(self, browser: Any, day: ExampleDay) -> None:
        self._browser = browser
        self._day = day
        self._contexts: dict[tuple[object, ...], Any] = {}
        self._tabs: list[Tab] = []

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
        look = (width, scheme, scripts, token, len(self._contexts) if fresh else None)
        is_new = look not in self._contexts
        if is_new:
            self._contexts[look] = self._browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,
                java_script_enabled=scripts,
                reduced_motion="reduce",
            )
        tab = Tab(self._contexts[look], self._day.console.url, scripts=scripts)
        self._tabs.append(tab)
        if token and is_new:
            tab.log_in(token)
        return tab

    def check(self) -> None:
        """Close all tabs, and fail if the browser complained about anything."""
        tabs, self._tabs = self._tabs, []
        for tab in tabs:
            tab.page.close()
        assert [complaint for tab in tabs for complaint in tab.complaints] == []

    def close(self) -> None:
        """Forget all profiles."""
        for context in self._contexts.values():
            context.close()


def _violations(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "tag", "values": list(RULES)}}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]
