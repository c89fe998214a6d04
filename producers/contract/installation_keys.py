"""The keys that tell of an installation as a whole; `producers.contract.key_table` says what they hold."""

from dataclasses import dataclass

from .forwarder_keys import ForwarderKeys


@dataclass(frozen=True, slots=True)
class InstallationKeys(ForwarderKeys):
    """Builds key names under one hash tag; those of forwarders are inherited.

    Args:
        namespace: the hash tag, without braces.
    """

    @property
    def account(self) -> str:
        """Which account the namespace belongs to."""
        return self.prefix + "account"

    @property
    def layout(self) -> str:
        """Which layout the data have."""
        return self.prefix + "layout"

    @property
    def pseudonyms(self) -> str:
        """Which keys pseudonyms were made with."""
        return self.prefix + "pseudonyms"

    @property
    def workers(self) -> str:
        """The worker processes, by their last sign of life."""
        return self.prefix + "workers"
