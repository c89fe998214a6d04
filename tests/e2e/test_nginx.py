"""deploy/nginx/octopush.conf, run by Debian's nginx in front of real web processes."""

import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.nginx import CONF, PER_CALLER, Nginx, find_nginx
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until
from tests.support.web_server import WebServer
from worker.sandbox.free_port import free_port
from worker.sandbox.redis_server import RedisServer

pytestmark = pytest.mark.skipif(find_nginx() is None, reason="Debian's nginx is not installed")

TOKEN = "canary-token-0123456789abcdef"
REPLY = {
    "number": "+33612345678",
    "message_id": "sms_1",
    "text": "Oui",
    "reception_date": "2030-01-31 14:05:09",
}
#: The address that may bring callbacks, in the test of that.
GATEWAY = "127.0.0.2"
#: Somebody else.
STRANGER = "127.0.0.3"
#: What nginx may have as Debian installs it.
CONNECTIONS = 768


@dataclass(frozen=True)
class Host:
    """One host: nginx, the way from it to web, and what web is started with."""

    nginx: Nginx
    way: TcpProxy
    web: WebServer
    directory: Path
    environ: dict[str, str]


@pytest.fixture(scope="module")
def host(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    directory = tmp_path_factory.mktemp("nginx")
    environ = {
        "REDIS_URL": redis_server.url,
        "CALLBACK_TOKENS": TOKEN,
        "CALLBACK_ALLOWED_ADDRESSES": GATEWAY,
        "CALLBACK_SPOOL_DIR": "",
    }
    with (
        WebServer(directory / "web.log", environ) as web,
        TcpProxy(web.port) as way,
        Nginx(directory, (way.port, free_port())) as nginx,
    ):
        yield Host(nginx, way, web, directory, environ)


@pytest.fixture(scope="module")
def other(host: Host) -> Iterator[WebServer]:
    """The web process of the other host."""
    with WebServer(host.directory / "other.log", host.environ) as web:
        yield web


@pytest.fixture
def gateway(host: Host) -> Iterator[httpx.Client]:
    with host.nginx.client(GATEWAY) as client:
        yield client


def test_a_callback_is_stored_and_who_called_is_known_whatever_he_says(host, gateway, redis_client):
    assert gateway.post(f"/callbacks/{TOKEN}/replies", json=REPLY).status_code == 200
    assert redis_client.llen("{sms}:queue:callbacks") == 1
    with host.nginx.client() as stranger:
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
            answer = stranger.post(f"/callbacks/{TOKEN}", json=REPLY, headers={header: GATEWAY})
            assert answer.status_code == 404
    assert redis_client.llen("{sms}:queue:callbacks") == 1


def connect(port: int, address: str = GATEWAY) -> ssl.SSLSocket:
    """Connect as the gateway does, or somebody else, to send what no client would write."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30, (address, 0)))


def test_nothing_but_callbacks_is_public(host):
    paths = ["/metrics", "/healthz", "/readyz", "/", "/login", "/v1/messages", "/callbacks", "//metrics"]
    paths += ["/callbacks/../metrics", "/callbacks/%2e%2e/metrics", "/callbacks/x/..%2f..%2fmetrics"]
    paths += ["/%6detrics", "/metrics%0a"]
    answers = {}
    for path in paths:
        with connect(host.nginx.port) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answers[path] = connection.recv(65_536)[:13]

    assert answers == dict.fromkeys(paths, b"HTTP/1.1 404 ")


def test_a_body_that_is_too_large_is_refused_and_the_largest_is_taken(gateway, redis_client):
    path = f"/callbacks/{TOKEN}/replies"

    assert gateway.post(path, content=b"x" * (64 * 1024 + 1)).status_code == 413
    # It is no callback, and the web process says so: it has come through.
    assert gateway.post(path, content=b"x" * 64 * 1024).status_code == 400


def test_who_sends_half_a_head_or_half_a_body_is_hung_up_on(host):
    head = f"POST /callbacks/{TOKEN} HTTP/1.1\r\nHost: sms.example.com\r\n".encode()
    began = time.monotonic()
    waiting = []
    for sent in (head, head + b"Content-Length: 100\r\n\r\n{"):
        connection = connect(host.nginx.port)
        connection.sendall(sent)
        waiting.append(connection)

    # Neither is let through to the web process, and both are over after the seconds of the file.
    for connection in waiting:
        with connection, suppress(OSError):
            assert not connection.recv(65_536).startswith(b"HTTP/1.1 2")
    assert 4 < time.monotonic() - began < 20


def test_one_address_cannot_take_all_connections_with_bodies_that_drip(host, redis_client, tmp_path):
    """Nor does the web process hear of any of them; who comes beyond the limit is refused and hung up on."""
    [limit] = re.findall(r"limit_conn octopush (\d+);", CONF.read_text("utf-8"))
    # Who has all that he may leaves more than half to others.
    assert int(limit) < CONNECTIONS / 2
    head = f"POST /callbacks/{TOKEN} HTTP/1.1\r\nHost: sms.example.com\r\nContent-Length: 60000\r\n\r\n"
    connections: list[ssl.SSLSocket] = []

    def drip() -> int:
        for each in connections:
            with suppress(OSError):
                each.sendall(b" ")
        return len(re.findall(rf"^{STRANGER} \S+ POST 503 ", nginx.logs, re.MULTILINE))

    with (
        TcpProxy(host.web.port) as way,
        Nginx(tmp_path, (way.port, free_port())) as nginx,
        nginx.client(GATEWAY) as gateway,
        nginx.client(STRANGER) as stranger,
        ExitStack() as ending,
    ):
        for _ in range(PER_CALLER + 20):
            connections.append(ending.enter_context(connect(nginx.port, STRANGER)))
            connections[-1].sendall(head.encode())
            drip()
        until(lambda: drip() >= 20)
        assert way._links == []
        assert gateway.post(f"/callbacks/{TOKEN}", json=REPLY).status_code == 200
        assert drip() == 20

        ending.close()
        # The web process says again that he is nobody.
        until(lambda: stranger.post(f"/callbacks/{TOKEN}", json=REPLY).status_code == 404)
    assert redis_client.llen("{sms}:queue:callbacks") == 1


def test_connections_of_one_ipv6_network_are_counted_together(tmp_path):
    port = free_port()
    more = f"""
    server {{
        listen 127.0.0.1:{port};
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Address;
        return 200 $octopush_caller;
    }}
    """
    with Nginx(tmp_path, (free_port(), free_port()), more=more):

        def counted(address: str) -> str:
            return httpx.get(f"http://127.0.0.1:{port}", headers={"X-Address": address}).text

        networks = [
            ["2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::"],
            ["2001:db8:1:3::1"],
            ["2001:db8::1", "2001:db8::a:b:c:d"],
            ["192.0.2.1"],
            ["192.0.2.2"],
            ["::1"],
        ]
        found = [{counted(address) for address in network} for network in networks]

    assert [len(each) for each in found] == [1] * len(networks)
    assert len(set.union(*found)) == len(networks)
    assert "" not in set.union(*found)


def test_callbacks_share_connections_to_the_web_process(host, gateway, redis_client):
    gateway.post(f"/callbacks/{TOKEN}", json=REPLY)
    kept = list(host.way._links)
    with host.nginx.client(GATEWAY) as another:
        for number in range(20):
            client = another if number % 2 else gateway
            assert client.post(f"/callbacks/{TOKEN}", json={**REPLY, "text": str(number)}).status_code == 200

    # The connection of the first one has carried the others: none was made for them, and it is still there.
    assert kept
    assert list(host.way._links) == kept


def test_while_the_web_process_restarts_the_gateway_is_told_to_repeat(host, gateway, redis_client):
    path = f"/callbacks/{TOKEN}/replies"
    host.web.terminate()
    answer = gateway.post(path, json=REPLY)
    assert (answer.status_code, answer.content) == (503, b"\n")
    assert redis_client.llen("{sms}:queue:callbacks") == 0

    with WebServer(host.directory / "web2.log", host.environ) as again:
        host.way.move(again.port)
        until(lambda: gateway.post(path, json=REPLY).status_code == 200)
        assert redis_client.llen("{sms}:queue:callbacks") == 1


def test_the_other_host_takes_the_callback_when_this_one_is_away(other, redis_client, tmp_path):
    with (
        Nginx(tmp_path, (free_port(), other.port)) as nginx,
        nginx.client(GATEWAY) as gateway,
    ):
        assert gateway.post(f"/callbacks/{TOKEN}", json=REPLY).status_code == 200

    assert redis_client.llen("{sms}:queue:callbacks") == 1


def test_the_other_host_takes_the_callback_when_this_one_hangs(other, redis_client, tmp_path):
    """Its process takes the connection and says nothing, as one that is suspended."""
    with (
        TcpProxy(other.port) as hanging,
        Nginx(tmp_path, (hanging.port, other.port)) as nginx,
        nginx.client(GATEWAY) as gateway,
    ):
        hanging.half_open()
        assert gateway.post(f"/callbacks/{TOKEN}", json=REPLY).status_code == 200
        # It was asked first, and has taken nothing.
        assert hanging._links
        until(lambda: re.search(r" 504, 200$", nginx.logs, re.MULTILINE))

    assert redis_client.llen("{sms}:queue:callbacks") == 1


def test_a_nginx_without_a_connection_left_asks_to_repeat_and_tells_no_token(host, tmp_path):
    # Two on which it listens, one to its master, one of the gateway: none is left for the web process.
    with (
        Nginx(tmp_path, (host.web.port, free_port()), connections=4) as nginx,
        nginx.client(GATEWAY) as gateway,
    ):
        until(lambda: gateway.post(f"/callbacks/{TOKEN}", json=REPLY).status_code == 503)

    assert TOKEN not in nginx.logs


@pytest.mark.parametrize(
    "smuggling",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Content-Length: 4\r\nContent-Length: 40",
        "Transfer-Encoding : chunked",
    ],
)
def test_no_second_request_is_smuggled_in_a_body(host, smuggling):
    body = f"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: sms.example.com\r\nX-Forwarded-For: {GATEWAY}\r\n\r\n"
    head = f"POST /callbacks/{TOKEN} HTTP/1.1\r\nHost: sms.example.com\r\n{smuggling}\r\n\r\n"
    got = b""
    with connect(host.nginx.port) as connection, suppress(OSError):
        connection.sendall((head + body).encode())
        while piece := connection.recv(65_536):
            got += piece

    assert re.match(rb"HTTP/1\.1 (4..|501) ", got)
    assert b"ok\n" not in got


def test_no_log_has_the_token(host, gateway):
    """Whatever went wrong in the tests before: refused, too large, cut short, nobody there, plain HTTP."""
    url = f"http://127.0.0.1:{host.nginx.plain_port}/callbacks/{TOKEN}"
    assert httpx.post(url, json=REPLY).status_code == 404
    assert gateway.post(f"/callbacks/{TOKEN}", content=b"x" * 100_000).status_code == 413
    until(lambda: " 413 " in host.nginx.logs)

    assert re.search(r"^127\.0\.0\.1 \S+ POST 404 ", host.nginx.logs, re.MULTILINE)
    assert TOKEN not in host.nginx.logs
    assert TOKEN not in host.web.output
