"""nginx with deploy/nginx/octopush.conf, as it stands but for names, places, ports and a limit."""

import shutil
import ssl
import subprocess
import time
from pathlib import Path
from typing import Final, Self

import httpx

from tests.support.waiting import until
from worker.sandbox.free_port import free_port

CONF: Final = Path(__file__).parents[2] / "deploy" / "nginx" / "octopush.conf"
#: Requests that one caller may have at a time: fewer than in the file, so that a test soon has them.
PER_CALLER: Final = 16
_MAIN: Final = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/main.error.log;
events {{ worker_connections {connections}; }}
http {{
    access_log {directory}/main.access.log;
    {temporary}
    include {directory}/octopush.conf;
    {more}
}}
"""
_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find_nginx() -> str | None:
    """Find nginx, where Debian puts it, too: that is no directory of everybody's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Nginx:
    """One nginx in front of web processes on loopback.

    Args:
        directory: where its files lie.
        web: ports of the web process of this host and of the other one.
        connections: that it may have, those on which it listens among them.
        more: what else it is told, after the file.
    """

    def __init__(self, directory: Path, web: tuple[int, int], connections: int = 256, more: str = "") -> None:
        self._directory = directory
        self.port, self.plain_port = free_port(), free_port()
        _make_certificate(directory)
        temporary = " ".join(f"{each}_temp_path {directory}/{each};" for each in _TEMPORARY)
        main = _MAIN.format(directory=directory, temporary=temporary, connections=connections, more=more)
        (directory / "nginx.conf").write_text(main, "utf-8")
        changes = {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "listen [::]:443 ssl;": "",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen [::]:80;": "",
            "127.0.0.1:8000": f"127.0.0.1:{web[0]}",
            "10.0.0.12:8000": f"127.0.0.1:{web[1]}",
            "/etc/ssl/octopush/fullchain.pem": f"{directory}/own.pem",
            "/etc/ssl/octopush/privkey.pem": f"{directory}/own.key",
            "/var/log/nginx/": f"{directory}/",
            "limit_conn octopush 256;": f"limit_conn octopush {PER_CALLER};",
        }
        conf = CONF.read_text("utf-8")
        for old, new in changes.items():
            assert old in conf, old
            conf = conf.replace(old, new)
        (directory / "octopush.conf").write_text(conf, "utf-8")

    @property
    def url(self) -> str:
        """Where it listens with TLS."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def logs(self) -> str:
        """All that it wrote."""
        return "".join(path.read_text("utf-8", "replace") for path in self._directory.glob("*.log"))

    def client(self, local_address: str = "127.0.0.1") -> httpx.Client:
        """Give a client that trusts its certificate, from an address of loopback."""
        trusting = ssl.create_default_context(cafile=str(self._directory / "own.pem"))
        transport = httpx.HTTPTransport(verify=trusting, local_address=local_address)
        return httpx.Client(transport=transport, base_url=self.url, timeout=30)

    def __enter__(self) -> Self:
        binary = find_nginx()
        assert binary is not None
        command = [binary, "-p", str(self._directory), "-c", str(self._directory / "nginx.conf")]
        log = (self._directory / "output").open("wb")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _answers(self) -> bool:
        output = (self._directory / "output").read_text("utf-8")
        assert self._process.poll() is None, output + self.logs
        try:
            with self.client() as client:
                client.get("/")
        except httpx.HTTPError:
            time.sleep(0.01)
            return False
        return True


def _make_certificate(directory: Path) -> None:
    names = ("-subj", "/CN=sms.example.com", "-addext", "subjectAltName=IP:127.0.0.1")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")
    files = ("-keyout", str(directory / "own.key"), "-out", str(directory / "own.pem"))
    subprocess.run(["openssl", "req", "-x509", *new, *names, *files], check=True, capture_output=True)
