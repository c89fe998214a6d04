"""The keys of the console; the table in `producers.contract.keys` says what they hold."""

from dataclasses import dataclass

from .installation_keys import InstallationKeys


@dataclass(frozen=True, slots=True)
class ConsoleKeys(InstallationKeys):
    """Builds key names under one hash tag; those of the installation are inherited.

    Args:
        namespace: the hash tag, without braces.
    """

    def bulk(self, job_id: str) -> str:
        """A replay of all that match."""
        return f"{self.prefix}bulk:{job_id}"

    @property
    def bulks(self) -> str:
        """The newest replays of all that match."""
        return self.prefix + "bulks"

    @property
    def bulks_running(self) -> str:
        """Those that are carried out."""
        return self.prefix + "bulks:running"

    def console_session(self, digest: str) -> str:
        """Who is logged in to the console."""
        return f"{self.prefix}console:session:{digest}"

    def console_revoked(self, name: str) -> str:
        """How often all sessions of somebody were ended."""
        return f"{self.prefix}console:revoked:{name}"

    def console_failed(self, address_digest: str) -> str:
        """How often somebody tried to log in from an address."""
        return f"{self.prefix}console:failed:{address_digest}"

    def console_revealed(self, digest: str) -> str:
        """The numbers that a session sees in full."""
        return f"{self.prefix}console:revealed:{digest}"

    def console_notice(self, digest: str) -> str:
        """What to tell a session on its next page."""
        return f"{self.prefix}console:notice:{digest}"

    def console_looked(self, name: str) -> str:
        """How many numbers a viewer has looked up lately."""
        return f"{self.prefix}console:looked:{name}"

    def console_export(self, name: str) -> str:
        """Which export of somebody is running."""
        return f"{self.prefix}console:export:{name}"
