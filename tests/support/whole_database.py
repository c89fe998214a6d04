"""All that is in a Redis, as one text: for tests of what must not be there."""

import redis


def contents(client: redis.Redis) -> str:
    """All names and values in Redis as one text, whatever order the server gives them."""
    read = {
        b"string": client.get,
        b"hash": lambda key: sorted(client.hgetall(key).items()),
        b"set": lambda key: sorted(client.smembers(key)),
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": lambda key: client.xrange(key),
    }
    return "\n".join(f"{key} {read[client.type(key)](key)}" for key in sorted(client.keys("*")))
