"""A program that calls the API and a person at the console, while both processes come and go."""

import itertools
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import httpx

from tests.soak.crowd import SENDER, Text
from tests.support.api_client import ALL
from tests.support.console_client import OPERATOR
from worker.console.pages import PAGES

#: What a process may answer that cannot ask Redis now.
_AWAY: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
#: Alerts of the API in a call, and how the numbers begin that they go to.
_ALERTS: Final = 3
_NUMBERS: Final = "+33750"
#: Where it reads.
_EVENTS: Final = "/v1/events?stream=statuses&group=program"
#: Pages that the person at the console opens, in turn: all that need no name.
_PAGES: Final = [each.path for each in PAGES if each.method == "GET" and not {"{", "."} & {*each.path}]
#: Seconds until a connection is given up; an answer may take as long as it takes to find a new primary.
_TIMEOUT_S: Final = 20.0


class Visitors:
    """Call, as two threads.

    Args:
        api, console, metrics: where they are.
        sent: told of each text before it is sent.

    Attributes:
        did: how often what was answered.
        strange: answers that should not have come.
    """

    def __init__(self, api: str, console: str, metrics: str, sent: Callable[[list[Text]], None]) -> None:
        self._api = httpx.Client(
            base_url=api, trust_env=False, timeout=_TIMEOUT_S, headers={"Authorization": f"Bearer {ALL}"}
        )
        same = {"Sec-Fetch-Site": "same-origin", "Origin": console}
        self._console = httpx.Client(base_url=console, trust_env=False, timeout=_TIMEOUT_S, headers=same)
        self._metrics = metrics
        self._sent, self._done, self._silent = sent, threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._program, self._person)]
        self._lately: list[tuple[float, dict[str, Any]]] = []
        self._again: queue.SimpleQueue[tuple[float, float]] = queue.SimpleQueue()
        self.did: Counter[str] = Counter()
        self.strange: list[str] = []

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def fall_silent(self) -> None:
        """Send no more; go on asking."""
        self._silent.set()

    def repeat(self, begins: float, ends: float) -> None:
        """Send again what was sent between these true times, under the same ids, soon."""
        self._again.put((begins, ends))

    def stop(self) -> None:
        """End."""
        self._done.set()
        for thread in self._threads:
            thread.join()
        self._api.close()
        self._console.close()

    def _program(self) -> None:
        """Send alerts, ask for them, read events and acknowledge them."""
        for turn in itertools.count():
            if self._done.wait(1.0):
                return
            if not self._silent.is_set():
                self._send(turn)
            while not self._again.empty():
                begins, ends = self._again.get()
                for _, message in [each for each in self._lately if begins <= each[0] <= ends]:
                    self._until_taken(message)
            self._lately = [each for each in self._lately if each[0] > time.time() - 120]
            body = self._call("events", "GET", f"{_EVENTS}&consumer=a&max=100&wait_s=2")
            entries = (body or {}).get("entries", [])
            if entries:
                ids = [each["entry_id"] for each in entries]
                acknowledged = {"stream": "statuses", "group": "program", "entry_ids": ids}
                self._call("ack", "POST", "/v1/events/ack", acknowledged)

    def _send(self, turn: int) -> None:
        texts = [
            Text(
                f"{_NUMBERS}{turn * _ALERTS + place:06}",
                f"Soak api {turn}.{place}",
                f"alert-api-{turn}.{place}",
                "alert",
            )
            for place in range(_ALERTS)
        ]
        self._sent(texts)
        for text in texts:
            message = {
                "request_id": text.request_id,
                "recipients": [text.number],
                "text": text.text,
                "sender": SENDER,
                "purpose": "alert",
                "with_replies": True,
            }
            self._until_taken(message)
            self._lately.append((time.time(), message))
        self._call("status", "GET", f"/v1/messages/{texts[0].request_id}?wait_s=1")

    def _until_taken(self, message: dict[str, Any]) -> None:
        while self._call("send", "POST", "/v1/messages", message) is None and not self._done.is_set():
            time.sleep(0.2)  # the pace of a program that repeats what was not confirmed

    def _call(self, what: str, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = self._api.request(method, path, json=body)
        except httpx.HTTPError:  # killed, or not started yet
            self.did[f"api {what}: no answer"] += 1
            return None
        self.did[f"api {what}: {answer.status_code}"] += 1
        if answer.is_success:
            return answer.json() if answer.content else {}
        # A status may be asked for that a primary has forgotten which was just replaced.
        if answer.status_code not in _AWAY and (what, answer.status_code) != ("status", HTTPStatus.NOT_FOUND):
            self.strange.append(f"api {what}: {answer.status_code} {answer.text[:200]}")
        return None

    def _person(self) -> None:
        for path in itertools.cycle(_PAGES):
            if self._done.wait(2.0):
                return
            self._look_at_metrics()
            try:
                answer = self._console.get(path)
                if answer.has_redirect_location:
                    answer = self._console.post("/login", data={"token": OPERATOR})
            except httpx.HTTPError:  # killed, or not started yet
                self.did["console: no answer"] += 1
                continue
            self.did[f"console: {answer.status_code}"] += 1
            if answer.is_error and answer.status_code not in _AWAY:
                self.strange.append(f"console {path}: {answer.status_code} {answer.text[:200]}")

    def _look_at_metrics(self) -> None:
        try:
            answer = httpx.get(f"{self._metrics}/metrics", trust_env=False, timeout=_TIMEOUT_S)
        except httpx.HTTPError:  # killed, or not started yet
            self.did["metrics: no answer"] += 1
            return
        self.did[f"metrics: {answer.status_code}"] += 1
        if answer.is_error and answer.status_code not in _AWAY:
            self.strange.append(f"metrics: {answer.status_code} {answer.text[:200]}")
