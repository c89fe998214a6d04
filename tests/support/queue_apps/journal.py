"""What the jobs of a test did, in a stream on another Redis server: it outlives whatever a test breaks."""

import os
import time
from typing import NamedTuple

import redis

#: What a note may say. Workers: ready, stopping. Jobs: start, end.
READY, STOPPING, START, END = "ready", "stopping", "start", "end"


class Note(NamedTuple):
    """One event: what happened, to which job, in which process, at which epoch second."""

    event: str
    job: str
    pid: int
    at: float


class Journal:
    """Written by workers and jobs, read by tests.

    Args:
        url: the server.
        name: tells the journals of several queues apart.
    """

    def __init__(self, url: str, name: str) -> None:
        self._redis = redis.Redis.from_url(url, decode_responses=True)
        self._key = f"journal:{name}"

    def note(self, event: str, job: str = "") -> None:
        """Write down an event of this process, now."""
        self._redis.xadd(self._key, {"event": event, "job": job, "pid": os.getpid(), "at": time.time()})

    def notes(self, event: str) -> list[Note]:
        """Read all events of a kind, oldest first."""
        entries = [entry for _, entry in self._redis.xrange(self._key)]
        return [
            Note(entry["event"], entry["job"], int(entry["pid"]), float(entry["at"]))
            for entry in entries
            if entry["event"] == event
        ]

    def started(self) -> list[str]:
        """List the jobs that started, in order; one that ran twice is there twice."""
        return [note.job for note in self.notes(START)]

    def ended(self) -> list[str]:
        """List the jobs that ended, in order."""
        return [note.job for note in self.notes(END)]

    def release(self) -> None:
        """Let the held jobs end, those that are yet to start included."""
        self._redis.set(self._key + ":released", "1")

    def wait_for_release(self) -> None:
        """Wait as long as it takes."""
        while not self._redis.exists(self._key + ":released"):
            time.sleep(0.02)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
