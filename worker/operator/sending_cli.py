"""The commands by which a person decides about all sending: ``release`` and ``limits``."""

from typing import Any

import click

from worker.account.throttle import Limits, Throttle
from worker.operator.command import Command, at_desk, whoever
from worker.operator.decisions import Decisions
from worker.operator.status_cli import allowed, strained_words
from worker.presentation.output import NotFound, Output


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
                raise NotFound(f"there is no breaker {breaker}; nothing was changed")
            output.give({"released": True, "breaker": breaker, "given_back": given_back})
            output.show(f"released breaker {breaker}, {given_back} go on")
            return
        ended = desk.ask(decisions.release())
    released = ended.held or ended.paused or ended.unpaid
    output.give({"released": released, "breaker": None, "given_back": ended.given_back})
    output.show("released" if released else "sending was not held")
    if ended.given_back:
        output.show(f"{ended.given_back} that could not be paid go on")


@click.command(cls=Command)
@click.option("--rate", type=click.FloatRange(0), help="Recipients per second over all workers; 0 for none.")
@click.option("--in-flight", type=click.IntRange(0), help="Calls in flight over all workers; 0 for none.")
@click.pass_obj
def limits(output: Output, rate: float | None, in_flight: int | None) -> None:
    """Show the limits set live, or change them for all workers at once."""
    with at_desk() as desk:
        throttle = Throttle(desk.client, desk.keys, Limits(0, 0))
        throttle.set_limits(whoever(), rate=rate, in_flight=in_flight)
        now, strained = throttle.current_limits(), throttle.strained_limit()
    fields: dict[str, Any] = {"rate": now.rate, "in_flight": now.in_flight, "strained": strained}
    output.give(fields)
    output.show(f"{now.rate:g} recipients/s, {now.in_flight} in flight (0: none)")
    if strained is not None:
        output.show(f"           {strained_words(allowed(strained, now.in_flight))}")
