"""Composition root of a worker process, which ``octopush-worker worker`` starts: ``worker.main:setup``.

The only reader of the environment, the only place that builds things and connects them. Nobody imports it.
"""

import gc
import os
import sys
from collections.abc import Mapping
from typing import Final

import dramatiq
import dramatiq.worker
import redis
import structlog
from dramatiq.middleware import Retries

from producers.contract.jobs import ACTORS, QUEUE_ALERT, QUEUE_CALLBACKS, QUEUE_MARKETING
from producers.contract.keys import Keys
from producers.errors import ConfigError
from producers.rules.hours import Hours
from producers.rules.settings import ACCOUNT
from worker.account.gates import Gates
from worker.account.identity import Account
from worker.account.probe import AccountProbe
from worker.account.strain import Strain
from worker.account.throttle import Limits, Throttle
from worker.callbacks.classifier import with_words
from worker.callbacks.expiry import Expiry
from worker.callbacks.forgetting import Forgetting
from worker.callbacks.group_counts import GroupCounts
from worker.callbacks.inbound import Inbound
from worker.callbacks.publisher import Publisher
from worker.gateway.client import Gateway
from worker.gateway.profile import UNSETTLED, GatewayProfile, read_profile
from worker.ledger.budget_look import BudgetLook
from worker.ledger.budgets import Budgets
from worker.ledger.confirmation import Confirmation
from worker.ledger.ledger import Ledger
from worker.ledger.may_post import Recheck
from worker.ledger.openings import Openings
from worker.process import conditions, log, middleware, parent, sentry, tracing
from worker.process.connection import connect
from worker.process.heartbeat import Heartbeat
from worker.process.outages import outage_log
from worker.queue.lease_broker import LeaseBroker
from worker.queue.leases import Leases
from worker.queue.slots import Slots
from worker.sending.engine import Engine
from worker.sending.outbound import Outbound
from worker.sending.recorder import Recorder
from worker.settings import WorkerSettings

#: Milliseconds between the calls of an actor that failed for a reason nobody planned, doubling.
UNPLANNED_BACKOFF_MS: Final = {"min_backoff": 1_000, "max_backoff": 600_000}
#: Seconds before a consumer or an ending message that lost its connection tries again. In Dramatiq's own 3 s
#: and 5 s nothing would be sent.
RESTART_S: Final = 0.5
#: Thresholds of Python's garbage collector. The default ones take a tenth of the CPU at full load.
COLLECT_AFTER: Final = (20_000, 20, 20)
#: What a worker without hours says when it starts.
HOURS_OFF: Final = "MARKETING_HOURS_FR and MARKETING_HOURS_OTHER are off: marketing leaves at any hour"
#: Callbacks that a process holds at a time.
CALLBACKS_AT_ONCE: Final = 256


def setup(environ: Mapping[str, str] | None = None) -> LeaseBroker:
    """Build the worker and register its actors; called once in each worker process.

    Args:
        environ: variables; None for those of the process.

    Returns:
        The broker, also set as Dramatiq's global one.

    Raises:
        SystemExit: settings are wrong; status 1, all of them named on standard error.
    """
    parent.end_with_parent()
    try:
        settings = WorkerSettings.from_env(environ)
        profile = read_profile(settings.gateway_profile, settings.api_login.reveal())
    except ConfigError as error:
        print(f"octopush-worker: {error}", file=sys.__stderr__)
        raise SystemExit(1) from None
    log.configure(settings.log_level, settings.namespace)
    sentry.start(settings.sentry_dsn)
    end_traces = tracing.start(os.environ if environ is None else environ)
    dramatiq.worker.CONSUMER_RESTART_DELAY_SECS = RESTART_S
    dramatiq.worker.POST_PROCESS_MESSAGE_RETRY_DELAY_SECS = RESTART_S  # type: ignore[assignment]
    outages = outage_log(str(settings.redis_url))
    client = connect(settings.redis_url, outages)
    with middleware.stop_at_once(), conditions.unless_refused(str(settings.redis_url)):
        conditions.meet_redis(
            client, Keys(settings.namespace), outages, allow_unsafe=settings.allow_unsafe_redis
        )
        conditions.know_pseudonyms(settings, client)
        account = Account(settings, client)
        conditions.own_namespace(account.bind)
    middleware.stop_once()
    broker = build(settings, client, profile, account)
    # Dramatiq stops in the opposite order: what was recorded last is told, too.
    broker.add_middleware(middleware.LastWords([end_traces, sentry.stop]), before=middleware.Companions)
    _collect_less_garbage()
    return broker


def build(
    settings: WorkerSettings,
    client: redis.Redis,
    profile: GatewayProfile = UNSETTLED,
    account: Account | None = None,
) -> LeaseBroker:
    """Build everything from settings: ledger, gateway, broker, actors."""
    keys = Keys(settings.namespace)
    leases = Leases(client, keys)
    gateway = Gateway(settings, profile)
    engine = Engine(gateway.close)
    confirmation = Confirmation(
        client, keys, replicas=settings.replicas, every_claim=settings.confirm_every_claim
    )
    hours = Hours(settings)
    openings = _openings(settings, client, hours)
    budgets, rate = Budgets(settings), settings.rate_per_s
    ledger = Ledger(client, settings, leases, confirmation, rate, openings, budgets, account)
    limits = Limits(rate, settings.in_flight)
    throttle = Throttle(client, keys)
    gates = Gates(client, keys, maxlen=settings.stream_maxlen, credit_low=settings.credit_low_euros)
    heart = Heartbeat(client, keys, hours.rules)
    probe = AccountProbe(throttle, gates, lambda: engine.result(gateway.balance()))
    calls = {QUEUE_ALERT: settings.calls, QUEUE_MARKETING: marketing_calls(settings.calls)}
    recorder = Recorder(ledger, throttle, Strain(client, keys, settings.in_flight), gates)
    recheck = Recheck(client, keys, openings, account)
    outbound = Outbound(ledger, gateway, recheck, recorder, engine, calls)
    vocabulary = with_words(settings.optout_words, settings.optin_words)
    publisher = Publisher(client, settings, scoped=settings.optout_scope != ACCOUNT)
    inbound = Inbound(client, keys, ledger, publisher, vocabulary)
    upkeep = _upkeep(settings, client, publisher, budgets)
    start = [confirmation.start, leases.start, engine.start, recorder.start, probe.start, heart.start]
    start += [each.start for each in upkeep]
    stop = [probe.stop, engine.stop, recorder.stop, leases.stop, confirmation.stop, heart.stop]
    stop += [*(each.stop for each in upkeep), client.close]
    broker = LeaseBroker(
        client,
        keys,
        leases,
        limits,
        [
            # No count of retries: the ledger ends every message by time, see worker.sending.next_attempt.
            Retries(max_retries=None, **UNPLANNED_BACKOFF_MS),  # type: ignore[arg-type]
            middleware.Companions(start, stop),
        ],
        slots(settings.calls),
        lambda: settings.share_max if confirmation.sharing else 1,
    )
    dramatiq.set_broker(broker)
    _declare_actors(broker, outbound, inbound)
    return broker


def _upkeep(
    settings: WorkerSettings, client: redis.Redis, publisher: Publisher, budgets: Budgets
) -> list[Expiry | Forgetting | GroupCounts | BudgetLook]:
    """Make what looks after Redis now and then."""
    keys = Keys(settings.namespace)
    return [
        Forgetting(client, keys, settings.suppression_days),
        Expiry(client, settings, publisher),
        GroupCounts(client, keys),
        BudgetLook(client, keys, budgets),
    ]


def _openings(settings: WorkerSettings, client: redis.Redis, hours: Hours) -> Openings | None:
    """Say when marketing may leave; None, and a line in the log, where it may at any hour."""
    if hours.is_off:
        structlog.get_logger().warning("hours.off", problem=HOURS_OFF)
        return None
    return Openings(client, hours, settings.close_margin_ms)


def _declare_actors(broker: LeaseBroker, outbound: Outbound, inbound: Inbound) -> None:
    """Let each queue have its actor. A thread that is free takes alerts first, then callbacks."""
    for priority, queue, function in (
        (0, QUEUE_ALERT, outbound.send_sms),
        (5, QUEUE_CALLBACKS, inbound.process_callbacks),
        (10, QUEUE_MARKETING, outbound.send_sms),
    ):
        dramatiq.actor(actor_name=ACTORS[queue], queue_name=queue, priority=priority, broker=broker)(function)


def _collect_less_garbage() -> None:
    """Exempt from garbage collection everything that exists by now, and collect the rest less often.

    What exists by now lives as long as the process. A full collection would walk through all of it while no
    thread runs, and an alert would wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def marketing_calls(calls: int) -> int:
    """Return how many of so many calls marketing may take: a fifth is left to alerts."""
    return calls - max(1, calls // 5)


def slots(calls: int) -> dict[str, Slots]:
    """Make the places for entries of a process: alerts have some that marketing cannot take.

    A process claims a quarter more entries than it makes calls at a time, so that a call begins as soon as
    another ends.
    """
    ahead = max(1, calls // 4)
    sends = Slots(calls + ahead, {QUEUE_MARKETING: marketing_calls(calls) + ahead})
    return {QUEUE_ALERT: sends, QUEUE_MARKETING: sends, QUEUE_CALLBACKS: Slots(CALLBACKS_AT_ONCE)}
