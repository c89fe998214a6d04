"""The API's server process."""

import gc
import logging
import sys
from types import FrameType
from typing import Any, Final

import uvicorn

from producers.web_connection import Connection, raise_file_limit
from worker.api.app import create_app
from worker.api.lookout import Lookout
from worker.api.settings import ApiSettings
from worker.process.launch import GRACE_S
from worker.process.listening import Listening

#: Looks for garbage among what is new, for one among everything. That one looks at all objects of the calls
#: that wait, some 70,000 of 500 polls, and nothing else runs meanwhile.
_LOOKS: Final = 3_000


def serve(settings: ApiSettings) -> None:
    """Serve the API until SIGTERM or SIGINT; one line on standard output for each call.

    Raises:
        ConfigError: no token is set.
        SystemExit: the address cannot be had; the server has said so.
    """
    make_server(settings).run()


def make_server(settings: ApiSettings) -> uvicorn.Server:
    """Make the server of this process, and set up the log and the limit of open files.

    Raises:
        ConfigError: no token is set.
    """
    app = create_app(settings)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    raise_file_limit()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Connection,
        ws="none",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return _Server(config, app.state.lookout)


class _Server(Listening):
    """A server that answers all who wait as soon as it is told to stop."""

    def __init__(self, config: uvicorn.Config, lookout: Lookout) -> None:
        super().__init__(config, "api")
        self._lookout = lookout

    async def startup(self, sockets: Any = None) -> None:
        """Begin to listen; what the process has by then is never looked at for garbage again."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], _LOOKS)

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second for garbage among what is new.

        Python itself looks when there are some hundreds of objects more than before. Calls that wait replace
        theirs again and again: then there are as many as before, and tens of thousands of them are new.
        """
        gc.collect(1)
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; the signal arrives in the thread of the event loop."""
        self._lookout.release()
        super().handle_exit(sig, frame)
