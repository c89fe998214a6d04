"""Pictures of the phone page, each a scene of its own on a real simulator.

    python -m tests.browser.phone_pictures DIRECTORY

writes every scene in both widths, light and dark; `write_phone_pictures` writes those of the pages in docs.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.tab import ARGUMENTS
from tests.support.callback_receiver import CallbackReceiver
from tests.support.simulator import SimulatorThread
from tests.support.waiting import until

NARROW: Final = 360
WIDE: Final = 1280
ANNA: Final = "+33612345678"
BEN: Final = "+33687654321"
EVA: Final = "+491701234567"
REDIS: Final = "unix:///tmp/octopush-sandbox-4f2a/redis/redis.sock"


class Stage:
    """A simulator with a receiver of its callbacks, for one scene."""

    def __init__(self, simulator: SimulatorThread, receiver: CallbackReceiver) -> None:
        self.admin = simulator.admin
        self.url = str(simulator.admin.http.base_url).rstrip("/")
        self._receiver = receiver
        self._gateway = httpx.Client(
            base_url=simulator.base_url,
            headers={"api-login": "sandbox@example.com", "api-key": "sandbox-key"},
            trust_env=False,
        )

    def send(self, number: str, text: str, request_id: str, **fields: object) -> httpx.Response:
        """POST a message to the gateway as the worker does."""
        body = {
            "recipients": [{"phone_number": number}],
            "text": text,
            "sender": "Bistro",
            "purpose": "alert",
            "with_replies": True,
            "request_id": request_id,
        }
        return self._gateway.post("/sms-campaign/send", json=body | fields)

    def settle(self) -> None:
        """Wait until all callbacks were answered."""
        self.admin.wait_until_idle()

    def close(self) -> None:
        """Close the connection to the gateway."""
        self._gateway.close()


@contextmanager
def stage() -> Iterator[Stage]:
    """Run a simulator whose receipts come soon."""
    with SimulatorThread() as simulator, CallbackReceiver() as receiver:
        receipts = {"ack_delay_ms": 1, "final_delay_ms": 20}
        simulator.admin.settings(callback_url=receiver.url, redis_url=REDIS, receipts=receipts)
        scene = Stage(simulator, receiver)
        yield scene
        scene.close()


def empty(scene: Stage) -> str:
    """Show what a newcomer sees."""
    return scene.url


def first(scene: Stage) -> str:
    """Show the first message, and the hint that leads on."""
    scene.send(ANNA, "Your table for 4 is ready at 8 pm. Reply YES to confirm.", "booking-42")
    scene.settle()
    return f"{scene.url}/?number=%2B{ANNA[1:]}"


def busy(scene: Stage) -> str:
    """Show three handsets, a lost answer, UCS-2, a refusal and receipts."""
    scene.send(BEN, "Your parcel has left. Track it: https://p.example/7f3", "parcel-7", sender="Parcel")
    scene.send(EVA, "Ihr Termin ist morgen um 9:30.", "visit-9", sender="Praxis")
    scene.admin.call("POST", "/weather", {"weather": "refused"})
    scene.send(EVA, "Sale today only", "sale-1", sender="Shop", purpose="wholesale")
    scene.admin.call("POST", "/weather", {"weather": "normal"})
    scene.send(ANNA, "Your table for 4 is ready at 8 pm. Reply YES to confirm.", "booking-42")
    scene.settle()
    scene.admin.reply(ANNA, "YES, see you at 8! 😊")
    scene.settle()
    scene.send(ANNA, "Thank you! Dziś wieczorem gra zespół: 20:30.", "booking-42-thanks")
    scene.send(ANNA, "Thank you! Dziś wieczorem gra zespół: 20:30.", "booking-42-thanks")
    scene.settle()
    scene.admin.reply(ANNA, "Is there a high chair?", copies=2)
    scene.settle()
    return f"{scene.url}/?number=%2B{ANNA[1:]}"


def handsets(scene: Stage) -> str:
    """Show the list, which is a view of its own in a narrow window."""
    busy(scene)
    return scene.url


def stopped(scene: Stage) -> str:
    """Show a handset that opted out, and what came after."""
    scene.send(ANNA, "New on the menu: oysters. STOP au 30101", "menu-1", purpose="wholesale")
    scene.settle()
    scene.admin.stop(ANNA, text="STOP")
    scene.settle()
    scene.send(ANNA, "Last call for oysters. STOP au 30101", "menu-2", purpose="wholesale")
    scene.settle()
    return f"{scene.url}/?number=%2B{ANNA[1:]}"


def one_way(scene: Stage) -> str:
    """Show a message from a name, which nobody can answer."""
    scene.send(ANNA, "Your table for 4 is ready at 8 pm.", "booking-42", with_replies=False)
    scene.settle()
    return f"{scene.url}/?number=%2B{ANNA[1:]}"


def away(scene: Stage) -> str:
    """Show the gateway away while a handset is about to answer."""
    url = first(scene)
    scene.admin.call("POST", "/replies", {"number": ANNA, "text": "YES", "after_ms": 60_000})
    scene.admin.stop_listening()
    return url


SCENES: Final[dict[str, Callable[[Stage], str]]] = {
    "empty": empty,
    "first": first,
    "busy": busy,
    "handsets": handsets,
    "stopped": stopped,
    "one_way": one_way,
    "away": away,
}


def shoot(
    browser: Browser,
    name: str,
    path: Path,
    *,
    width: int,
    scheme: Literal["light", "dark"],
    open_at: int = -1,
) -> None:
    """Write one picture.

    Args:
        browser: A running one.
        name: The scene.
        path: Where the picture goes.
        width: Of the window, in CSS pixels.
        scheme: The colours.
        open_at: Which bubble shows its details, counted from the last; 0: none.
    """
    height = 800 if width == WIDE else 740
    with stage() as scene:
        url = SCENES[name](scene)
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto(url)
        _wait_for(page, name)
        if name == "busy" and open_at:
            page.locator("#entries details").nth(open_at).locator("summary").click()
        page.screenshot(path=path)
        context.close()


def write_phone_pictures(browser: Browser, directory: Path) -> None:
    """Write the pictures that the pages in docs show."""
    shoot(browser, "busy", directory / "phone.png", width=WIDE, scheme="light", open_at=-2)
    shoot(browser, "busy", directory / "phone-narrow.png", width=NARROW, scheme="dark", open_at=0)


def _wait_for(page: Page, name: str) -> None:
    """Wait until the script has drawn the scene."""
    until(lambda: page.evaluate("now !== null"))
    if name != "empty":
        page.locator("#entries .bubble").first.wait_for(state="attached")


def main(directory: Path) -> None:
    """Write every scene in both widths, light and dark."""
    directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        for name in SCENES:
            for width in (NARROW, WIDE):
                for scheme in ("light", "dark"):
                    path = directory / f"{name}-{width}-{scheme}.png"
                    shoot(browser, name, path, width=width, scheme=scheme, open_at=-2)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
