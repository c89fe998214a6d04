"""This machine: how many files a process of ours may open."""

import resource
from collections.abc import Iterator
from typing import Final

from worker.doctor.findings import Finding, ok, warning

#: Files that a process needs beside its connections: streams, libraries, time zones.
_SPARE: Final = 64
#: Connections to Redis of one worker process, at most.
_REDIS: Final = 512


def files(calls: int) -> Iterator[Finding]:
    """Compare the limit of open files with what a worker needs.

    Args:
        calls: at a time of one worker process.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = calls + _REDIS + _SPARE
    if limit != resource.RLIM_INFINITY and limit < needed:
        said = f"A process may open {limit} files, and a worker may need {needed}."
        do = f"Start processes with a limit of at least {needed}: ulimit -n, or LimitNOFILE of systemd."
        yield warning("host.files", said, do, "operating.md#processes")
    else:
        yield ok("host.files", f"A process may open {limit} files.")
