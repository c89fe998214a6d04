"""A worker process does not outlive the command that it belongs to."""

import multiprocessing
import os
import signal
import threading
from typing import Final

#: Seconds between two looks at who the parent is, should its end not be told.
_LOOK_S: Final = 1.0


def end_with_parent() -> None:
    """Kill this process as soon as Dramatiq's parent process has ended, however that came about.

    At once and not gently: its supervisor has started another worker by then, nobody sees this one, and
    what a killed worker leaves behind is taken up by the others. Does nothing in a process that Dramatiq
    did not start. Works on every platform.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    process_id = os.getppid()

    def watch() -> None:
        # A process started between ours and the parent's end may hold the other end of what tells us.
        while os.getppid() == process_id and parent.is_alive():
            parent.join(_LOOK_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()
