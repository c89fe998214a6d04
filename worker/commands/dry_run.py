"""A dry run: what a text would become and cost, whether it would be refused, and why. Queues nothing."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from producers.contract.keys import Keys
from producers.contract.outages import what_is_refused
from producers.contract.prices import Prices
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.steps import Commands, Steps, drive
from producers.errors import InvalidMessage
from producers.messages.message import CampaignOptions
from producers.queueing.campaigns import Budget
from producers.queueing.chunks import chunks
from producers.queueing.preview import Preview, Previewer, current_prices
from producers.rules.money import MICRO, price
from producers.settings import ProducerSettings
from worker.commands.bad_rows import BadRows
from worker.commands.mended_rows import mended
from worker.commands.send_plan import Plan, handed_out, why_refused
from worker.presentation.counts import counted
from worker.presentation.output import Exit, Output
from worker.process.connection import connect


def look(plan: Plan) -> None:
    """Show what a run would come to; ends the command if the run would be refused."""
    output, file, refused = plan.output, plan.file, not plan.leave_out
    prices, limit = prices_or_assumed(plan)
    listed = file.listed if file else None
    with mended(listed, plan.bad_rows_to) as mending, handed_out(file, "checking") as recipients:
        bad = BadRows(file, mending) if file else None
        seen = preview(
            *(plan.text, recipients, plan.options),
            settings=plan.settings,
            prices=prices,
            budget=limit,
            on_invalid=bad or (lambda *_: None),
        )
    told = asdict(seen)
    counted = {name: told[name] for name in ("recipients", "messages", "segments")}
    rows: dict[str, Any] = dict(bad.fields()) if bad else {"repeated": 0, "bad_rows": 0, "rows": 0}
    rows["bad_rows_to"] = plan.bad_rows_to and str(plan.bad_rows_to)
    output.give({"campaign_id": plan.campaign_id, "dry_run": True, **counted, **rows, "preview": told})
    if file:
        named = plan.campaign_id or "named when it is queued"
        output.show(f"campaign   {named} (a dry run: nothing was queued)")
        if listed is not None:
            output.show(f"columns    {listed.layout.describe()}")
    show(output, seen)
    if bad:
        bad.account_for_rows(output)
        bad.tell(output)
        if bad.count and refused:
            output.say(f"without --dry-run this would be refused: {why_refused(plan, bad)}")
    if seen.problems or seen.affordable not in {None, seen.recipients} or (bad and bad.count and refused):
        click.get_current_context().exit(Exit.FAILED)


def prices_or_assumed(plan: Plan) -> tuple[Prices, Budget | None]:
    """Ask Redis for prices and for the budget of the campaign; where it is away, prices are assumed."""
    settings = plan.settings
    try:
        with connect(settings.redis_url) as client:
            return drive(_facts(Keys(settings.namespace), plan), client)
    except REDIS_ERRORS as error:
        if what_is_refused(error):
            raise
        plan.output.say("Redis did not answer: no price is known that was paid lately")
        return Prices(price(settings.price_unknown)), plan.budget


def _facts(keys: Keys, plan: Plan) -> Steps[tuple[Prices, Budget | None]]:
    """Read prices and, where nobody gives another one, the budget that the campaign has."""
    prices = yield from current_prices(keys, plan.settings)
    if plan.budget is not None or plan.campaign_id is None:
        return prices, plan.budget
    [limit] = yield Commands([("HGET", keys.campaign(plan.campaign_id), "limit")])
    return prices, Decimal(int(limit)) / MICRO if limit else None


def preview(
    text: str,
    recipients: Iterable[Any],
    options: CampaignOptions,
    *,
    settings: ProducerSettings,
    prices: Prices,
    budget: Budget | None,
    on_invalid: Callable[[int, Any, InvalidMessage], object],
) -> Preview:
    """Word and count everybody as a real run would.

    Args:
        text: of all messages.
        recipients: as `Producer.send_campaign` takes them; none for somebody whom nobody knows.
        options: the other fields of `Message`.
        settings: of the application.
        prices: of a segment.
        budget: euros that a campaign may cost; None for any.
        on_invalid: called for each that is left out.
    """
    counting = Previewer(
        text,
        options,
        settings=settings,
        prices=prices,
        budget=budget,
        on_invalid=on_invalid,
        now=datetime.now(UTC),
    )
    for chunk in chunks(recipients):
        counting.take(chunk)
    return counting.result()


def show(output: Output, seen: Preview) -> None:
    """Say what a preview says, for people."""
    if seen.recipients:
        output.show(f"recipients {seen.recipients} in {counted(seen.messages, 'message')}")
        output.show(f"segments   {seen.segments}, as we count them")
    if seen.maximum:
        output.show(f"each gets  {_spread(seen)}, {_encoding(seen)}")
        output.show(f"cost       {_cost(seen)}")
    if seen.affordable is not None:
        left = seen.recipients - seen.affordable
        rest = f"{seen.affordable} of {seen.recipients} recipients; {left} would be refused"
        output.show(f"budget     is enough for {rest if left else 'all'}", alarming=left > 0)
    for flip in seen.flips:
        where = "the text itself" if flip.where == "text" else f"values of {flip.where}"
        texts = f" in {flip.recipients} of {seen.recipients} texts" if seen.recipients else ""
        output.show(f"UCS-2      because of {where}: {' '.join(flip.characters)}{texts}")
    if seen.saved > 0:
        output.show(f"saving     TEXT_OPTIMIZE=1 would save {counted(seen.saved, 'segment')}")
    for warning in seen.warnings:
        output.show(f"warning    {warning}")
    for name, why in seen.problems.items():
        output.show(f"refused    {name}: {why}", alarming=True)


def _spread(seen: Preview) -> str:
    if seen.minimum == seen.maximum:
        return counted(seen.maximum, "segment")
    return f"{seen.minimum} to {seen.maximum} segments, {seen.middle} in the middle"


def _encoding(seen: Preview) -> str:
    return "UCS-2 for some or all" if seen.encoding == "ucs2" else "GSM-7"


def _cost(seen: Preview) -> str:
    if seen.cost is None or seen.worst_cost is None:
        return "unknown: no price was learnt, and PRICE_UNKNOWN=refuse would refuse it"
    worst = f", at worst {seen.worst_cost:.2f}" if seen.worst_cost != seen.cost else ""
    assumed = ", at a price that is assumed" if seen.assumed else ""
    return f"{seen.cost:.2f}{worst}{assumed}"
