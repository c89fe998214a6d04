"""docs/privacy.md names every key that may hold something of a person: whoever adds a key decides."""

import re

from producers.contract import key_table
from tests.house.repository import text

PAGE = text("docs/privacy.md")
#: Keys that hold nothing but ids, digests of contents, counts, amounts, times and settings.
NOTHING_PERSONAL = {
    *("receipts:awaited", "ticket:<ticket>", "attempt_leases", "attempt_starts", "gather:<share>"),
    *("gathered:<call id>", "campaign:<id>", "campaign:<id>:ended", "campaign_zones:<id>"),
    *("campaign:<id>:waiting", "campaigns", "open_uploads", "gates", "aside:<gate>", "held"),
    "prices",
    *(
        "prices:lately:<tariff>",
        "prices_set",
        "budgets",
        "budget_look",
        "spend:<scope>:<day>",
        "apps",
        "drift",
        "credit",
    ),
    *("credit:probes", "credit_seen", "suspects", "counts", "parked", "parked:<state>:<code>"),
    *("parked:groups", "bulks", "bulks:running", "hold", "hold:probes", "pause", "limits", "strain", "rate"),
    *("layout", "memory", "beat", "workers", "taken:<token digest>:<sort>", "probe:<secret digest>"),
    *("queue:<q>", "queue:<q>:delayed"),
    *("queue:<q>:leases", "queue:<q>:ending", "queue:<q>:envelopes", "queue:<q>:wake", "queue:<q>:heard"),
    *("queue:<q>:back", "queue:<q>:dead", "replies:countries", "optouts:effective", "foreign_bytes"),
    *(
        "metrics",
        "unread_trimmed",
        "console:revoked:<name>",
        "forwarders",
        "forward:<name>",
        "forward:<name>:waiting",
    ),
    *("forward:<name>:due", "forward:<name>:leases", "forward:<name>:failing", "corrected:<request_id>"),
    *("prices_inferred", "api:rate:<app>"),
}


def spelt(key: str) -> str:
    """Write what stands for any name in one way."""
    return re.sub(r"<[^>]+>", "<>", key)


def listed() -> set[str]:
    """Return the keys of the table of keys."""
    rows = re.findall(r"^\| (``.*?) \|", key_table.__doc__, re.MULTILINE)
    return {spelt(key) for row in rows for key in re.findall(r"``(.+?)``", row)}


def test_every_key_is_named_on_the_page_or_holds_nothing_of_a_person():
    nothing = {spelt(key) for key in NOTHING_PERSONAL}
    named = {spelt(span) for span in re.findall(r"`([^`\n]+)`", PAGE)}

    assert nothing <= listed()
    assert listed() - nothing - named == set()
    assert named & nothing == set()
