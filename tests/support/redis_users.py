"""The users of deploy/redis/users.acl on the servers of tests, so that each role works as its own user.

Three things differ from the file as operators load it: the default user may do everything, passwords are
known, and any namespace is meant. `OperatorsServer` loads the file as operators do.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import redis

from worker.sandbox.redis_server import RedisServer

DIRECTORY: Final = Path(__file__).parents[2] / "deploy" / "redis"
#: Servers that have these users, by port: the passwords of the users.
SERVERS: Final[dict[int, Mapping[str, str]]] = {}
#: One rule: a selector in brackets, or a word.
_RULE: Final = re.compile(r"\([^)]*\)|\S+")


def rules() -> dict[str, list[str]]:
    """Read the rules of each user."""
    text = (DIRECTORY / "users.acl").read_text("utf-8")
    lines = (line.split(maxsplit=2) for line in text.splitlines())
    return {user: _RULE.findall(words) for _, user, words in lines}


@contextmanager
def server_with_users(data_dir: Path) -> Iterator[RedisServer]:
    """Run a server with these users, on which the default user may do everything."""
    written = ["user default on nopass allkeys allchannels +@all"]
    written += [f"user {user} " + " ".join(_known(user)) for user in rules() if user != "default"]
    (data_dir / "users.acl").write_text("\n".join(written) + "\n", "utf-8")
    options = ["--aclfile", str(data_dir / "users.acl")]
    with RedisServer(data_dir, fsync="always", options=options) as server:
        SERVERS[server.port] = {user: _password(user) for user in rules()}
        yield server
        del SERVERS[server.port]


class OperatorsServer(RedisServer):
    """A server that loads what ``deploy/redis/passwords.sh`` made of the file, as operators start it.

    Args:
        data_dir: where its files and the passwords lie.
    """

    def __init__(self, data_dir: Path) -> None:
        self.passwords_dir = data_dir / "passwords"
        acl_file = self.passwords_dir / "users.acl"
        super().__init__(data_dir, fsync="always", options=["--aclfile", str(acl_file)])
        self.make_passwords()

    def make_passwords(self) -> None:
        """Run the script; from then on `as_user` gives the passwords that it left."""
        subprocess.run([DIRECTORY / "passwords.sh", self.passwords_dir], check=True, timeout=30)
        paths = self.passwords_dir.glob("*.password")
        SERVERS[self.port] = {path.stem: path.read_text("utf-8") for path in paths}

    @property
    def url(self) -> str:
        """Where the administrator connects."""
        return as_user(f"redis://127.0.0.1:{self.port}/0", "admin")


def as_user(url: str, user: str) -> str:
    """Name a server as one of its users does; as it was where the server has no such users."""
    parts = urlsplit(url)
    if parts.scheme != "redis" or "," in parts.netloc or (parts.username or "admin") != "admin":
        return url
    passwords = SERVERS.get(parts.port or 0)
    if passwords is None:
        return url
    return urlunsplit(parts._replace(netloc=f"{user}:{passwords[user]}@{parts.hostname}:{parts.port}"))


@contextmanager
def own_user(client: redis.Redis, port: int, user: str) -> Iterator[str]:
    """Make a user, whatever a test did to it or will, and give the URL with which it connects."""
    client.execute_command("ACL", "SETUSER", user, "reset", *_known(user))
    yield f"redis://{user}:{_password(user)}@127.0.0.1:{port}/0"
    client.execute_command("ACL", "SETUSER", user, "reset", *_known(user))


def _known(user: str) -> list[str]:
    return [f">{_password(user)}", *(rule.replace("{sms}", "{*}") for rule in rules()[user])]


def _password(user: str) -> str:
    return f"{user}-password"
