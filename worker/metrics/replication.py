"""What Redis says of itself and its replicas."""

from collections.abc import Mapping
from typing import Any, Final

from producers.contract.followers import NotPrimaryError
from worker.process.replicas import heard

#: Seconds after which a replica that said nothing is not in step any more. Redis itself waits for 60 s.
SILENT_S: Final = 10


def replicas_in_step(info: Mapping[str, Any]) -> int:
    """Count the replicas that a primary could be replaced by. Pure.

    Args:
        info: the section `replication` of INFO.

    Raises:
        NotPrimaryError: it is that of a replica.
    """
    if info.get("role") != "master":
        raise NotPrimaryError("what answers is a replica")
    return heard(info, SILENT_S)
