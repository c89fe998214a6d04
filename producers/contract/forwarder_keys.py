"""The keys of forwarders; the table in `producers.contract.keys` says what they hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForwarderKeys:
    """Builds key names under one hash tag.

    Args:
        namespace: the hash tag, without braces.
    """

    namespace: str = "sms"

    @property
    def prefix(self) -> str:
        """What every key starts with."""
        return "{" + self.namespace + "}:"

    @property
    def forwarders(self) -> str:
        """The names of all forwarders, by when they were last heard."""
        return self.prefix + "forwarders"

    def forward(self, name: str) -> str:
        """How a forwarder is."""
        return f"{self.prefix}forward:{name}"

    def forward_waiting(self, name: str) -> str:
        """The events that a forwarder has still to deliver, by when they came."""
        return self.forward(name) + ":waiting"

    def forward_due(self, name: str) -> str:
        """Those of them that nobody delivers now, by when they are due."""
        return self.forward(name) + ":due"

    def forward_dead(self, name: str) -> str:
        """The dead letters of a forwarder."""
        return self.forward(name) + ":dead"

    def event(self, name: str, event_id: str) -> str:
        """One event that a forwarder has still to deliver."""
        return f"{self.prefix}event:{name}:{event_id}"
