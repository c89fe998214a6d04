"""A web process that kills itself with SIGKILL at one point of the spool's way: ``DIE_AT``, as in `doomed`.

after:write@30                      behind the record of a callback in its file
before:sync@30, after:sync@30       around the moment in which it is safe; after that comes the answer
before:together@1, after:together@1 around the move of some callbacks to Redis
after:accept_callback@1             among them: Redis has one, and not the others
before:remove@1, after:remove@1     around the end of the file
"""

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Final

from starlette.applications import Starlette

from producers.contract.scripts import Command
from producers.contract.steps import Together
from producers.intake.spool_file import Orphan, SpoolFile
from producers.web import create_app
from tests.support.web_server import WebServer

#: Points at which a callback is being kept, and those at which what was kept is moved. A process that finds
#: something in the spool passes the first of these before anybody brings it anything.
KEEP_POINTS: Final = ("after:write@30", "before:sync@30", "after:sync@30")
MOVE_POINTS: Final = (
    *("before:together@1", "after:accept_callback@1", "after:together@1"),
    *("before:remove@1", "after:remove@1"),
)


class DoomedWeb(WebServer):
    """`WebServer` that dies at the point that its environment names."""

    factory: ClassVar = ("tests.support.doomed_web:create", *WebServer.factory[1:])


def create() -> Starlette:
    """Make the application, with a fate."""
    passed: Counter[str] = Counter()

    def passes(point: str) -> None:
        passed[point] += 1
        if f"{point}@{passed[point]}" == os.environ["DIE_AT"]:
            os.kill(os.getpid(), signal.SIGKILL)

    _doom(SpoolFile, "write", passes)
    _doom(SpoolFile, "sync", passes)
    _doom(Orphan, "remove", passes)
    move, run = Together.arun, Command.arun

    async def doomed_move(self: Together, client: Any) -> list[Any]:
        passes("before:together")
        found = await move(self, client)
        passes("after:together")
        return found

    async def doomed_run(self: Command[Any], client: Any) -> Any:
        found = await run(self, client)
        passes(f"after:{self.script.name}")
        return found

    Together.arun = doomed_move  # type: ignore[method-assign]
    Command.arun = doomed_run  # type: ignore[method-assign]
    return create_app()


def _doom(owner: type, name: str, passes: Callable[[str], None]) -> None:
    method = getattr(owner, name)

    def doomed(*args: Any) -> Any:
        passes(f"before:{name}")
        found = method(*args)
        passes(f"after:{name}")
        return found

    setattr(owner, name, doomed)
