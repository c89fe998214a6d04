"""The commands about money: ``prices``, ``budget`` and ``blocks``."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any, Final

import click

from producers.contract.admission import BUDGET
from producers.rules.money import MICRO, micros, price
from worker.commands.command import Command, Group, at_desk, whoever
from worker.commands.option_types import product_option
from worker.gateway.client import Gateway
from worker.inquiry import money
from worker.inquiry.dates import in_paris
from worker.operator.money_decisions import lift_block, set_budget, set_price
from worker.operator.price_learning import Inferred, Verdict, ask, infer_price, tariff_of
from worker.presentation.amounts import amount
from worker.presentation.counts import counted
from worker.presentation.output import Exit, Failed, NotFound, Output
from worker.settings import WorkerSettings

#: What stands for what the workers are set to, or what was learnt.
DEFAULT: Final = "default"
#: What became of a price that was inferred, in words.
_LEARNT: Final[Mapping[Verdict, str]] = {
    "balance": "the most counts until an answer or an operator names a price",
    "operator": "an operator's price counts",
    "answer": "the price of the gateway's last answers counts",
    "no_answer": "the gateway did not say what is left",
    "packs": "messages were bought in packs: the balance tells no price",
    "no_credit": "not one message can be paid: the balance tells no price",
}


#: Not what was typed: that may be a number.
_NO_BLOCK: Final = (
    "no such block is without alerts: name it as `octopush-worker blocks list` does, such as +3361234; "
    "nothing was changed"
)


class Euros(click.ParamType):  # type: ignore[type-arg]
    """Euros as text, or the word ``default``."""

    name = f"euros|{DEFAULT}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it."""
        try:
            if value != DEFAULT:
                micros(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


@click.group(cls=Group)
def prices() -> None:
    """What a segment costs, by tariff: type and calling code, such as sms_premium:33."""


@prices.command("list", cls=Command)
@click.pass_obj
def list_prices(output: Output) -> None:
    """Show all prices that are known, and who says so."""
    with at_desk() as desk:
        found = desk.ask(money.read_prices(desk.keys))
    output.give({"prices": [{"tariff": p.tariff, "euros": p.euros, "source": p.source} for p in found]})
    for each in found:
        euros = "cannot be read" if each.euros is None else f"{amount(each.euros)} €"
        output.show(f"{each.tariff:<24} {euros:>12}  {each.source}")
    if not found:
        output.remark("no price is known yet: the gateway's next answers name some")


@prices.command("set", cls=Command)
@click.argument("tariff")
@click.argument("euros", type=Euros())
@click.pass_obj
def set_one_price(output: Output, tariff: str, euros: str) -> None:
    """Set what a segment of a tariff costs; `default` lets the gateway's answers say it again."""
    kind, _, code = tariff.partition(":")
    if kind not in ("sms_premium", "sms_low_cost") or not (code.isdecimal() and len(code) <= 3):
        raise Failed("TARIFF must be a type and a calling code, such as sms_premium:33")
    if euros != DEFAULT:
        try:
            price(euros)
        except ValueError as error:
            raise Failed(f"EUROS {error}") from None
    with at_desk() as desk:
        set_price(desk.keys, tariff, euros, whoever()).run(desk.client)
    output.give({"tariff": tariff, "price": euros if euros == DEFAULT else Decimal(euros)})
    output.show(f"{tariff}: {euros}")


@prices.command("learn", cls=Command)
@click.argument("countries", nargs=-1, required=True)
@product_option("Of which of the gateway's products.")
@click.pass_obj
def learn(output: Output, countries: tuple[str, ...], kind: str) -> None:
    """Infer what a segment costs in some countries, such as FR BE, from what the balance pays for.

    It counts until the gateway's answers, or an operator, name a price.
    """
    try:
        named = sorted({each.upper(): tariff_of(each.upper(), kind) for each in countries})
    except ValueError as error:
        raise Failed(str(error)) from None
    found = asyncio.run(_ask(WorkerSettings.from_env(os.environ), named, kind))
    with at_desk() as desk:
        told = [
            replace(each, verdict=infer_price(desk.keys, each.tariff, each.euros, whoever()).run(desk.client))
            if each.euros is not None
            else each
            for each in found
        ]
    output.give({"prices": [asdict(each) for each in told]})
    for each in told:
        range_of = f"above {each.above:f}, at most {each.euros:f} €; " if each.euros is not None else ""
        output.show(f"{each.tariff:<24} {range_of}{_LEARNT[each.verdict]}", alarming=each.euros is None)
    if all(each.euros is None for each in told):
        click.get_current_context().exit(Exit.FAILED)


async def _ask(settings: WorkerSettings, countries: Sequence[str], kind: str) -> list[Inferred]:
    gateway = Gateway(settings)
    try:
        return await ask(gateway, countries, kind)
    finally:
        await gateway.close()


@click.group(cls=Group)
def budget() -> None:
    """What may be spent in a day, or by a campaign."""


@budget.command("show", cls=Command)
@click.pass_obj
def show_budget(output: Output) -> None:
    """Show what was spent and reserved today, by the days of Paris."""
    with at_desk() as desk:
        found = desk.ask(money.read_budgets(desk.keys))
        waiting = desk.client.zcard(desk.keys.aside(BUDGET))
    output.give(
        {
            "scopes": [
                {"scope": s.scope, "day": s.day, "reserved": s.reserved, "spent": s.spent, "limit": s.limit}
                | {"hard": s.hard}
                for s in found
            ],
            "waiting": waiting,
        }
    )
    for each in found:
        of = "no budget" if each.limit is None else f"of {amount(each.limit)} €"
        of += "" if each.hard is None else f", alerts end at {amount(each.hard)} €"
        output.show(
            f"{each.scope:<24} {amount(each.spent)} € spent, {amount(each.reserved)} € reserved, {of}",
            alarming=(each.ratio or 0) >= 1,
        )
    output.show(f"{counted(waiting, 'waits', 'wait')} for the next day or a larger budget")


@budget.command("set", cls=Command)
@click.argument("scope")
@click.argument("euros", type=Euros())
@click.pass_obj
def set_one_budget(output: Output, scope: str, euros: str) -> None:
    """Set a budget for all workers at once: account, app, hard, or campaign:<id>; what waits goes on.

    0 is no limit, `default` what the workers are set to. Workers whose settings have no budget of the day
    take no notice.
    """
    if scope not in ("account", "app", "hard") and scope.removeprefix("campaign:") in ("", scope):
        raise Failed("SCOPE must be account, app, hard or campaign:<id>")
    limit = DEFAULT if euros == DEFAULT else str(micros(euros))
    with at_desk() as desk:
        done, given_back = desk.ask(set_budget(desk.keys, scope, limit, whoever()))
    if not done:
        raise NotFound(f"there is no {scope}; nothing was changed")
    said = None if euros == DEFAULT else Decimal(limit) / MICRO
    output.give({"scope": scope, "limit": said, "given_back": given_back})
    output.show(
        f"{scope}: {euros}; {counted(given_back, 'that waited is', 'that waited are')} looked at again"
    )
    if not scope.startswith("campaign:"):
        output.say("workers count only if their settings have a budget of the day, such as BUDGET_DAY")


@click.group(cls=Group)
def blocks() -> None:
    """Blocks of 10,000 numbers that get no alerts, since too many of them were asked for."""


@blocks.command("list", cls=Command)
@click.pass_obj
def list_blocks(output: Output) -> None:
    """Show the blocks that get no alerts."""
    with at_desk() as desk:
        found = desk.ask(money.read_blocks(desk.keys))
    output.give({"blocks": [{"block": each.start, "until": each.until} for each in found]})
    for each in found:
        output.show(f"{each.start}  until {in_paris(each.until) if each.until else '?'}")
    if not found:
        output.remark("every block gets its alerts")


@blocks.command("lift", cls=Command)
@click.argument("block")
@click.pass_obj
def lift(output: Output, block: str) -> None:
    """Let a block get alerts again: by the beginning of its numbers, such as +3361234."""
    with at_desk() as desk:
        lifted = lift_block(desk.keys, block, whoever()).run(desk.client)
    if not lifted:
        raise NotFound(_NO_BLOCK)
    output.give({"block": block, "lifted": True})
    output.show("lifted")
