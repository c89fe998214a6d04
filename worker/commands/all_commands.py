"""All commands of this room."""

from typing import Final

import click

from worker.commands.account_cli import account
from worker.commands.audit_cli import audit
from worker.commands.callbacks_cli import callbacks
from worker.commands.campaign_cli import campaign
from worker.commands.completion_cli import completion
from worker.commands.consent_cli import consent
from worker.commands.conversation_cli import conversation
from worker.commands.decisions_cli import parked, replay, resolve
from worker.commands.explain_cli import explain
from worker.commands.forward_cli import forward
from worker.commands.hours_cli import hours
from worker.commands.layout_cli import layout
from worker.commands.money_cli import blocks, budget, prices
from worker.commands.person_cli import person
from worker.commands.replies_cli import replies
from worker.commands.send_cli import send
from worker.commands.sending_cli import limits, release
from worker.commands.show_cli import show
from worker.commands.status_cli import status
from worker.commands.suppress_cli import suppress

COMMANDS: Final[tuple[click.Command, ...]] = (
    *(status, explain, show, replies, conversation, hours, send, campaign),
    *(parked, resolve, replay, release, limits, prices, budget, blocks, suppress, consent, person),
    *(callbacks, forward, account, layout, audit, completion),
)
