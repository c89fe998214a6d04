"""Every name of a span and of an attribute. No other module has such names; docs/tracing.md lists them.

The conventions for messaging are still in development: whoever follows them changes this module.
"""

from typing import Final, Literal

#: Who makes the spans, as OpenTelemetry's scope of instrumentation.
SCOPE: Final = "octopush-worker"

#: What a span of messaging does; with a queue or a stream behind it, its name.
Operation = Literal["send", "process"]

SYSTEM: Final = "messaging.system"
OPERATION: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
DESTINATION: Final = "messaging.destination.name"
COUNT: Final = "messaging.batch.message_count"

METHOD: Final = "http.request.method"
RESENT: Final = "http.request.resend_count"
STATUS_CODE: Final = "http.response.status_code"
TEMPLATE: Final = "url.template"
ADDRESS: Final = "server.address"
PORT: Final = "server.port"

ERROR: Final = "error.type"

ATTEMPT: Final = "octopush.attempt"
POSTS: Final = "octopush.posts"
STATE: Final = "octopush.state"
OUTCOME: Final = "octopush.outcome"
CODE: Final = "octopush.code"
MATCH: Final = "octopush.match"

#: Value of `SYSTEM`.
OCTOPUSH: Final = "octopush"
#: Name of the span of a POST to the gateway, and values of `METHOD` and `TEMPLATE`.
POST: Final = "POST"
SEND_PATH: Final = "/sms-campaign/send"

#: All attributes, and what each says.
ATTRIBUTES: Final = {
    SYSTEM: "always `octopush`",
    OPERATION: "`send` or `process`",
    OPERATION_TYPE: "the same word",
    DESTINATION: "the queue: `alert` or `marketing`; or the stream: `replies`, `receipts` or `optouts`",
    COUNT: "messages of one call of `send_many`; recipients of one call to the gateway",
    METHOD: "always `POST`",
    RESENT: "which repeat within the attempt, from 1; absent for the first POST",
    STATUS_CODE: "of the gateway's answer; absent without one",
    TEMPLATE: "the path at the gateway, without host and query",
    ADDRESS: "host of `OCTOPUSH_BASE_URL`",
    PORT: "its port",
    ERROR: "what went wrong: the name of an exception, the HTTP status, or our word if no answer came",
    ATTEMPT: "which attempt of the message, from 1",
    POSTS: "POSTs of the attempt",
    STATE: "what the ledger recorded, or `fenced`",
    OUTCOME: "what a POST came to: `accepted`, `duplicate`, `refused`, `unexplained`, `deferred`, `unknown`",
    CODE: "the gateway's code, or our word, of what was not accepted",
    MATCH: "what bound an event to its message: `ticket` or `number`",
}


def of_messaging(operation: Operation, destination: str) -> dict[str, str]:
    """Return the attributes that every span of messaging has.

    Args:
        operation: what it does.
        destination: queue or stream, ``""`` for several.
    """
    found = {SYSTEM: OCTOPUSH, OPERATION: operation, OPERATION_TYPE: operation}
    return {**found, DESTINATION: destination} if destination else found


def name_of(operation: Operation, destination: str) -> str:
    """Name a span of messaging."""
    return f"{operation} {destination}".rstrip()
