"""The table of operations: what can be called, by whom, and what comes back.

It makes the routes of the server and the OpenAPI document. Whoever adds an operation adds a row here.
"""

from typing import Final

from worker.api import batch, campaigns, conversations, groups, log_reader, messages, parts, sending
from worker.api.call import WAIT, WAIT_MAX_S, Operation, Parameter
from worker.api.campaign_shapes import (
    CampaignAnswer,
    CampaignBody,
    CampaignCancelAnswer,
    CompleteBody,
    PartAnswer,
    PartBody,
)
from worker.api.event_shapes import (
    ENTRY_ID,
    NAME,
    NAME_IN_WORDS,
    STREAMS,
    STREAMS_IN_WORDS,
    AckAnswer,
    AckBody,
    ConversationAnswer,
    ConversationsAnswer,
    EventsAnswer,
    LogAnswer,
    LookupBody,
)
from worker.api.settings import SCOPES, Scope
from worker.api.shapes import (
    BatchAnswer,
    BatchBody,
    CancelAnswer,
    ExplainAnswer,
    HealthAnswer,
    MessageBody,
    MessagesAnswer,
    PreviewAnswer,
    PreviewBody,
    SendingAnswer,
    SentAnswer,
    StatusAnswer,
)

_SEND: Final[frozenset[Scope]] = frozenset({"send"})
_READ: Final[frozenset[Scope]] = frozenset({"read"})
_CAMPAIGN: Final[frozenset[Scope]] = frozenset({"campaign"})
_ANY: Final[frozenset[Scope]] = frozenset(SCOPES)
_ID: Final = "[A-Za-z0-9_.:-]{1,36}"
_ID_IN_WORDS: Final = "1 to 36 letters, digits or -_.:"

_IDS: Final = Parameter(
    "ids",
    "1 to 100 ids with commas between: not every language can repeat a parameter.",
    pattern=rf"{_ID}(?:,{_ID}){{0,99}}",
    takes=f"1 to 100 ids with commas between, each of {_ID_IN_WORDS}",
    required=True,
)

_STREAM: Final = Parameter("stream", "Which stream.", pattern=STREAMS, takes=STREAMS_IN_WORDS, required=True)
_EVENT_WAIT: Final = Parameter("wait_s", "Seconds to wait for entries.", 0, 0, WAIT_MAX_S)
_MAX: Final = Parameter("max", "Entries at most.", 100, 1, 100)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        *("POST", "/v1/messages", _SEND, messages.send_message),
        "Queue one message. The same id with the same content answers with the message that is there.",
        SentAnswer,
        (200, 201),
        MessageBody,
        (WAIT,),
        ("request-id-conflict",),
        large=True,
        takes_key=True,
        leads_to=("get_message", "explain_message", "cancel_message"),
    ),
    Operation(
        *("GET", "/v1/messages", _READ, messages.get_messages),
        "Say what is known of several messages.",
        MessagesAnswer,
        query=(_IDS,),
    ),
    Operation(
        *("POST", "/v1/batch", _SEND, batch.send_batch),
        "Queue up to 500 messages, all or nothing.",
        BatchAnswer,
        body=BatchBody,
        problems=("request-id-conflict",),
        large=True,
    ),
    Operation(
        *("POST", "/v1/preview", _SEND | _CAMPAIGN, batch.preview_message),
        "Say what a text would become and cost. Nothing is queued.",
        PreviewAnswer,
        body=PreviewBody,
        large=True,
    ),
    Operation(
        *("GET", "/v1/messages/{id}", _READ, messages.get_message),
        "Say what is known of a message, now or when it has ended.",
        StatusAnswer,
        query=(WAIT,),
        problems=("unknown-message",),
    ),
    Operation(
        *("DELETE", "/v1/messages/{id}", _SEND, messages.cancel_message),
        "Cancel a message that has not left. Safe to repeat.",
        CancelAnswer,
        problems=("unknown-message", "too-late"),
    ),
    Operation(
        *("GET", "/v1/messages/{id}/explain", _READ, messages.explain_message),
        "Say why a message has not left yet, or what became of it.",
        ExplainAnswer,
        problems=("unknown-message",),
    ),
    Operation(
        *("PUT", "/v1/campaigns/{id}", _CAMPAIGN, campaigns.put_campaign),
        "Begin a campaign that is uploaded in parts. Safe to repeat.",
        CampaignAnswer,
        (200, 201),
        CampaignBody,
        problems=("campaign-conflict", "campaign-cancelled"),
    ),
    Operation(
        *("PUT", "/v1/campaigns/{id}/parts/{n}", _CAMPAIGN, parts.put_part),
        "Queue the next part of a campaign. Safe to repeat.",
        PartAnswer,
        (200, 201),
        PartBody,
        problems=(
            *(
                "unknown-campaign",
                "campaign-conflict",
                "campaign-cancelled",
                "campaign-complete",
                "part-out-of-order",
            ),
            *("part-after-last", "part-conflict", "over-budget"),
        ),
        large=True,
    ),
    Operation(
        *("POST", "/v1/campaigns/{id}/complete", _CAMPAIGN, campaigns.complete_campaign),
        "Say how many parts there are; a campaign that waits for that may leave. Safe to repeat.",
        CampaignAnswer,
        body=CompleteBody,
        problems=("unknown-campaign", "campaign-cancelled", "parts-missing"),
    ),
    *(
        Operation(
            *("POST", f"/v1/campaigns/{{id}}/{verb}", _CAMPAIGN, handler),
            about,
            CampaignAnswer,
            problems=("unknown-campaign", "campaign-cancelled", "campaign-complete"),
        )
        for verb, handler, about in (
            (
                "pause",
                campaigns.pause_campaign,
                "Let no further attempt begin. Safe to repeat.",
            ),
            ("resume", campaigns.resume_campaign, "Let a paused campaign go on. Safe to repeat."),
        )
    ),
    Operation(
        *("POST", "/v1/campaigns/{id}/cancel", _CAMPAIGN, campaigns.cancel_campaign),
        "Cancel all of a campaign that has not left. Safe to repeat.",
        CampaignCancelAnswer,
        problems=("unknown-campaign", "campaign-complete"),
    ),
    Operation(
        *("GET", "/v1/campaigns/{id}", _CAMPAIGN | _READ, campaigns.get_campaign),
        "Say where a campaign stands, and which part is to come.",
        CampaignAnswer,
        problems=("unknown-campaign",),
    ),
    Operation(
        *("GET", "/v1/events", _READ, groups.get_events),
        "Hand out entries to one consumer of a group, each until it is acknowledged.",
        EventsAnswer,
        query=(
            _STREAM,
            *(
                Parameter(name, about, pattern=NAME, takes=NAME_IN_WORDS, required=True)
                for name, about in (
                    ("group", "Who shares the work."),
                    ("consumer", "Who asks: each process by its own name."),
                )
            ),
            _MAX,
            _EVENT_WAIT,
            Parameter("start", "Where a new group begins: 0 or $.", "0", pattern=r"0|\$", takes="0 or $"),
            Parameter("held", "1 hands out first what this consumer holds.", 0, 0, 1),
        ),
        problems=("too-many-groups",),
    ),
    Operation(
        *("GET", "/v1/events/log", _READ, log_reader.get_log),
        "Hand out the entries behind a cursor, to one reader.",
        LogAnswer,
        query=(
            _STREAM,
            Parameter(
                "after",
                "0 for all that is there, $ for what comes, or the next_after of an answer.",
                pattern=log_reader.CURSOR,
                takes="0, $ or the next_after of an answer",
                required=True,
            ),
            _MAX,
            _EVENT_WAIT,
            Parameter("request_id", "Only entries of this message.", pattern=_ID, takes=_ID_IN_WORDS),
            Parameter(
                "campaign_id",
                "Only entries of this campaign.",
                pattern="[A-Za-z0-9_.-]{1,24}",
                takes="1 to 24 letters, digits or -_.",
            ),
        ),
        problems=("cursor-trimmed",),
    ),
    Operation(
        *("POST", "/v1/events/ack", _READ, groups.acknowledge),
        "Say which entries were handled. Safe to repeat.",
        AckAnswer,
        body=AckBody,
        problems=("unknown-group",),
    ),
    Operation(
        *("DELETE", "/v1/events/groups/{stream}/{group}", _READ, groups.delete_group),
        "Forget a group. Safe to repeat.",
        None,
        (204,),
    ),
    Operation(
        *("GET", "/v1/conversations", _READ, conversations.get_conversations),
        "List who wrote lately.",
        ConversationsAnswer,
        query=(
            Parameter(
                "before",
                "The before of the last page.",
                pattern=ENTRY_ID,
                takes="the before of an answer",
            ),
            Parameter("max", "People at most.", 50, 1, 50),
        ),
    ),
    Operation(
        *("GET", "/v1/conversations/{id}", _READ, conversations.get_conversation),
        "Show the newest turns of a conversation.",
        ConversationAnswer,
        problems=("unknown-conversation",),
    ),
    Operation(
        *("POST", "/v1/conversation-lookup", _READ, conversations.look_up_conversation),
        "Show the newest turns with a number, which stands in no address.",
        ConversationAnswer,
        body=LookupBody,
        problems=("unknown-conversation",),
    ),
    Operation(
        *("GET", "/v1/status", _ANY, sending.get_sending),
        "Say whether messages leave now.",
        SendingAnswer,
    ),
    Operation(
        *("GET", "/healthz", frozenset(), sending.healthz),
        "Answer as long as the process runs.",
        HealthAnswer,
    ),
    Operation(
        *("GET", "/readyz", frozenset(), sending.readyz),
        "Say whether Redis answers.",
        HealthAnswer,
        problems=("queue-unavailable",),
    ),
)
