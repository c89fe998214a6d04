"""The console's own user of Redis, who cannot run what looks at everything; tests as that user prove it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import redis

#: What the console is granted, and what it never needs: docs/console.md gives operators the same line.
RULES: Final = ("~{sms}:*", "+@all", "-@admin", "-@dangerous", "-scan", "-smembers")
_NAME: Final = "console"
_PASSWORD: Final = "console-password"


@contextmanager
def console_user(client: redis.Redis, port: int) -> Iterator[str]:
    """Make the user on a server, and give the URL with which it connects."""
    client.execute_command("ACL", "SETUSER", _NAME, "reset", "on", f">{_PASSWORD}", *RULES)
    yield f"redis://{_NAME}:{_PASSWORD}@127.0.0.1:{port}/0"
    client.acl_deluser(_NAME)
