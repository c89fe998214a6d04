"""What is left on the account: as it was last seen, or as the gateway says when it is asked."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Final

import redis

from producers.contract.keys import Keys
from producers.contract.steps import drive
from producers.rules.settings import RulesSettings
from worker.doctor.findings import Finding, advice, error, ok, warning
from worker.gateway.answers import NotTold
from worker.gateway.client import Gateway
from worker.inquiry.code_words import meaning_of
from worker.inquiry.overview import overview
from worker.presentation.amounts import amount
from worker.settings import WorkerSettings

#: Seconds after which what was seen says little.
_OLD_S: Final = 86_400.0
_PAGE: Final = "runbook.md#the-stream-alarms"


def seen(client: redis.Redis, keys: Keys, settings: RulesSettings, *, asks: bool) -> Iterator[Finding]:
    """Judge the balance that an answer of the gateway last named.

    Args:
        client: Redis client.
        keys: key names.
        settings: what is little.
        asks: whether the gateway is asked, too, by `ask`: then nobody is advised to ask it.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    found = drive(overview(keys), client).credit
    if found is None:
        if asks:
            return
        said = "No answer of the gateway has named a balance yet."
        yield advice("credit.seen", said, "Ask for it, which is free: --ask-gateway.", _PAGE)
        return
    yield _judged("credit.seen", found.amount, settings)
    if found.age_s > _OLD_S and not asks:
        said = f"The balance was last seen {timedelta(seconds=round(found.age_s))} ago."
        yield advice("credit.age", said, "Ask for it, which is free: --ask-gateway.", _PAGE)


def ask(settings: WorkerSettings) -> Iterator[Finding]:
    """Ask the gateway, with the account of the workers. Free, and changes nothing."""
    told = asyncio.run(_asked(settings))
    if isinstance(told, NotTold):
        meaning = meaning_of(told.code)
        said = f"The gateway does not tell the balance: {told.code}{meaning and f' ({meaning})'}."
        yield error(
            "credit.asked", said, "Check OCTOPUSH_API_LOGIN, OCTOPUSH_API_KEY and the network.", _PAGE
        )
    else:
        yield _judged("credit.asked", told, settings)


async def _asked(settings: WorkerSettings) -> Decimal | NotTold:
    gateway = Gateway(settings)
    try:
        return await gateway.credit()
    finally:
        await gateway.close()


def _judged(check: str, left: Decimal, settings: RulesSettings) -> Finding:
    said = f"{amount(left)} € are left on the account"
    if left <= 0:
        return error(check, f"{said}: nothing can be sent.", "Top up the account.", _PAGE)
    low = settings.credit_low_euros
    if low and left < Decimal(str(low)):
        return warning(check, f"{said}, less than CREDIT_LOW.", "Top up the account.", _PAGE)
    return ok(check, f"{said}.")
