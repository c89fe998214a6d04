"""Somebody's servers for telemetry: a collector that takes OTLP by HTTP, a Sentry that takes envelopes."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class TelemetryServer:
    """Both of them under one address, in threads.

    Attributes:
        posts: path, headers as text, and body as it was before compression, of all that came.
        hangs: while it is set, nothing is answered.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[str, str, bytes]] = []
        self.hangs = threading.Event()
        self._closing = threading.Event()
        telemetry = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                telemetry.posts.append((self.path, str(self.headers), body))
                if telemetry.hangs.is_set():
                    telemetry._closing.wait()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    @property
    def otlp(self) -> str:
        """The address of the collector."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        """The address of a project of Sentry."""
        return f"http://public@127.0.0.1:{self.port}/7"

    @property
    def spans(self) -> "list[Span]":
        """All spans that came, and of which service each is."""
        found = []
        for path, _, body in list(self.posts):
            if path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    service = values(resource.resource.attributes)["service.name"]
                    found += [Span(service, each) for scope in resource.scope_spans for each in scope.spans]
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events that came to Sentry."""
        envelopes = [body.split(b"\n") for path, _, body in list(self.posts) if path == "/api/7/envelope/"]
        return [json.loads(lines[2]) for lines in envelopes if json.loads(lines[1]).get("type") == "event"]

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


class Span:
    """A span as a collector sees it."""

    def __init__(self, service: str, raw: Any) -> None:
        self.service = service
        self.name = raw.name
        self.kind = {2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}.get(raw.kind, "INTERNAL")
        self.trace, self.id, self.parent = raw.trace_id.hex(), raw.span_id.hex(), raw.parent_span_id.hex()
        self.links = [link.span_id.hex() for link in raw.links]
        self.attributes = values(raw.attributes)
        self.failed = raw.status.code == 2

    def __repr__(self) -> str:
        return f"{self.service}:{self.name}({self.id} in {self.parent or '-'}, links {self.links})"


def values(attributes: Any) -> dict[str, Any]:
    """Read attributes."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
