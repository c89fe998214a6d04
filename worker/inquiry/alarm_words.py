"""What alarms say, in words for people. Pure."""

from typing import Final

from producers.contract.events import Alarm
from worker.presentation.amounts import amount

#: Percent of a budget that is used up, or into which something does not fit.
FULL: Final = 100


def alarm_words(alarm: Alarm, block: str) -> str:
    """Say what an alarm tells, in a sentence without its end.

    Args:
        alarm: of the stream.
        block: how to call the block of numbers, of an alarm about one: who may not see numbers in full sees
            no block either.
    """
    value, limit = amount(alarm.value), amount(alarm.limit)
    match alarm.kind:
        case "budget":
            whose = "the hard budget" if alarm.scope == "hard" else f"the budget of {alarm.scope}"
            does_fit = alarm.level != FULL or alarm.value >= alarm.limit
            told = f"{alarm.level} % of {whose}" if does_fit else f"something does not fit into {whose}"
            return f"{told}: {value} € of {limit} €"
        case "price_drift":
            return f"what was estimated at {limit} € has cost {value} €: {alarm.level} % off"
        case "credit_low":
            return f"{value} € are left on the account, less than {limit} €"
        case "prefix" | "prefix_blocked":
            then = ": they get none for some hours" if alarm.kind == "prefix_blocked" else ""
            return f"{alarm.value:.0f} numbers {block} got alerts in an hour, and {alarm.limit:.0f} may{then}"
        case _:
            return f"{alarm.kind} of {alarm.scope}: {value} of {limit}"
