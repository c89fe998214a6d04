"""The names of all keys in Redis; `producers.contract.key_table` says what they hold."""

from dataclasses import dataclass

from .console_keys import ConsoleKeys

#: What became of sends. The streams of callbacks are named in `producers.contract.kinds`.
STATUSES = "statuses"
#: What somebody should look at about money and alerts.
ALARMS = "alarms"
#: Callbacks that no parser could place, kept raw.
QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """The keys of one queue; all but the first are named by their fields."""

    ready: str
    delayed: str
    leases: str
    ending: str
    envelopes: str
    wake: str
    heard: str
    back: str
    dead: str


def upload_place(number: str) -> tuple[str, str]:
    """Name the block and the field of a number in E.164: its last four digits, and those before them."""
    return number[-4:], number[1:-4]


@dataclass(frozen=True, slots=True)
class Keys(ConsoleKeys):
    """Builds key names under one hash tag; those of the console and of forwarders are inherited.

    Args:
        namespace: the hash tag, without braces.
    """

    def record(self, request_id: str) -> str:
        """What is known of one message or shared call."""
        return f"{self.prefix}record:{request_id}"

    def body(self, request_id: str) -> str:
        """The frozen bytes of one send."""
        return f"{self.prefix}body:{request_id}"

    def ticket(self, ticket: str) -> str:
        """Which send, or shared call, the gateway gave a ticket."""
        return f"{self.prefix}ticket:{ticket}"

    def unticketed(self, pseudonym: str) -> str:
        """The sends to a number whose ticket nobody knows."""
        return f"{self.prefix}unticketed:{pseudonym}"

    def gather(self, share: str) -> str:
        """The messages that may share a call."""
        return f"{self.prefix}gather:{share}"

    def campaign(self, campaign_id: str) -> str:
        """How far a campaign is."""
        return f"{self.prefix}campaign:{campaign_id}"

    @property
    def campaigns(self) -> str:
        """The campaigns, by their start."""
        return self.prefix + "campaigns"

    @property
    def open_uploads(self) -> str:
        """The campaigns that wait for the rest of their upload, by its beginning."""
        return self.prefix + "open_uploads"

    def campaign_waiting(self, campaign_id: str) -> str:
        """The slices that wait while their campaign is paused."""
        return f"{self.campaign(campaign_id)}:waiting"

    def upload(self, campaign_id: str) -> str:
        """How far the upload of a campaign is, and what was answered to its parts."""
        return f"{self.prefix}upload:{campaign_id}"

    def upload_numbers(self, campaign_id: str, block: str) -> str:
        """The part of an upload that has a number; see `upload_place`."""
        return f"{self.prefix}upload_numbers:{campaign_id}:{block}"

    def twins(self, length: str, window: str) -> str:
        """The texts of a window of time, by its length in ms and its number."""
        return f"{self.prefix}twins:{length}:{window}"

    def callback(self, callback_id: str) -> str:
        """One raw callback waiting to be processed."""
        return f"{self.prefix}callback:{callback_id}"

    def stream(self, name: str) -> str:
        """A stream by its short name."""
        return self.prefix + name

    def poison(self, stream: str, group: str) -> str:
        """What a group of a stream gave up."""
        return f"{self.prefix}{stream}:poison:{group}"

    def replies_by(self, country: str) -> str:
        """The replies from a country, ``ZZ`` for those from none."""
        return f"{self.prefix}replies:by:{country}"

    @property
    def reply_countries(self) -> str:
        """How many replies are kept by country."""
        return self.prefix + "replies:countries"

    def talk(self, key: str) -> str:
        """The turns of a conversation; a pseudonym names it."""
        return f"{self.prefix}talk:{key}"

    def deliveries(self, request_id: str) -> str:
        """The last receipt of each recipient."""
        return f"{self.prefix}deliveries:{request_id}"

    @property
    def unread_trimmed(self) -> str:
        """How many entries each stream dropped unread."""
        return self.prefix + "unread_trimmed"

    @property
    def suppressed(self) -> str:
        """Who wants no more SMS."""
        return self.prefix + "suppressed"

    @property
    def erased(self) -> str:
        """Who was erased lately."""
        return self.prefix + "erased"

    @property
    def consent(self) -> str:
        """Who has agreed to marketing."""
        return self.prefix + "consent"

    @property
    def optout_effects(self) -> str:
        """How long opt-outs took to count."""
        return self.prefix + "optouts:effective"

    @property
    def counts(self) -> str:
        """How many sends are in which end state."""
        return self.prefix + "counts"

    @property
    def metrics(self) -> str:
        """What has happened so far, counted by name."""
        return self.prefix + "metrics"

    @property
    def parked(self) -> str:
        """The sends a person may decide about."""
        return self.prefix + "parked"

    def parked_group(self, state: str, code: str) -> str:
        """Those of one state and code."""
        return f"{self.parked}:{state}:{code}"

    @property
    def parked_groups(self) -> str:
        """The states and codes of the sends a person may decide about."""
        return self.parked + ":groups"

    @property
    def audit(self) -> str:
        """What operators did."""
        return self.prefix + "audit"

    @property
    def prices(self) -> str:
        """What segments cost lately."""
        return self.prefix + "prices"

    @property
    def prices_set(self) -> str:
        """What operators say that segments cost."""
        return self.prefix + "prices_set"

    @property
    def prices_inferred(self) -> str:
        """What segments cost at most, by the balance."""
        return self.prefix + "prices_inferred"

    @property
    def budgets(self) -> str:
        """The budgets of a day that operators have set."""
        return self.prefix + "budgets"

    def spend(self, scope: str, day: str) -> str:
        """What a scope has spent and reserved in a day."""
        return f"{self.prefix}spend:{scope}:{day}"

    @property
    def apps(self) -> str:
        """The applications, by when they were first counted of late."""
        return self.prefix + "apps"

    @property
    def drift(self) -> str:
        """How far estimates were from what sends cost."""
        return self.prefix + "drift"

    @property
    def blocked(self) -> str:
        """The blocks of numbers that get no alerts for now."""
        return self.prefix + "blocked"

    @property
    def hold(self) -> str:
        """Why all sending is held."""
        return self.prefix + "hold"

    @property
    def pause(self) -> str:
        """Why all sending pauses."""
        return self.prefix + "pause"

    @property
    def gates(self) -> str:
        """What keeps some sends and not all."""
        return self.prefix + "gates"

    def aside(self, gate: str) -> str:
        """The sends that a gate keeps."""
        return f"{self.prefix}aside:{gate}"

    def campaign_zones(self, campaign_id: str) -> str:
        """The slices of a campaign that are one message a zone."""
        return f"{self.prefix}campaign_zones:{campaign_id}"

    @property
    def held(self) -> str:
        """How many sends are held until a time."""
        return self.prefix + "held"

    @property
    def credit(self) -> str:
        """When the balance is asked for, because of what cannot be paid."""
        return self.prefix + "credit"

    @property
    def credit_seen(self) -> str:
        """What the account had left when the gateway last said so."""
        return self.prefix + "credit_seen"

    @property
    def limits(self) -> str:
        """The limits set live."""
        return self.prefix + "limits"

    @property
    def rate(self) -> str:
        """What the rate limit is owed."""
        return self.prefix + "rate"

    @property
    def beat(self) -> str:
        """What is written to ask whether this Redis confirms writes."""
        return self.prefix + "beat"

    @property
    def strain(self) -> str:
        """How many calls may be in flight while the gateway shows strain."""
        return self.prefix + "strain"

    @property
    def receipts_awaited(self) -> str:
        """How many recipients have no receipt yet, by the hour of acceptance."""
        return self.prefix + "receipts:awaited"

    def members(self, call: str) -> str:
        """The members of a shared call, by number."""
        return f"{self.prefix}members:{call}"

    @property
    def attempt_starts(self) -> str:
        """When running attempts began."""
        return self.prefix + "attempt_starts"

    @property
    def attempt_leases(self) -> str:
        """Leases of running attempts."""
        return self.prefix + "attempt_leases"

    def queue(self, name: str) -> QueueKeys:
        """The keys of one queue."""
        ready = f"{self.prefix}queue:{name}"
        return QueueKeys(ready, *(f"{ready}:{part}" for part in QueueKeys.__slots__[1:]))
