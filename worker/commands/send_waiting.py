"""What ``octopush-worker send --wait`` shows: how one message fares, and the replies as they come."""

import sys
import time
from typing import Any, Final

from producers.contract.jobs import ENDS
from producers.contract.outages import passes
from producers.contract.phone import mask
from producers.contract.scripts import REDIS_ERRORS
from producers.queueing.campaign_status import CampaignStatus
from producers.queueing.slices import message_ids
from worker.commands.command import INTERRUPTED, Desk, at_desk
from worker.commands.following import follow
from worker.commands.replies_cli import reply_words
from worker.inquiry.explain import Explanation, explain
from worker.inquiry.replies import ReplyFilter
from worker.inquiry.reply_rows import reply_row
from worker.presentation.output import Output

#: Seconds between two looks.
_LOOK_S: Final = 0.5


def id_of_one(campaign_id: str) -> str:
    """Name the one message of a campaign."""
    with at_desk() as desk:
        [request_id] = desk.ask(message_ids(desk.keys, campaign_id, [0]))
    return request_id


def follow_message(output: Output, campaign_id: str, request_id: str) -> dict[str, Any]:
    """Say why the one message of a campaign has not left yet, whenever that changes, until it has ended.

    Args:
        output: where.
        campaign_id: the campaign.
        request_id: the message.

    Returns:
        What became of it, for programs.

    Raises:
        SystemExit: with status 130, after Ctrl-C.
    """
    said = ""
    try:
        with at_desk() as desk:
            while True:
                found = _look(desk, request_id)
                if found is not None and found.verdict != said:
                    said = found.verdict
                    (output.show if found.state in ENDS else output.say)(f"message    {found.sentence}")
                if found is not None and (found.state is None or found.state in ENDS):
                    return {"request_id": request_id, "state": found.state, "sentence": found.sentence}
                time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        output.say(f"it goes on without us; to look: octopush-worker campaign status {campaign_id}")
        sys.exit(INTERRUPTED)


def _look(desk: Desk, request_id: str) -> Explanation | None:
    """Look at a message once; an outage is waited out."""
    try:
        return desk.ask(explain(desk.keys, desk.pseudonyms, desk.hours, request_id))
    except REDIS_ERRORS as error:
        if not passes(error):
            raise
        return None


def show_replies(output: Output, campaign: CampaignStatus, within_s: float | None) -> None:
    """Show the replies to a campaign, those since its beginning first, then as they come, until Ctrl-C.

    Nothing is acknowledged: no application misses a reply by it.

    Args:
        output: where.
        campaign: which.
        within_s: seconds after which it ends all the same.
    """
    bound = "" if within_s is None else f", or for {within_s:g} s"
    output.say(f"replies as they come, until Ctrl-C{bound}")
    with at_desk() as desk:
        for each in follow(desk, output, ReplyFilter(since=campaign.started_at), within_s=within_s):
            if each.reply and (each.reply.request_id or "").startswith(f"{campaign.campaign_id}."):
                output.give(reply_row(each, mask))
                output.show(reply_words(each, mask))
