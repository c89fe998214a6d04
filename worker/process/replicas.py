"""What a server says of its replicas."""

from collections.abc import Mapping
from typing import Any


def heard(info: Mapping[str, Any], within_s: int) -> int:
    """Count the replicas that have all data and were heard lately. Pure.

    Args:
        info: the section `replication` of INFO.
        within_s: seconds since their last word; each gives one a second.
    """
    told = (each for name, each in info.items() if name.startswith("slave") and isinstance(each, Mapping))
    return sum(each.get("state") == "online" and int(each.get("lag", 0)) <= within_s for each in told)
