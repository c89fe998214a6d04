"""What a process logs when Redis goes away, comes back, or refuses it."""

import structlog

from producers.contract.outages import OutageLog, refused, what_is_refused


def outage_log(server: str) -> OutageLog:
    """Write one line when Redis goes away and one when it is back, whichever thread finds out.

    Args:
        server: address of Redis without user and password.
    """
    logger = structlog.get_logger()

    def away(error: Exception) -> None:
        if what := what_is_refused(error):
            logger.error("redis.refused", problem=refused(server, what))
        else:
            logger.warning("redis.unavailable", reason=type(error).__name__, server=server)

    return OutageLog(away, lambda seconds: logger.warning("redis.back", duration_ms=round(seconds * 1000)))
