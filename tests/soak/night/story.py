"""What happens in the night, one thing after the other, each once the alerts have told of the one before."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import redis

from tests.soak.night.alerts import FIRING
from tests.soak.night.place import Place
from tests.soak.night.scale import FACTOR
from tests.soak.night.traffic import Traffic

#: Seconds before the first thing happens, and after the last alert.
_CALM_S: Final = 30.0
#: Seconds that anything may take, the alert that tells of it included.
_PATIENCE_S: Final = 120.0
#: For how long PrimaryChanged tells, and what may come on top of it.
_HOUR_S: Final = 3_600 / FACTOR + 60
#: Seconds between two looks: Prometheus looks each second.
_LOOKS_S: Final = 0.5
#: Seconds for which an application repeats what it sent before a primary was replaced.
_REPEATED_S: Final = 20.0
#: Seconds after which an address has moved to the other host, as with keepalived.
_MOVES_S: Final = 3.0


class Mark(NamedTuple):
    """Something that happened.

    Attributes:
        at: when, as Unix time.
        what: in words.
    """

    at: float
    what: str


class Story:
    """Tells it.

    Args:
        place: where.
        traffic: what is sent meanwhile.

    Attributes:
        marks: what happened.
        causes: which alerts must have fired, and since when there was reason to.
        late: what did not happen in time.
    """

    def __init__(self, place: Place, traffic: Traffic) -> None:
        self._place, self._traffic = place, traffic
        self.marks: list[Mark] = []
        self.causes: dict[str, float] = {}
        self.late: list[str] = []

    def tell(self) -> None:
        """Let it happen, and wait until it is calm again."""
        self._wait("a calm beginning", lambda: self._place.prometheus.scrapes() > _CALM_S)
        self._lose_the_primary()
        self._lose_a_host()
        self._wait("PrimaryChanged ends", self._calm, _HOUR_S)
        begins = time.monotonic()
        self._wait("a calm end", lambda: time.monotonic() > begins + _CALM_S / 2)

    def _lose_the_primary(self) -> None:
        before = self._place.them.primary
        lost = self._mark(
            "Redis on host a, the primary, is killed: host b takes over", "PrimaryChanged", "ReplicaMissing"
        )
        before.kill()
        self._place.them.wait_for_another_primary_than(before)
        self._until_fires("ReplicaMissing")
        self._traffic.repeat(lost - _REPEATED_S)
        self._mark("Redis on host a is started again, and becomes the replica")
        before.start()
        self._wait("the old primary follows", self._place.is_followed)
        self._until_ends("ReplicaMissing")

    def _lose_a_host(self) -> None:
        lost = self._mark(
            "Worker, web and metrics on host b are killed: callbacks go to host a",
            "FewerWorkers",
            "ProcessDown",
        )
        self._place.lose("b")
        self._wait("the address moves", lambda: time.time() > lost + _MOVES_S)
        self._place.lead_callbacks_to("a")
        for alert in ("ProcessDown", "FewerWorkers"):
            self._until_fires(alert)
        self._mark("Worker, web and metrics on host b are started again")
        self._place.bring_back("b")
        for alert in ("ProcessDown", "FewerWorkers"):
            self._until_ends(alert)

    def _mark(self, what: str, *alerts: str) -> float:
        self.marks.append(Mark(time.time(), what))
        print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)  # noqa: T201 - a tool for the terminal
        self.causes.update(dict.fromkeys(alerts, self.marks[-1].at))
        return self.marks[-1].at

    def _firing(self, alert: str) -> bool:
        asked = FIRING.replace("{", f'{{alertname="{alert}",')
        return bool(self._place.prometheus.query(asked))

    def _calm(self) -> bool:
        return not self._place.prometheus.query(FIRING)

    def _until_fires(self, alert: str) -> None:
        self._wait(f"{alert} fires", lambda: self._firing(alert))

    def _until_ends(self, alert: str) -> None:
        self._wait(f"{alert} ends", lambda: not self._firing(alert))

    def settle(self) -> None:
        """Wait until all that was sent has ended."""
        # On a machine that is late, Sentinels may have replaced a primary that nobody has killed.
        self._traffic.repeat(0.0)
        self._traffic.stop()
        self._wait("all has ended", lambda: self._traffic.waiting() == 0)
        self._place.simulator.admin.wait_until_idle()

    def _wait(self, what: str, condition: Callable[[], bool], seconds: float = _PATIENCE_S) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with suppress(redis.RedisError):
                if condition():
                    return
            time.sleep(_LOOKS_S)
        self.late.append(f"not within {seconds:.0f} s: {what}")
