"""The event loop in which all attempts of this process run at once, in one thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import structlog
import uvloop

T = TypeVar("T")


class Engine:
    """Runs jobs, which are coroutines, for other threads. Thread-safe.

    Args:
        close: closes what the jobs used; awaited in the loop when the last job has ended.
    """

    def __init__(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._close = close
        self._loop = uvloop.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Start the loop in a thread of its own."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._thread.start()

    def spawn(self, jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Begin jobs and return at once. A job that fails is logged, and nobody else is told."""
        self._loop.call_soon_threadsafe(self._begin, jobs)

    def result(self, job: Coroutine[Any, Any, T]) -> T:
        """Run a job to its end while the calling thread waits."""
        return asyncio.run_coroutine_threadsafe(job, self._loop).result()

    def stop(self) -> None:
        """Wait until all jobs have ended, which each bounds itself; then end the loop and its thread."""
        if self._thread is None:
            return
        self.result(self._drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _begin(self, jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
        for job in jobs:
            task = self._loop.create_task(job)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("engine.job_failed", reason=type(error).__name__)

    async def _drain(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._close()
