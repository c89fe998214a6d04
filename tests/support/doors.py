"""How servers let clients in: to anybody, or over TLS to those who show a certificate and a password."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import RedisServer, find_binary

#: With what a URL must escape.
USER, PASSWORD = "app", "p/w#1@:"
WATCH_USER, WATCH_PASSWORD = "watch", "other/p%w"


class Open:
    """Anybody may come in."""

    scheme = "redis"
    login = ""
    watch_login = ""

    def __init__(self) -> None:
        #: How tests themselves connect, as redis-py takes it.
        self.options: dict[str, Any] = {}
        self.server_options: list[str] = []
        self.sentinel_lines: list[str] = []

    def listening(self, port: int) -> list[str]:
        """Say on which port a server listens."""
        return ["--port", str(port)]

    def sentinel_port(self, port: int) -> list[str]:
        """Say on which port a Sentinel listens."""
        return [f"port {port}"]

    def url_options(self, *, sentinels: bool = False) -> str:
        """Say what stands at the end of a URL."""
        return ""


class Locked(Open):
    """TLS both ways, one user for servers and another for Sentinels, and none for all others.

    Args:
        directory: where the certificates are made, by ``openssl``.
    """

    scheme = "rediss"

    def __init__(self, directory: Path) -> None:
        super().__init__()
        directory.mkdir(parents=True, exist_ok=True)
        self._ca, self._certificate, self._key = (
            directory / each for each in ("ca.pem", "own.pem", "own.key")
        )
        _make_certificates(directory, self._ca, self._certificate, self._key)
        self.login = f"{USER}:{quote(PASSWORD, safe='')}@"
        self.watch_login = f"{WATCH_USER}:{quote(WATCH_PASSWORD, safe='')}@"
        self.options = {
            "username": USER,
            "password": PASSWORD,
            "ssl": True,
            "ssl_ca_certs": str(self._ca),
            "ssl_certfile": str(self._certificate),
            "ssl_keyfile": str(self._key),
        }
        self.server_options = [
            *("--tls-cert-file", str(self._certificate), "--tls-key-file", str(self._key)),
            *("--tls-ca-cert-file", str(self._ca), "--tls-replication", "yes"),
            *("--user", "default", "off", "~*", "&*", "+@all"),
            *("--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all"),
            *("--masteruser", USER, "--masterauth", PASSWORD),
        ]
        self.sentinel_lines = [
            *(
                f"tls-cert-file {self._certificate}",
                f"tls-key-file {self._key}",
                f"tls-ca-cert-file {self._ca}",
            ),
            *(
                "tls-replication yes",
                "user default off",
                f'user {WATCH_USER} on ">{WATCH_PASSWORD}" &* +@all',
            ),
            *(f"sentinel sentinel-user {WATCH_USER}", f'sentinel sentinel-pass "{WATCH_PASSWORD}"'),
        ]

    def listening(self, port: int) -> list[str]:
        return ["--port", "0", "--tls-port", str(port)]

    def sentinel_port(self, port: int) -> list[str]:
        return ["port 0", f"tls-port {port}"]

    def url_options(self, *, sentinels: bool = False) -> str:
        files = f"?ssl_ca_certs={self._ca}&ssl_certfile={self._certificate}&ssl_keyfile={self._key}"
        watch = f"&sentinel_username={WATCH_USER}&sentinel_password={quote(WATCH_PASSWORD, safe='')}"
        return files + (watch if sentinels else "")


class GuardedServer(RedisServer):
    """A server behind a door.

    Args:
        data_dir: where its files live.
        door: how it lets clients in.
        options: further command-line options.
    """

    def __init__(self, data_dir: Path, door: Open, options: Sequence[str] = ()) -> None:
        super().__init__(data_dir, options=[*door.server_options, *options])
        self.door = door

    @property
    def url(self) -> str:
        return f"{self.door.scheme}://{self.door.login}127.0.0.1:{self.port}/0{self.door.url_options()}"

    def _listening(self) -> list[str]:
        return ["--bind", "127.0.0.1", *self.door.listening(self.port)]


@cache
def can_be_locked() -> bool:
    """Say whether this kind of server was built with TLS, and certificates can be made."""
    if shutil.which("openssl") is None:
        return False
    # One that knows TLS ends, too: it is given no certificate.
    command = [find_binary(), "--port", "0", "--tls-port", str(free_port()), "--save", ""]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return not any(words in told.stdout + told.stderr for words in ("Bad directive", "Missing implement"))


def _make_certificates(directory: Path, ca: Path, certificate: Path, key: Path) -> None:
    """Make an authority, and a certificate for loopback that it signs."""
    ca_key, request, names = (directory / each for each in ("ca.key", "own.csr", "own.ext"))
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    signed = ("-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "9")
    for arguments in (
        ("req", "-x509", *new, "-keyout", ca_key, "-out", ca, "-subj", "/CN=ca", "-days", "9"),
        ("req", *new, "-keyout", key, "-out", request, "-subj", "/CN=octopush"),
        ("x509", "-req", "-in", request, *signed, "-extfile", names, "-out", certificate),
    ):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
