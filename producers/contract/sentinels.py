"""Sentinels: which server is the primary of a service now.

Facts: https://redis.io/docs/latest/develop/reference/sentinel-clients/
"""

from collections.abc import Mapping
from typing import Any, Final

import redis

from .asking import Asking, Told
from .redis_url import Server

#: Beginning of the answer of a Sentinel that does not watch the service.
_UNKNOWN: Final = "No such master"


class Sentinels(Asking):
    """The primary of a service, as most Sentinels tell it.

    Args:
        servers: some of the Sentinels; only these are asked.
        service: what they call the primary and its replicas.
        options: how to connect to them, as redis-py's pools take it, without host and port.
    """

    def __init__(self, servers: tuple[Server, ...], service: str, options: Mapping[str, Any]) -> None:
        self._service = service
        super().__init__(servers, options, self._tell, agreeing=len(servers) // 2 + 1)

    def _tell(self, client: redis.Redis, _: Server) -> Told | None:
        try:
            state: Any = client.sentinel_master(self._service)
        except redis.ResponseError as error:
            if str(error).startswith(_UNKNOWN):
                return None
            raise
        if state["is_disconnected"] or state["is_sdown"] or state["is_odown"]:
            return None
        return Told(int(state["config-epoch"]), (str(state["ip"]), int(state["port"])))
