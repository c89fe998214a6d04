"""The commands by which a person decides about all sending: ``release`` and ``limits``."""

from typing import Final

import click

from worker.account.throttle import Default
from worker.commands.command import Command, at_desk, whoever
from worker.commands.option_types import OrDefault
from worker.commands.status_cli import allowed, live_limits, strained_words
from worker.inquiry.state_of_sending import read_limits, read_strain
from worker.operator.decisions import Decisions
from worker.presentation.output import NotFound, Output

#: What else may stand behind a limit.
_OR: Final = "0 for none, `default` for what the workers are set to"


@click.command(cls=Command)
@click.option("--breaker", help="Let go on what waits at this breaker; `status` names it.")
@click.pass_obj
def release(output: Output, breaker: str | None) -> None:
    """Let sending go on after a hold or a pause, and what could not be paid, without waiting."""
    with at_desk() as desk:
        decisions = Decisions(desk.settings, whoever())
        if breaker is not None:
            shut, given_back = desk.ask(decisions.open_breaker(breaker))
            if not (shut or given_back):
                raise NotFound(f'there is no breaker "{breaker}"; nothing was changed')
            output.give({"released": True, "breaker": breaker, "given_back": given_back})
            output.show(f"released breaker {breaker}, {_go_on(given_back)}")
            return
        ended = desk.ask(decisions.release())
    released = ended.held or ended.paused or ended.unpaid
    output.give({"released": released, "breaker": None, "given_back": ended.given_back})
    output.show("released" if released else "sending was not held")
    if ended.given_back:
        output.show(f"of what could not be paid, {_go_on(ended.given_back)}")


def _go_on(count: int) -> str:
    return f"{count} {'goes' if count == 1 else 'go'} on"


@click.command(cls=Command)
@click.option(
    "--rate", type=OrDefault(click.FloatRange(0)), help=f"Recipients per second over all workers; {_OR}."
)
@click.option(
    "--in-flight", type=OrDefault(click.IntRange(0)), help=f"Calls in flight over all workers; {_OR}."
)
@click.pass_obj
def limits(output: Output, rate: float | Default | None, in_flight: int | Default | None) -> None:
    """Show the limits set live, or change them for all workers at once."""
    with at_desk() as desk:
        Decisions(desk.settings, whoever()).set_limits(rate=rate, in_flight=in_flight).run(desk.client)
        now, strained = desk.ask(read_limits(desk.keys)), desk.ask(read_strain(desk.keys))
    output.give({"rate": now.rate, "in_flight": now.in_flight, "strained": strained})
    output.show(live_limits(now.rate, now.in_flight))
    if strained is not None:
        output.show(f"           {strained_words(allowed(strained, now.in_flight or 0))}")
