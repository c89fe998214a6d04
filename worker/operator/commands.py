"""All commands of this room."""

from typing import Final

import click

from worker.operator.audit_cli import audit
from worker.operator.campaign_cli import campaign
from worker.operator.completion_cli import completion
from worker.operator.consent_cli import consent
from worker.operator.conversation_cli import conversation
from worker.operator.decisions_cli import parked, replay, resolve
from worker.operator.explain_cli import explain
from worker.operator.forward_cli import forward
from worker.operator.hours_cli import hours
from worker.operator.money_cli import blocks, budget, prices
from worker.operator.person_cli import person
from worker.operator.replies_cli import replies
from worker.operator.send_cli import send
from worker.operator.sending_cli import limits, release
from worker.operator.show_cli import show
from worker.operator.status_cli import status
from worker.operator.suppress_cli import suppress

COMMANDS: Final[tuple[click.Command, ...]] = (
    *(status, explain, show, replies, conversation, hours, send, campaign),
    *(parked, resolve, replay, release, limits, prices, budget, blocks, suppress, consent, person),
    *(forward, audit, completion),
)
