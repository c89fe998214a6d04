"""The reasons why a message is held until a time. Pure."""

from collections.abc import Collection
from decimal import Decimal

from producers.contract.heartbeats import Rules
from producers.rules.held import Held, words
from producers.rules.hours import Hours
from worker.inquiry.reason import Reason, instant
from worker.inquiry.send_facts import Send


def held(send: Send, hours: Hours) -> Reason | None:
    """Say that it is held, until when and why."""
    record = send.waits
    if "held" not in record:
        return None
    now = instant(send.facts.now_ms)
    found = Held.of(record["held"], record["held_until"], record.get("zones", ""))
    details = {"until": found.until, "zones": found.zones}
    over = found.until <= now
    sentence = "It was held, and is about to go on." if over else f"It is {words(hours, found, now)}."
    if found.reason != "over_budget":
        return Reason("hours", sentence, details)
    price = Decimal(record["price"]) if "price" in record else None
    costs = "" if price is None else f": it costs about {price:.2f}"
    way_out = "" if over else "It leaves sooner if there is more: octopush-worker budget set."
    said = sentence if over else f"{sentence[:-1]}{costs}. {way_out}"
    return Reason("budget", said, details | {"price": price}, way_out)


def differing(send: Send) -> Reason | None:
    """Say that the workers do not agree about the hours of this marketing."""
    if "zones" not in send.waits or len(send.facts.rules) < 2:
        return None
    fingerprints = sorted(each.fingerprint for each in send.facts.rules)
    return Reason("hours_mismatch", f"{mismatch_words(send.facts.rules)}.", {"fingerprints": fingerprints})


def mismatch_words(rules: Collection[Rules]) -> str:
    """Say that workers go by different hours, and what to do."""
    what = "version of this program" if len({each.version for each in rules}) > 1 else ""
    what = what or ("version of tzdata" if len({each.tzdata for each in rules}) > 1 else "")
    same = what or "MARKETING_ settings and EXTRA_HOLIDAYS"
    return f"the workers go by {len(rules)} different rules of hours: give all of them the same {same}"
