"""What is listed as what an opt-out would end."""

import redis

from tests.support.hand_worker import KEYS

#: The first message of each person, and the others.
FIRST, MORE = KEYS.prefix + "stoppable", KEYS.prefix + "stoppable:more"


def listed(client: redis.Redis) -> list[str]:
    """Name the messages, as ``pseudonym request_id``."""
    firsts = [f"{person.decode()} {each.decode()}" for person, each in client.hgetall(FIRST).items()]
    return sorted([*firsts, *(member.decode() for member in client.zrange(MORE, 0, -1))])
