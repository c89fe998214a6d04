"""Two applications that read the streams, each as a group of its own."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from producers import Feed
from producers.settings import ProducerSettings

GROUPS: Final = ("billing", "support")
STREAMS: Final = ("replies", "receipts", "optouts", "statuses")


class Readers:
    """Read them, a thread per stream and group.

    Args:
        settings: where Redis is.
        streams: which.
        groups: each of which gets every entry.

    Attributes:
        seen: by stream and group, when an entry was handled for the first time, by what names it.
        strange: what a feed raised.
    """

    def __init__(
        self, settings: ProducerSettings, streams: Iterable[str] = STREAMS, groups: Iterable[str] = GROUPS
    ) -> None:
        self.seen: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        self.strange: list[str] = []
        self._feeds: list[Feed[Any]] = []
        self._threads = []
        for stream in streams:
            for group in groups:
                feed: Feed[Any] = Feed(stream, group, settings=settings)  # type: ignore[call-overload]
                self._feeds.append(feed)
                where = self.seen[stream, group]
                thread = threading.Thread(target=self._read, args=(feed, where), name=f"{stream} {group}")
                self._threads.append(thread)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Read no more."""
        for feed in self._feeds:
            feed.stop()
        for thread in self._threads:
            thread.join()
        for feed in self._feeds:
            feed.close()

    def _read(self, feed: Feed[Any], seen: dict[str, float]) -> None:
        try:
            feed.run(lambda event: seen.setdefault(_name(event), time.time()))
        except Exception as error:  # noqa: BLE001 - whatever comes out of a feed is the finding
            self.strange.append(f"{type(error).__name__}: {error}")

    def differing(self, forgetting: Iterable[tuple[float, float]]) -> list[str]:
        """Name what one group has seen and the other has not, but around moments that Redis may forget."""
        spans, found = list(forgetting), []
        for stream in STREAMS:
            first, second = (self.seen[stream, group] for group in GROUPS)
            for name in first.keys() ^ second.keys():
                at = first.get(name) or second[name]
                if not any(begins <= at <= ends for begins, ends in spans):
                    found.append(f"{stream} {name}")
        return found


def _name(event: Any) -> str:
    return str(getattr(event, "event_id", None) or f"{event.request_id} {event.state} {event.ticket}")
