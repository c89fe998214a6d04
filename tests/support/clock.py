"""The clock of the Redis host leaps: told to the data, or to a whole server.

`leap` moves every instant in the keys the other way, which looks the same to all who read them: the clock
cannot be moved on a server that other tests use. `LeapingServer` is a server whose clock really leaps; it
needs a C compiler and a server that is dynamically linked.
"""

import os
import shutil
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
_SHIFT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

static long leap(void) {
  long seconds = 0;
  FILE *file = fopen(getenv("LEAP_FILE"), "re");
  if (!file) return 0;
  if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
  fclose(file);
  return seconds;
}

int gettimeofday(struct timeval *now, void *zone) {
  int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
  int result = real(now, zone);
  now->tv_sec += leap();
  return result;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += leap();
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


class NoLeapError(Exception):
    """The clock of a server cannot be moved on this machine."""


class LeapingServer(RedisServer):
    """A server of its own whose clock leaps when told to.

    Args:
        data_dir: where its files, and those of the clock, live.
    """

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._file, self._library = data_dir / "leap", data_dir / "leap.so"

    def start(self) -> "LeapingServer":
        """Start the process and wait until it answers.

        Raises:
            NoLeapError: no compiler, or the server does not let its clock be moved.
        """
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise NoLeapError("no C compiler")
        self.data_dir.mkdir(parents=True, exist_ok=True)
        source = self.data_dir / "leap.c"
        source.write_text(_SHIFT, "utf-8")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", self._library, source, "-ldl"], check=True)
        self.leap(0)
        moved = {"LD_PRELOAD": str(self._library), "LEAP_FILE": str(self._file)}
        with mock.patch.dict(os.environ, moved):
            super().start()
        with redis.Redis(port=self.port) as client:
            before = now_ms(client)
            self.leap(-100)
            after = now_ms(client)
            self.leap(0)
        if before - after < 50_000:
            self.kill()
            raise NoLeapError("a server that is statically linked")
        return self

    def leap(self, seconds: int) -> None:
        """Let its clock differ from the true one by so much from now on."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(str(seconds), "utf-8")
        temporary.replace(self._file)
