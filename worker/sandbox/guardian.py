"""Turns into a command that ends together with its parent process, however the parent ends.

    python -I -S guardian.py PARENT_PID SIGNAL COMMAND...

This file runs by itself and needs only the standard library: it costs a few milliseconds, and no module of
the current directory can replace one that it imports. Linux sends the signal; on other systems the command
runs without being tied to its parent.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from typing import Final

#: Number of the option in <sys/prctl.h>. The setting survives an exec, but not a fork.
_PR_SET_PDEATHSIG: Final = 1


def main(parent: int, signal_number: int, command: Sequence[str]) -> None:
    """Tie this process to its parent, then run the command in its place.

    Args:
        parent: id of the process that started this one. Linux watches the thread that started it, so that
            thread must live as long as its process.
        signal_number: what the command receives when the parent ends.
        command: program and arguments, looked up on the PATH.

    Raises:
        OSError: there is no such command, or the system cannot tie it.
    """
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        # The parent may have ended before the call. Linux then sends no signal.
        if os.getppid() != parent:
            return
    os.execvp(command[0], list(command))  # noqa: S606 - no shell, and that is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
