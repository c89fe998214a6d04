"""A private PostgreSQL, from Debian's binaries, in a directory of its own and on a socket there."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import pytest


def binaries() -> Path | None:
    """Find the newest server that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    return found[-1].parent if found else None


class Postgres:
    """A server for tests; forgets all with its end. Its one user is ``postgres``, who needs no password.

    Args:
        programs: where the server's programs are.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.directory = Path(tempfile.mkdtemp(prefix="pg"))
        # The server refuses to be root.
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)

    def __enter__(self) -> Self:
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8")
        # What is not on the disk does no harm here.
        options = f"-c listen_addresses= -c fsync=off -c unix_socket_directories={self.directory}"
        self._run("pg_ctl", "start", "--wait", f"--log={self.directory}/log", f"--options={options}")
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate")
        shutil.rmtree(self.directory)

    def create(self, name: str) -> None:
        """Make a database."""
        import psycopg

        with psycopg.connect(host=str(self.directory), user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]

    def url(self, name: str) -> str:
        """Name a database as SQLAlchemy does."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.directory}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, "--pgdata", self.directory / "data", *arguments]
        subprocess.run(
            command, cwd=self.directory, stdout=subprocess.DEVNULL, check=True, timeout=60, **self._user
        )


@pytest.fixture(scope="module")
def postgres():
    """Start a server; where none is installed, what needs it is left out, in one line."""
    programs = binaries()
    if programs is None:
        pytest.skip("tests on PostgreSQL are left out: no /usr/lib/postgresql")
    with Postgres(programs) as running:
        yield running
