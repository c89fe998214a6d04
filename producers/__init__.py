"""Send and receive SMS through Octopush: what applications import.

    from producers import Producer

    sms = Producer.from_env()
    sent = sms.send("+33612345678", "Your table is ready.", sender="Bistro", purpose="alert")
    sms.status(sent.request_id)

Replies, delivery receipts, opt-outs and statuses are read with `Feed`. Callbacks that arrive at your own
application are taken with `CallbackIntake`; `producers.web` is the ready-made server for them.
"""

from producers.aio import AsyncProducer
from producers.callbacks import AsyncCallbackIntake, CallbackIntake
from producers.errors import (
    CampaignCancelled,
    ConfigError,
    InvalidMessage,
    OverBudget,
    ProducerError,
    QueueUnavailable,
    RequestIdConflict,
    WrongEventLoop,
)
from producers.feeds import AsyncFeed, Feed
from producers.messages.message import Message
from producers.messages.recipient import Recipient
from producers.messages.segments import Segmentation, segment
from producers.producer import Producer
from producers.queueing.answers import Sent
from producers.queueing.campaign_check import CampaignCheck, check_campaign
from producers.queueing.campaign_status import Campaign, CampaignCancellation, CampaignStatus
from producers.queueing.conversations import Conversation
from producers.queueing.message_status import Delivery, MessageStatus
from producers.queueing.preview import Preview
from producers.queueing.tally import Flip
from producers.queueing.turns import Turn

__all__ = [
    "AsyncCallbackIntake",
    "AsyncFeed",
    "AsyncProducer",
    "CallbackIntake",
    "Campaign",
    "CampaignCancellation",
    "CampaignCancelled",
    "CampaignCheck",
    "CampaignStatus",
    "ConfigError",
    "Conversation",
    "Delivery",
    "Feed",
    "Flip",
    "InvalidMessage",
    "Message",
    "MessageStatus",
    "OverBudget",
    "Preview",
    "Producer",
    "ProducerError",
    "QueueUnavailable",
    "Recipient",
    "RequestIdConflict",
    "Segmentation",
    "Sent",
    "Turn",
    "WrongEventLoop",
    "check_campaign",
    "segment",
]
