"""Every metric: its name, what it is, its labels, what it says. docs/metrics.md shows this table.

Things are counted in the hash ``metrics`` (`producers.contract.layout`), in the step in which they happen. So
all processes answer alike, and a restart forgets nothing. Only what begins with ``callback`` or ``spool`` is
known to one web process alone. A label has one of few values, and never a number, a text, an id or a token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

#: What every name begins with.
PREFIX: Final = "octopush_"
#: What stands for all values of a label that are not told apart.
OTHER: Final = "other"
#: Upper ends of the classes of delays, in milliseconds; Lua has them in ``lua/delays.lua``.
DELAY_MS: Final = (
    *(5, 10, 20, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000),
    *(60_000, 300_000, 900_000, 3_600_000),
)
#: Those of calls of the gateway.
CALL_MS: Final = (50, 100, 250, 500, 1000, 2000, 4000, 8000, 12_000)
#: Those of answers to callbacks.
CALLBACK_MS: Final = (5, 10, 25, 50, 100, 250, 500, 750, 1000)
#: What one POST to the gateway can come to.
CALL_OUTCOMES: Final = ("accepted", "refused", "duplicate", "throttled", "lost", "unreachable")
#: The currency of the account: Octopush's balance is in euros (Octopush docs, check balance).
CURRENCY: Final = "EUR"


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric.

    Attributes:
        kind: ``gauge``, ``counter`` or ``histogram``.
        about: what it says; its unit is the end of its name, or stands here.
        labels: names of its labels.
        classes_ms: of a histogram the upper ends of its classes.
        of_web: whether each web process tells its own.
    """

    kind: Literal["gauge", "counter", "histogram"]
    about: str
    labels: Sequence[str] = ()
    classes_ms: Sequence[int] = ()
    of_web: bool = False


#: All metrics by their names, without `PREFIX`.
METRICS: Final[Mapping[str, MetricRow]] = {
    # Whether all is well.
    "redis_up": MetricRow("gauge", "Whether Redis answered this scrape."),
    "redis_primary": MetricRow(
        "gauge",
        "Whether what answered is a primary; of a replica, which takes no writes, nothing else is told.",
    ),
    "redis_replicas": MetricRow("gauge", "Replicas in step with the primary: online, and heard within 10 s."),
    "redis_changes_total": MetricRow(
        "counter", "Times that workers met another primary than before, or the same one started anew."
    ),
    "unreadable_values": MetricRow(
        "gauge", "Numbers and names in Redis that this scrape could not read, and took for 0 or left out."
    ),
    "workers": MetricRow("gauge", "Worker processes that are alive."),
    "build_info": MetricRow("gauge", "1; the version of the process that answers.", ("version",)),
    "namespace_info": MetricRow("gauge", "1; whose metrics these are.", ("namespace",)),
    "sending_held": MetricRow("gauge", "1 while the account's trouble holds all sending."),
    "ledger_imbalance": MetricRow(
        "gauge",
        "Messages that have not ended and can be in no queue; below 0, ends without a message. 0 balances.",
    ),
    "hours_rules_info": MetricRow(
        "gauge",
        "Worker processes by their hours of marketing; more than one line is a mistake.",
        ("version", "tzdata", "fingerprint"),
    ),
    "operator_actions_total": MetricRow(
        "counter", "What people decided, as in the audit stream.", ("action",)
    ),
    # Sending.
    "enqueued_total": MetricRow("counter", "Messages that were queued.", ("purpose",)),
    "ended_total": MetricRow(
        "counter",
        "Ends of messages. One that a person sends again ends again; so does an unknown one that is proven.",
        ("purpose", "state"),
    ),
    "sends": MetricRow(
        "gauge", "Messages by the end state that they are in now; enqueued counts all.", ("state",)
    ),
    "queue_entries": MetricRow("gauge", "Entries of a queue by what they wait for.", ("queue", "state")),
    "queue_oldest_seconds": MetricRow(
        "gauge", "For how long the send at the front could have left; 0 if none waits.", ("queue",)
    ),
    "queue_delay_seconds": MetricRow(
        "histogram",
        "From when a send could leave until its first claim; without what a gate of its own kept.",
        ("queue",),
        DELAY_MS,
    ),
    "gateway_call_duration_seconds": MetricRow(
        "histogram", "How long POSTs to the gateway took, by what they came to.", ("outcome",), CALL_MS
    ),
    "gateway_errors_total": MetricRow(
        "counter", "POSTs that were not accepted, by the gateway's code or our word.", ("code",)
    ),
    "attempts_inflight": MetricRow("gauge", "Attempts to send now running."),
    "calls_in_flight_limit": MetricRow(
        "gauge", "Calls in flight allowed while the gateway shows strain; 0 while it shows none."
    ),
    "sends_aside": MetricRow(
        "gauge", "Sends that wait because the account cannot pay them, or at a breaker.", ("gate",)
    ),
    "breakers": MetricRow("gauge", "Breakers that an operator has to open."),
    "unexplained_refusals_total": MetricRow("counter", "Refusals with a code that nobody knows."),
    "held": MetricRow("gauge", "Sends that are held until a time.", ("reason",)),
    "duplicates_total": MetricRow(
        "counter", "Messages that were not queued, since the same text had just been."
    ),
    # Money.
    "segments_total": MetricRow(
        "counter",
        "Segments that the gateway took, by the country that the calling code means first.",
        ("country", "purpose"),
    ),
    "cost_total": MetricRow(
        "counter", "What the gateway's answers said that sends cost, in the currency.", ("currency",)
    ),
    "credit": MetricRow(
        "gauge", "What was left on the account when an answer last said so, in the currency.", ("currency",)
    ),
    "credit_updated_timestamp_seconds": MetricRow("gauge", "When that was, as Unix time.", ("currency",)),
    "spend_euros": MetricRow(
        "gauge", "Euros spent today, by the days of Paris; counted where a budget is set.", ("scope",)
    ),
    "reserved_euros": MetricRow("gauge", "Euros that what is being sent may cost today."),
    "budget_ratio": MetricRow("gauge", "How much of today's budget is used.", ("scope",)),
    "price_drift_ratio": MetricRow("gauge", "By how much sends cost more than was estimated."),
    "prefix_blocked": MetricRow("gauge", "Blocks of numbers that get no alerts for now."),
    # What comes back.
    "replies_total": MetricRow(
        "counter", "Replies by country, and by what bound them to their message.", ("country", "match")
    ),
    "receipts_total": MetricRow("counter", "Receipts by the gateway's status.", ("status",)),
    "optouts_total": MetricRow("counter", "Opt-outs by who said so.", ("source",)),
    "quarantined_total": MetricRow("counter", "Callbacks that nobody could place."),
    "inbound_delay_seconds": MetricRow(
        "histogram", "From our answer to a callback until its event was on its stream.", ("kind",), DELAY_MS
    ),
    "receipts_missing": MetricRow(
        "gauge", "Recipients of whom no receipt came within 48 h, as long as records are kept."
    ),
    "suppressed_total": MetricRow(
        "counter", "Recipients whom an opt-out kept from an SMS.", ("reason", "point")
    ),
    "optout_race_total": MetricRow(
        "counter", "Sends in doubt that went on to several, one of whom had opted out."
    ),
    "optout_effective_seconds": MetricRow(
        "histogram",
        "From our answer to the callback until the opt-out counted.",
        (),
        (100, 250, 500, 1000, 2500, 5000, 10_000, 60_000),
    ),
    # Who reads.
    "stream_entries": MetricRow("gauge", "Entries kept in a stream.", ("stream",)),
    "stream_maxlen": MetricRow("gauge", "Entries that each stream keeps, about: STREAM_MAXLEN."),
    "stream_unread_trimmed_total": MetricRow(
        "counter", "Entries that a stream dropped before its slowest group had read them.", ("stream",)
    ),
    "group_lag": MetricRow(
        "gauge", "Entries that a group was not given yet; none where Redis cannot tell.", ("stream", "group")
    ),
    "group_pending": MetricRow(
        "gauge", "Entries that a group was given and has not acknowledged.", ("stream", "group")
    ),
    "group_oldest_pending_seconds": MetricRow(
        "gauge", "Age of the oldest of them since it was appended; 0 if there is none.", ("stream", "group")
    ),
    "poison_entries": MetricRow("gauge", "Entries that a group has given up.", ("stream", "group")),
    "forward_waiting": MetricRow("gauge", "Events that are not delivered yet.", ("forwarder",)),
    "forward_due": MetricRow("gauge", "Events that could be delivered now.", ("forwarder",)),
    "forward_oldest_seconds": MetricRow(
        "gauge", "For how long the oldest event has waited; 0 if none waits.", ("forwarder",)
    ),
    "forward_dead": MetricRow("gauge", "Dead letters that are kept.", ("forwarder",)),
    "forward_held": MetricRow(
        "gauge",
        "1 while a forwarder delivers nothing, or nothing but probes: it is paused or held.",
        ("forwarder",),
    ),
    "forward_silent_seconds": MetricRow(
        "gauge", "Seconds since one of its processes was heard.", ("forwarder",)
    ),
    "forward_attempts_total": MetricRow(
        "counter", "Attempts to deliver, by what they came to.", ("forwarder", "result")
    ),
    # What one web process knows.
    "callbacks_total": MetricRow("counter", "Callbacks answered by this process.", ("status",), of_web=True),
    "callback_duration_seconds": MetricRow(
        "histogram",
        "How long this process took to answer a callback, by the kind that its URL names.",
        ("kind",),
        CALLBACK_MS,
        of_web=True,
    ),
    "spool_bytes": MetricRow("gauge", "Callbacks kept on the disk of this process.", of_web=True),
    "spool_oldest_seconds": MetricRow("gauge", "Age of the oldest file of them.", of_web=True),
}
