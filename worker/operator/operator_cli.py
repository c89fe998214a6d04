"""The operator's commands: look at the state of sending, and decide what only a person can decide."""

import getpass
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar, cast

import click
import redis

from producers.contract.admission import ADMISSION, CREDIT
from producers.contract.jobs import ENDS, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING
from producers.contract.keys import Keys
from producers.contract.settings import RedisSettings
from producers.errors import ConfigError
from worker.account.gates import Gates
from worker.account.throttle import Limits, Throttle
from worker.gateway.codes import CODES, OPERATORS
from worker.inquiry.parked import Parked
from worker.operator.decisions import REPLAYABLE, Decision
from worker.operator.operations import Operations
from worker.process.connection import connect

T = TypeVar("T")


def _settings() -> RedisSettings:
    try:
        return RedisSettings.from_env(os.environ)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def _with_redis(work: Callable[[redis.Redis, RedisSettings], T]) -> T:
    settings = _settings()
    try:
        with connect(settings.redis_url) as client:
            return work(client, settings)
    except redis.RedisError as error:
        raise click.ClickException(
            f"Redis at {settings.redis_url} did not answer ({type(error).__name__}): see REDIS_URL"
        ) from None


def _by() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _operations(client: redis.Redis, settings: RedisSettings) -> Operations:
    return Operations(client, settings, _by())


def _throttle(client: redis.Redis, settings: RedisSettings) -> Throttle:
    return Throttle(client, Keys(settings.namespace), Limits(0, 0))


def _gates(client: redis.Redis, settings: RedisSettings) -> Gates:
    return Gates(client, Keys(settings.namespace))


@click.command()
def status() -> None:
    """Show holds, limits, queues, and how many sends are in which state."""
    _with_redis(_show)


def _show(client: redis.Redis, settings: RedisSettings) -> None:
    keys, throttle = Keys(settings.namespace), _throttle(client, settings)
    limits, strained = throttle.current_limits(), throttle.strained_limit()
    at_work = sum(client.zcard(keys.queue(name).leases) for name in (QUEUE_ALERT, QUEUE_MARKETING))
    is_full = 0 < _allowed(strained, limits.in_flight) <= at_work
    sending = _what_keeps_all(throttle) or [_on(is_full=is_full)]
    click.echo("sending    " + "\n           ".join(sending))
    click.echo(f"limits     {limits.rate:g} recipients/s, {limits.in_flight} in flight set live (0: none)")
    for shut in Gates(client, keys).current():
        click.echo(f"aside      {shut.waiting} wait, since {_when(shut.gate.since)}: {shut.why}")
        if shut.name != CREDIT:
            click.echo(f"           to let them go on: octopush-worker release --breaker {shut.name}")
    if strained is not None:
        click.echo(_strained(strained, limits.in_flight))
    for name in (QUEUE_ALERT, QUEUE_MARKETING, QUEUE_CALLBACKS):
        queue = keys.queue(name)
        counts = [
            client.llen(queue.ready),
            *(client.zcard(k) for k in (queue.delayed, queue.leases, queue.dead)),
        ]
        click.echo("{:<10} ready {}, delayed {}, running {}, dead {}".format(name, *counts))
    counted = {k.decode(): int(v) for k, v in cast("dict[bytes, bytes]", client.hgetall(keys.counts)).items()}
    ended = sum(counted.get(state, 0) for state in ENDS)
    click.echo(
        f"sends      enqueued {counted.get('enqueued', 0)}, waiting {counted.get('enqueued', 0) - ended}"
    )
    click.echo("           " + ", ".join(f"{state} {counted.get(state, 0)}" for state in ENDS))


@click.command()
@click.argument("request_id")
@click.option("--as-accepted", "decision", flag_value="as-accepted", help="It was sent; close it.")
@click.option(
    "--send-again", "decision", flag_value="send-again", help="It was not sent, or twice is no harm."
)
def resolve(request_id: str, decision: Decision | None) -> None:
    """Decide about a send whose outcome is unknown."""
    if decision is None:
        raise click.UsageError("say --as-accepted or --send-again")
    why_not = _with_redis(
        lambda client, settings: _operations(client, settings).resolve(request_id, decision)
    )
    if why_not is not None:
        raise click.ClickException(f"{request_id} is not unknown but {why_not}; nothing was changed")
    click.echo(f"{request_id}: {'accepted' if decision == 'as-accepted' else 'queued again'}")


@click.command()
@click.argument("request_ids", nargs=-1)
@click.option("--state", "states", multiple=True, type=click.Choice(REPLAYABLE), help="All in this state.")
@click.option("--code", help="Only those that ended with this code.")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
def replay(request_ids: tuple[str, ...], states: tuple[str, ...], code: str | None, *, yes: bool) -> None:
    """Send failed or rejected messages again: the ones named, or all of a state. Dry run first."""
    if bool(request_ids) == bool(states):
        raise click.UsageError("name request_ids, or give --state")

    def work(client: redis.Redis, settings: RedisSettings) -> None:
        operations, done = _operations(client, settings), 0
        found = operations.parked(states or REPLAYABLE, code)
        chosen = [each for each in found if not request_ids or each.request_id in request_ids]
        for each in chosen:
            # Somebody may have been faster: then it says what the send is by now.
            why_not = operations.replay(each.request_id) if yes else None
            done += why_not is None
            click.echo(_line(each, why_not or ("queued again" if yes else "would be queued again")))
        for request_id in sorted(set(request_ids) - {each.request_id for each in chosen}):
            click.echo(f"{request_id}: not failed or rejected; left alone")
        click.echo(f"{done} {'queued again' if yes else 'to queue again; add --yes to do it'}")

    _with_redis(work)


@click.command()
@click.option("--breaker", help="Let go on what waits at this breaker; `status` names it.")
def release(breaker: str | None) -> None:
    """Let sending go on after a hold or a pause, and what could not be paid, without waiting."""
    by = _by()
    if breaker is not None:
        shut, given_back = _with_redis(lambda client, settings: _gates(client, settings).open(breaker, by))
        if not (shut or given_back):
            raise click.ClickException(f"there is no breaker {breaker}; nothing was changed")
        click.echo(f"released breaker {breaker}, {given_back} go on")
        return
    paused = _with_redis(lambda client, settings: _throttle(client, settings).current_pause())
    held = _with_redis(lambda client, settings: _throttle(client, settings).release(by))
    unpaid, given_back = _with_redis(lambda client, settings: _gates(client, settings).open(CREDIT, by))
    click.echo("released" if held or paused or unpaid else "sending was not held")
    if given_back:
        click.echo(f"{given_back} that could not be paid go on")


@click.command()
@click.option("--rate", type=click.FloatRange(0), help="Recipients per second over all workers; 0 for none.")
@click.option("--in-flight", type=click.IntRange(0), help="Calls in flight over all workers; 0 for none.")
def limits(rate: float | None, in_flight: int | None) -> None:
    """Show the limits set live, or change them for all workers at once."""

    def work(client: redis.Redis, settings: RedisSettings) -> tuple[Limits, int | None]:
        throttle = _throttle(client, settings)
        throttle.set_limits(_by(), rate=rate, in_flight=in_flight)
        return throttle.current_limits(), throttle.strained_limit()

    now, strained = _with_redis(work)
    click.echo(f"{now.rate:g} recipients/s, {now.in_flight} in flight (0: none)")
    if strained is not None:
        click.echo(_strained(strained, now.in_flight))


def _what_keeps_all(throttle: Throttle) -> list[str]:
    """Say which gates are shut for all sends, why, and how they open."""
    hold, pause, lines = throttle.current_hold(), throttle.current_pause(), []
    if hold is not None:
        why = f"since {_when(hold.since_ms)}, code {hold.code}{_meaning(hold.code)}"
        lines += [f"HELD: {ADMISSION['hold']}", why, _way_out(hold.code)]
    if pause is not None:
        why = f"until {_when(pause.until_ms)}, code {pause.code}{_meaning(pause.code)}"
        lines += [f"PAUSED: {ADMISSION['pause']}", why, "at once: octopush-worker release"]
    return lines


def _on(*, is_full: bool) -> str:
    return f"on, but {ADMISSION['in_flight']}" if is_full else "on"


def _line(each: Parked, what: str) -> str:
    late = " (its ttl has passed: it will end as expired)" if each.expired else ""
    return f"{each.request_id}: {each.state} {each.code} since {_when(each.ended_ms)}, {what}{late}"


def _meaning(code: str) -> str:
    """Say what the gateway means by a code that is known."""
    known = CODES.get(int(code)) if code.isascii() and code.isdigit() else None
    return "" if known is None else f": {known.meaning}"


def _way_out(code: str) -> str:
    """Say how a hold ends."""
    if code in OPERATORS:
        return "nothing ends it but, once somebody has done so: octopush-worker release"
    return "it ends by itself once the account is mended; at once: octopush-worker release"


def _strained(limit: int, setting: int) -> str:
    """Say what holds while the gateway shows strain; the setting may be lower by now."""
    return f"           {_allowed(limit, setting)} in flight now: the gateway shows strain"


def _allowed(strained: int | None, setting: int) -> int:
    """Say how many calls may be in flight; 0 for any number."""
    return setting if strained is None else min(strained, setting or strained)


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


COMMANDS = (status, resolve, replay, release, limits)
