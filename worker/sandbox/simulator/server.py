"""Run the simulator: gateway and admin on two ports of one event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from worker.sandbox.simulator.admin_api import create_admin_app
from worker.sandbox.simulator.gateway_api import BASE_PATH, create_app
from worker.sandbox.simulator.listener import Listener
from worker.sandbox.simulator.settings import SimulatorSettings
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.transport import Connection

LOOPBACK = "127.0.0.1"


class Served(NamedTuple):
    """A running simulator; `simulator` may be used directly from code on the same event loop."""

    url: str
    admin_url: str
    simulator: Simulator

    @property
    def base_url(self) -> str:
        """What a client takes as Octopush's base URL."""
        return self.url + BASE_PATH


@asynccontextmanager
async def serve(
    settings: SimulatorSettings | None = None, *, host: str = LOOPBACK, port: int = 0, admin_port: int = 0
) -> AsyncIterator[Served]:
    """Serve until the block is left; both ports answer when it is entered.

    Args:
        settings: Defaults when absent.
        host: Address of both ports. The simulator has no protection of its own: keep it on loopback.
        port: Gateway; 0 for a free port.
        admin_port: Admin; 0 for a free port.

    Raises:
        OSError: A port is taken.
    """
    simulator = Simulator(settings)

    def opened(connection: Connection) -> None:
        simulator.gateway.journal.connections_opened += 1
        connection.timeout_keep_alive = simulator.settings.keep_alive_s

    gateway = Listener(create_app(simulator=simulator), host=host, port=port, on_open=opened)
    admin = Listener(create_admin_app(simulator, gateway), host=host, port=admin_port)
    try:
        await gateway.start()
        await admin.start()
        yield Served(gateway.url, admin.url, simulator)
    finally:
        await simulator.close()
        await gateway.close()
        await admin.close()
