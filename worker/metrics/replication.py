"""What Redis says of itself and its replicas."""

from collections.abc import Mapping
from typing import Any, Final

from producers.contract.followers import NotPrimaryError

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
    told = (each for name, each in info.items() if name.startswith("slave") and isinstance(each, Mapping))
    return sum(each.get("state") == "online" and int(each.get("lag", 0)) <= SILENT_S for each in told)
