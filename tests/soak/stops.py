"""People who write STOP, as the gateway tells it: in a callback, a reply or a receipt, once or twice."""

import heapq
import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx

from tests.soak.crowd import When
from tests.soak.days import PARIS

#: Seconds after which somebody writes, at least and at most.
_AFTER_S: Final[dict[When, tuple[float, float]]] = {"before": (0, 0), "soon": (0, 4), "late": (5, 40)}
#: Words of a reply that ask for an end.
_WORDS: Final = ("STOP", "Stop svp", "S.T.O.P", "Arrêtez de m'envoyer des SMS", "ARRET")
#: Seconds for which the gateway repeats a callback that is not answered 200. Then it gives up.
_REPEATS_S: Final = 30.0


class Stops:
    """Posts them when they are due, as a thread.

    Args:
        url: tells where callbacks are taken now.
        rng: decides who writes how.

    Attributes:
        answered: when a callback was answered 200, by number: their STOP must not be forgotten.
        given_up: how many callbacks nobody answered.
    """

    def __init__(self, url: Callable[[], str], rng: random.Random) -> None:
        self._url, self._rng = url, rng
        self._due: list[tuple[float, int, str, bytes]] = []
        self._order = itertools.count()
        self._client = httpx.Client(trust_env=False)
        self._new, self._over = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="people")
        self.answered: dict[str, float] = {}
        self.given_up = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is about to write."""
        return not self._due

    def finish(self) -> None:
        """Wait until all have written."""
        with self._new:
            self._over = True
            self._new.notify()
        self._thread.join()
        self._client.close()

    def will_write(self, number: str, when: When) -> None:
        """Let somebody write; who does so before he is texted has written when this returns."""
        body, first = self._body(number), time.time() + self._rng.uniform(*_AFTER_S[when])
        if when == "before":
            self._post(number, body)
        again = [first + self._rng.uniform(0, 3)] if self._rng.random() < 0.3 else []
        with self._new:
            for at in ([] if when == "before" else [first]) + again:
                heapq.heappush(self._due, (at, next(self._order), number, body))
            self._new.notify()

    def _body(self, number: str) -> bytes:
        at = datetime.now(PARIS).strftime("%Y-%m-%d %H:%M:%S")
        told = self._rng.choice(("callback", "reply", "reply", "receipt"))
        if told == "callback":
            event = {"number": number, "text": "STOP", "stop_date": at}
        elif told == "reply":
            text = self._rng.choice(_WORDS)
            event = {"number": number, "text": text, "reception_date": at, "sim_card_number": "38015"}
        else:
            event = {"number": number, "status": "BLACKLISTED_NUMBER", "delivery_date": at}
        return json.dumps(event).encode()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            self._post(*due)

    def _next(self) -> tuple[str, bytes] | None:
        with self._new:
            while not self._due or self._due[0][0] > time.time():
                if self._over and not self._due:
                    return None
                self._new.wait(self._due[0][0] - time.time() if self._due else None)
            _, _, number, body = heapq.heappop(self._due)
            return number, body

    def _post(self, number: str, body: bytes) -> None:
        ends = time.monotonic() + _REPEATS_S
        while time.monotonic() < ends:
            try:
                if self._client.post(self._url(), content=body, timeout=2).status_code == httpx.codes.OK:
                    self.answered.setdefault(number, time.time())
                    return
            except httpx.HTTPError:  # killed, or not started yet
                pass
            time.sleep(0.1)  # the pace of the gateway's repeats
        self.given_up += 1
