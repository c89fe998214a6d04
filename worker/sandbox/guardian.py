"""Becomes a command that ends when the process that started it ends, however that comes about.

    python -I -S guardian.py PARENT_PID SIGNAL COMMAND...

Runs as a file of its own with nothing but the standard library, so that it costs a few milliseconds and no
module of the current directory can stand in its way. Linux sends the signal; elsewhere the command merely
runs.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from typing import Final

#: Number of the call in <sys/prctl.h>. What it sets survives an exec, not a fork.
_PR_SET_PDEATHSIG: Final = 1


def main(parent: int, signal_number: int, command: Sequence[str]) -> None:
    """Tie this process to its parent, then run the command in its place.

    Args:
        parent: process id of whoever started this. Linux watches the thread that did, so it must be one that
            lives as long as the process.
        signal_number: what the command receives when the parent ends.
        command: program and arguments, looked up on the PATH.

    Raises:
        OSError: there is no such command, or the system cannot tie it.
    """
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        # The parent may have ended before the call; nobody will send a signal for that any more.
        if os.getppid() != parent:
            return
    os.execvp(command[0], list(command))  # noqa: S606 - no shell, and that is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
