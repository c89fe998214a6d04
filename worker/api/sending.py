"""Whether messages leave now, and whether this process works."""

from producers.contract.jobs import QUEUE_ALERT
from producers.contract.steps import Commands
from worker.api.call import Answer, Call
from worker.api.messages import when
from worker.api.shapes import HealthAnswer, SendingAnswer
from worker.inquiry.overview import queue_state
from worker.inquiry.reason import instant
from worker.inquiry.state_of_sending import Stop, facts


async def get_sending(call: Call) -> Answer:
    """Say whether messages leave: an application may turn to e-mail if not."""
    known = await call.desk.ask(facts(call.desk.keys))
    alerts = await call.desk.ask(queue_state(call.desk.keys, QUEUE_ALERT))
    stop = known.hold or known.pause
    return Answer(
        SendingAnswer(
            sending="held" if known.hold else "paused" if known.pause else "on",
            since=when(instant(stop.since_ms)) if stop else None,
            until=when(instant(stop.until_ms)) if stop and stop.until_ms else None,
            reason=_reason(stop) if stop else None,
            workers=known.workers,
            oldest_alert_s=alerts.oldest_s,
        )
    )


async def readyz(call: Call) -> Answer:
    """Say whether Redis answers."""
    await call.desk.do(Commands([("PING",)]))
    return Answer(HealthAnswer("ok"))


async def healthz(_: Call) -> Answer:
    """Answer as long as the process runs; asks nobody else."""
    return Answer(HealthAnswer("ok"))


def _reason(stop: Stop) -> str:
    return f"{stop.code}: {stop.meaning}" if stop.meaning else stop.code
