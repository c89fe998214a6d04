"""What it costs that Redis remembers: by writing each change to disk, by asking a replica, or not at all.

Messages of one template, which share calls only where Redis confirms, at a gateway that takes 100 ms; and
messages that go alone everywhere, at one that takes no time: there only Redis's own work differs.
"""

import time
from collections.abc import Mapping
from typing import Final

from tests.benchmarks.own_stand import TEMPLATE, TEXT, Stand, messages
from tests.benchmarks.report import Context, Row

#: Servers by what they promise: when they write to disk, and whether they have a replica.
SERVERS: Final[Mapping[str, tuple[str, bool]]] = {
    "appendfsync always": ("always", False),
    "everysec, one replica confirms": ("everysec", True),
    "everysec, confirms nothing": ("everysec", False),
}
#: Milliseconds that the gateway takes where calls may be shared.
DELAY_MS: Final = 100.0


def run(context: Context) -> list[Row]:
    """Drain both kinds of messages on each kind of server."""
    rows: list[Row] = []
    for name, (fsync, replica) in SERVERS.items():
        shares = fsync == "always" or replica
        context.say(f"{name}")
        few = context.messages // 5
        rows += _drained(
            context, name, "one template, 100 ms", fsync, few * (10 if shares else 1), replica=replica
        )
        rows += _drained(context, name, "alone, 0 ms", fsync, context.messages, replica=replica)
    return rows


def _drained(context: Context, name: str, what: str, fsync: str, count: int, *, replica: bool) -> list[Row]:
    template = "template" in what
    gateway_ms = DELAY_MS if template else 0
    with Stand(context, gateway_ms=gateway_ms, fsync=fsync, replica=replica) as stand:
        stand.producer.send_many(list(messages(count, text=TEMPLATE if template else TEXT)))
        stand.worker.start()
        stand.wait_for(lambda: stand.ended() > 0)
        begun, first, cpu = time.monotonic(), stand.ended(), stand.cpu()
        stand.wait_for(lambda: stand.ended() == count, every_s=0.02)
        seconds, used = time.monotonic() - begun, stand.cpu() - cpu
        met = stand.gateway.stats()
    drained = count - first
    return [
        Row(f"{what}: rate", drained / seconds, "msg/s", who=name),
        Row(f"{what}: Redis CPU per message", 1e6 * used.redis / drained, "µs", who=name),
        Row(f"{what}: met twice", met["repeated_phones"], "numbers", who=name).at_most(0),
    ]
