"""The keys that only Lua makes, for tests that look at them."""

from dataclasses import dataclass

from producers.contract.keys import Keys


@dataclass(frozen=True, slots=True)
class AllKeys(Keys):
    """All keys, those of Lua too; `producers.contract.key_table` says what they hold."""

    def ticket(self, ticket: str) -> str:
        return f"{self.prefix}ticket:{ticket}"

    def campaign_ended(self, campaign_id: str) -> str:
        return f"{self.campaign(campaign_id)}:ended"

    def seen(self, event_id: str) -> str:
        return f"{self.prefix}seen:{event_id}"

    def poison(self, stream: str, group: str) -> str:
        return f"{self.prefix}{stream}:poison:{group}"

    def foreign(self, stream: str) -> str:
        return f"{self.prefix}{stream}:foreign"

    def gathered(self, call: str) -> str:
        return f"{self.prefix}gathered:{call}"

    @property
    def foreign_bytes(self) -> str:
        return self.prefix + "foreign_bytes"

    @property
    def prices(self) -> str:
        return self.prefix + "prices"

    @property
    def credit(self) -> str:
        return self.prefix + "credit"

    @property
    def rate(self) -> str:
        return self.prefix + "rate"

    @property
    def attempt_starts(self) -> str:
        return self.prefix + "attempt_starts"
