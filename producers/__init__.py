"""Send and receive SMS through Octopush: what applications import.

    from producers import Producer

    sms = Producer.from_env()
    sent = sms.send("+33612345678", "Your table is ready.", sender="Bistro", purpose="alert")
    sms.status(sent.request_id)

Replies, delivery receipts, opt-outs and statuses are read with `Feed`. Callbacks that arrive at your own
application are taken with `CallbackIntake`; `producers.web` is the ready-made server for them.

An application that has a ``producers`` of its own imports this package as ``octopush_producers``, and under
that name only: the two are strangers to each other. What this package names is loaded when it is first asked
for: to import `producers` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .aio import AsyncProducer
    from .callbacks import AsyncCallbackIntake, CallbackIntake
    from .errors import (
        CampaignCancelled,
        ConfigError,
        InvalidMessage,
        OverBudget,
        ProducerError,
        QueueRefused,
        QueueUnavailable,
        RequestIdConflict,
        WrongEventLoop,
    )
    from .feeds import AsyncFeed, Feed
    from .messages.e164 import to_e164
    from .messages.message import Message
    from .messages.recipient import Recipient
    from .messages.segments import Segmentation, segment
    from .producer import Producer
    from .queueing.answers import Sent
    from .queueing.campaign_check import CampaignCheck, check_campaign
    from .queueing.campaign_status import Campaign, CampaignCancellation, CampaignStatus
    from .queueing.conversations import Conversation
    from .queueing.message_status import Delivery, MessageStatus
    from .queueing.preview import Preview
    from .queueing.tally import Flip
    from .queueing.turns import Turn

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
    "QueueRefused",
    "QueueUnavailable",
    "Recipient",
    "RequestIdConflict",
    "Segmentation",
    "Sent",
    "Turn",
    "WrongEventLoop",
    "check_campaign",
    "segment",
    "to_e164",
]

#: The names that each module holds: those above.
_HELD: Final = {
    "aio": ("AsyncProducer",),
    "callbacks": ("AsyncCallbackIntake", "CallbackIntake"),
    "errors": (
        "CampaignCancelled",
        "ConfigError",
        "InvalidMessage",
        "OverBudget",
        "ProducerError",
        "QueueRefused",
        "QueueUnavailable",
        "RequestIdConflict",
        "WrongEventLoop",
    ),
    "feeds": ("AsyncFeed", "Feed"),
    "messages.e164": ("to_e164",),
    "messages.message": ("Message",),
    "messages.recipient": ("Recipient",),
    "messages.segments": ("Segmentation", "segment"),
    "producer": ("Producer",),
    "queueing.answers": ("Sent",),
    "queueing.campaign_check": ("CampaignCheck", "check_campaign"),
    "queueing.campaign_status": ("Campaign", "CampaignCancellation", "CampaignStatus"),
    "queueing.conversations": ("Conversation",),
    "queueing.message_status": ("Delivery", "MessageStatus"),
    "queueing.preview": ("Preview",),
    "queueing.tally": ("Flip",),
    "queueing.turns": ("Turn",),
}
_PLACES: Final = {name: module for module, names in _HELD.items() for name in names}
#: Modules that applications import, which are attributes, too.
_MODULES: Final = ("callbacks", "errors", "events", "feeds", "settings", "webhooks")

if not TYPE_CHECKING:  # or a type checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        """Load what has this name."""
        if name in _PLACES:
            found = getattr(import_module(f".{_PLACES[name]}", __name__), name)
        elif name in _MODULES:
            found = import_module(f".{name}", __name__)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES, *_MODULES})
