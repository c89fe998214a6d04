"""A worker process does not outlive the command that it belongs to."""

import multiprocessing
import os
import signal
import threading
from typing import Final

#: Seconds between two looks at who the parent is, should its end go unnoticed otherwise.
_LOOK_S: Final = 1.0


def end_with_parent() -> None:
    """Kill this process as soon as Dramatiq's parent process has ended, however that came about.

    The process is killed without a chance to finish its work: the supervisor has started another worker by
    then and does not know of this one, and others take up what a killed worker leaves behind. Does nothing in
    a process that Dramatiq did not start. Works on every platform.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    process_id = os.getppid()

    def watch() -> None:
        # `join` may miss the end: a later child of the parent may hold the pipe open that tells of it.
        while os.getppid() == process_id and parent.is_alive():
            parent.join(_LOOK_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()
