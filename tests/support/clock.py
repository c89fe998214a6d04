"""The clock of the Redis host leaps: told to the data, or to a whole server.

`leap` moves every instant in the keys the other way, which looks the same to all who read them: the clock
cannot be moved on a server that other tests use. `LeapingServer` is a server whose clock really leaps; it
needs a C compiler and a server that is dynamically linked.
"""

import os
import shutil
import struct
import subprocess
from pathlib import Path
from unittest import mock

import redis

from worker.sandbox.redis_server import RedisServer

#: Fields of hashes that hold an instant.
_INSTANTS = (
    "at",
    "at:1",
    "at:2",
    "at:3",
    "cut",
    "probe_at",
    "since",
    "queued",
    "due",
    "expires",
    "first",
    "ended",
)
_SCORES = (":leases", ":delayed", "attempt_leases", "attempt_starts", "parked", ":dead")
#: Asked some times for each command: the shift is read from memory that both processes share.
_SHIFT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long leap(void) {
  static volatile long *seconds = 0;
  if (!seconds) {
    int file = open(getenv("LEAP_FILE"), O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    void *page = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page == MAP_FAILED) return 0;
    seconds = page;
  }
  return *seconds;
}

static int (*real_clock)(clockid_t, struct timespec *) = 0;

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (!real_clock) real_clock = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real_clock(clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += leap();
  return result;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec precise;
  int result = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return result;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
"""


def now_ms(client: redis.Redis) -> int:
    """Tell the time by Redis's clock."""
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def leap(client: redis.Redis, seconds: float) -> None:
    """Change everything that Redis holds as if its clock had leapt forward, or back if negative, just now."""
    by_ms = int(-1000 * seconds)
    for key in client.scan_iter("*"):
        kind, name = client.type(key), key.decode()
        if (ttl := client.pttl(key)) > 0:
            client.pexpire(key, max(1, ttl + by_ms))
        if kind == b"zset" and name.endswith(_SCORES):
            moved = {member: score + by_ms for member, score in client.zrange(key, 0, -1, withscores=True)}
            client.zadd(key, moved)
        elif kind == b"hash":
            for field in client.hkeys(key):
                if field.decode() in _INSTANTS:
                    client.hincrbyfloat(key, field, by_ms)
        elif name.endswith(":heard"):
            client.incrby(key, by_ms)


#: Leaps that a server must follow at once, all of them: some servers follow now and then.
_TRIES = 20


class NoLeapError(Exception):
    """The clock of a server cannot be moved on this machine."""


class SharedClock:
    """A clock that leaps when told to, for all processes that are started with its variables.

    Args:
        directory: where its library and its file live.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file, self._library = directory / "leap", directory / "leap.so"

    @property
    def environ(self) -> dict[str, str]:
        """What lets the clock of a process be this one, if that process is dynamically linked."""
        return {"LD_PRELOAD": str(self._library), "LEAP_FILE": str(self._file)}

    @property
    def is_built(self) -> bool:
        """Whether processes can be started with it."""
        return self._library.exists()

    def leap(self, seconds: int) -> None:
        """Let it differ from the true one by so much from now on."""
        with self._file.open("r+b") as shared:
            shared.write(struct.pack("@l", seconds))

    def build(self) -> None:
        """Make library and file.

        Raises:
            NoLeapError: no compiler.
        """
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise NoLeapError("no C compiler")
        self._directory.mkdir(parents=True, exist_ok=True)
        source = self._directory / "leap.c"
        source.write_text(_SHIFT, "utf-8")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", self._library, source, "-ldl"], check=True)
        self._file.write_bytes(struct.pack("@l", 0))

    def check(self, client: redis.Redis) -> None:
        """Make sure that a server that was started with it follows it.

        Raises:
            NoLeapError: it does not.
        """
        if not all(self._is_followed(client) for _ in range(_TRIES)):
            raise NoLeapError("a server that is statically linked, or does not look at its clock each time")

    def _is_followed(self, client: redis.Redis) -> bool:
        before = now_ms(client)
        self.leap(-100)
        after = now_ms(client)
        self.leap(0)
        return before - after > 50_000


class LeapingServer(RedisServer):
    """A server of its own whose clock leaps when told to; a restart does not change what its clock shows.

    Args:
        data_dir: where its files, and those of the clock, live.
        fsync: as of any server.
    """

    def __init__(self, data_dir: Path, *, fsync: str = "everysec") -> None:
        super().__init__(data_dir, fsync=fsync)
        self._clock = SharedClock(data_dir)

    @property
    def environ(self) -> dict[str, str]:
        """What lets the clock of another process be this one's, if that process is dynamically linked."""
        return self._clock.environ

    def start(self) -> "LeapingServer":
        """Start the process and wait until it answers.

        Raises:
            NoLeapError: no compiler, or the server does not let its clock be moved.
        """
        is_new = not self._clock.is_built
        if is_new:
            self._clock.build()
        with mock.patch.dict(os.environ, self.environ):
            super().start()
        if is_new:
            self._try()
        return self

    def leap(self, seconds: int) -> None:
        """Let its clock differ from the true one by so much from now on."""
        self._clock.leap(seconds)

    def _try(self) -> None:
        try:
            with redis.Redis(port=self.port) as client:
                self._clock.check(client)
        except NoLeapError:
            self.kill()
            raise
