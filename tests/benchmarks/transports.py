"""HTTP clients without a queue, 64 calls in flight.

Why the worker speaks httpx's interface over aiohttp's transport: httpx's own pool looks at every connection
for every request, so one shared asynchronous client slows down with the square of what is in flight; a
client per thread avoids that and pays for handing the interpreter lock around. The gateway answers at once.
"""

from tests.benchmarks import candidates
from tests.benchmarks.candidates import IN_FLIGHT, Candidate, Load
from tests.benchmarks.drain import interleave
from tests.benchmarks.gateway import BenchGateway
from tests.benchmarks.report import Context, Row


def run(context: Context) -> list[Row]:
    """Measure each kind of client."""
    messages = max(1000, context.messages // 2)
    load = Load(messages, 0.0, IN_FLIGHT, warm_up=messages // 10)
    with BenchGateway() as gateway:
        wanted = [(each, load) for each in _clients() if context.wants(each.name)]
        found = interleave(context, gateway, wanted)
    rows = []
    for name, runs in found.items():
        rows.append(Row.of("requests", [run.rate for run in runs], "per second", name))
        rows.append(Row.of("CPU per request", [run.cpu_us for run in runs], "µs", name))
    return rows


def _clients() -> list[Candidate]:
    return [
        candidates.client("httpx.Client per thread, 8 threads", "threads", lambda _: "8"),
        candidates.client("httpx.Client per thread, 64 threads", "threads"),
        candidates.client("one shared httpx.AsyncClient", "shared"),
        candidates.client("64 httpx.AsyncClients of one connection", "sharded"),
        candidates.client("httpx over httpx-aiohttp", "httpx-aiohttp"),
        candidates.client("that transport without a client", "httpx-transport"),
        candidates.client("aiohttp alone", "aiohttp"),
    ]
