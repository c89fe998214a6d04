"""A process that runs one forwarder: its log, its Redis, and the signals that end it."""

import signal

import structlog

from producers.contract.settings import RedisSettings
from worker.forwarding.outcomes import Deliver
from worker.forwarding.runner import Runner
from worker.forwarding.store import Store
from worker.process import log
from worker.process.connection import connect
from worker.process.outages import outage_log


def run(
    settings: RedisSettings, store: Store, deliver: Deliver, *, receiver: str, log_level: str, places: int = 8
) -> None:
    """Run a forwarder until SIGTERM, SIGINT or SIGHUP, and then until what it delivers is delivered.

    Args:
        settings: where Redis is.
        store: of the forwarder.
        deliver: delivers one event.
        receiver: where events go, for people; nothing secret.
        log_level: as in `worker.process.log.configure`.
        places: deliveries at a time.

    Raises:
        redis.RedisError: trouble that does not pass by waiting.
    """
    log.configure(log_level, settings.namespace)
    logger = structlog.get_logger()
    with connect(settings.redis_url, outage_log(str(settings.redis_url))) as client:
        runner = Runner(client, store, deliver, places=places, receiver=receiver)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Under nohup the process shall outlive the terminal.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: runner.stop())
        logger.info("forward.started", forwarder=store.name)
        runner.run()
        logger.info("forward.stopped", forwarder=store.name)
