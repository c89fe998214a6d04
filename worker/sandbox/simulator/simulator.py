"""The simulator's parts, put together, and its reset."""

import copy
import random

from worker.sandbox.simulator.accounts import Account
from worker.sandbox.simulator.callbacks import CallbackEngine
from worker.sandbox.simulator.clock import Clock
from worker.sandbox.simulator.faults import Faults
from worker.sandbox.simulator.gateway import SimulatedGateway
from worker.sandbox.simulator.limits import SendLimits
from worker.sandbox.simulator.network import Network
from worker.sandbox.simulator.parameters import CampaignParameters
from worker.sandbox.simulator.settings import SimulatorSettings
from worker.sandbox.simulator.threads import Threads


class Simulator:
    """One simulated gateway: account, clock, request_id memory, handsets, callbacks, faults.

    Lives on one event loop and does no I/O by itself except posting callbacks.

    Attributes:
        settings: Live; every part reads this object.
        generation: Grows with each reset, so that a call from before a reset has no effect after it.
    """

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        self._initial = copy.deepcopy(self.settings)
        self._generators = {name: random.Random() for name in ("tickets", "faults", "fates", "losses")}
        self._seed()
        self.generation = 0
        self.clock = Clock()
        self.account = Account(self.settings)
        self.parameters = CampaignParameters(self.settings)
        self.limits = SendLimits(self.settings)
        self.faults = Faults(self._generators["faults"])
        self.threads = Threads()
        self.callbacks = CallbackEngine(self.settings, self.threads, self._generators["losses"])
        self.network = Network(
            self.settings,
            self.clock,
            self.account,
            self.callbacks,
            self.threads,
            self._generators["fates"],
        )
        self.gateway = SimulatedGateway(
            self.settings, self.clock, self.account, self.network, self._generators["tickets"]
        )

    @property
    def pending(self) -> int:
        """Number of callbacks and automatic answers to come in real time, without any that need the clock."""
        return self.callbacks.pending + self.network.pending

    async def reset(self) -> None:
        """Return to the state at start: settings, seed, clock, credit, memory, handsets, rules, logs.

        Connections stay open. Callbacks under way are cut off.
        """
        self.generation += 1
        for name in SimulatorSettings.__struct_fields__:
            setattr(self.settings, name, copy.deepcopy(getattr(self._initial, name)))
        self._seed()
        self.clock.reset()
        self.account.reset()
        self.parameters.reset()
        self.limits.reset()
        self.faults.reset()
        self.gateway.reset()
        await self.network.reset()
        await self.callbacks.reset()
        self.threads.forget()

    async def close(self) -> None:
        """Stop everything that waits."""
        self.generation += 1
        self.clock.reset()
        await self.network.reset()
        await self.callbacks.reset()

    def _seed(self) -> None:
        for name, generator in self._generators.items():
            generator.seed(f"{self.settings.seed}/{name}")
