"""Where the spans of a worker process go: OpenTelemetry's SDK, by its own variables alone.

Export never keeps a message waiting: a thread of the SDK sends what has gathered, 2,048 spans at most by its
defaults, and what finds no room is lost. A collector that is away costs spans and nothing else.
"""

import threading
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any, Final

import structlog

#: Variables of which one says that somebody wants spans.
WANTED_BY: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
)
#: Seconds that a process that ends gives its last spans: a platform kills it soon.
FLUSH_S: Final = 2.0
_WRONG: Final = "a variable of OpenTelemetry is wrong"
_LACKS_EXTRA: Final = 'variables of OpenTelemetry are set: pip install "octopush-worker[otel]"'


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Say whether somebody has said where spans go, and nobody that they go nowhere."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return exporter != "none" and any(environ.get(name, "").strip() for name in WANTED_BY)


def start(environ: Mapping[str, str]) -> Callable[[], None]:
    """Let the spans of this process be exported, if somebody wants them. To be called once in each process.

    What is wrong with these variables keeps nobody from sending: it is a line in the log.

    Args:
        environ: variables of this process; OpenTelemetry reads them itself, too.

    Returns:
        What is to be called when the process ends; it takes `FLUSH_S` at most.
    """
    if not is_wanted(environ):
        return _nothing
    log = structlog.get_logger()
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        log.warning("tracing.off", problem=_LACKS_EXTRA)
        return _nothing
    try:
        provider = _provider(environ)
    except Exception as error:  # noqa: BLE001 - whatever the SDK makes of a variable, messages are sent
        log.warning("tracing.off", problem=_WRONG, reason=type(error).__name__)
        return _nothing
    return lambda: _end(provider)


def _provider(environ: Mapping[str, str]) -> Any:
    # Without the extra there is nothing to import; and who wants no spans has nothing to load.
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if named else {"service.name": "octopush-worker"})
    # At the end of the process the SDK would wait for half a minute.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for name in _exporters(environ):
        [found] = entry_points(group="opentelemetry_traces_exporter", name=name)
        provider.add_span_processor(BatchSpanProcessor(found.load()()))
    trace.set_tracer_provider(provider)
    return provider


def _exporters(environ: Mapping[str, str]) -> list[str]:
    """Name the exporters as their packages do."""
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    otlp = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    names = [each.strip() for each in environ.get("OTEL_TRACES_EXPORTER", "").split(",") if each.strip()]
    return [otlp if name == "otlp" else name for name in names or ["otlp"]]


def _end(provider: Any) -> None:
    thread = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
    thread.start()
    thread.join(FLUSH_S)


def _nothing() -> None:
    pass
