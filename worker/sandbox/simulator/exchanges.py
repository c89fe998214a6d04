"""One request to the gateway port: it is counted, read, given a fault, processed and answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from worker.sandbox.simulator.casting import as_text
from worker.sandbox.simulator.faults import NO_FAULT, Fault
from worker.sandbox.simulator.journal import RequestRecord
from worker.sandbox.simulator.matching import Subject
from worker.sandbox.simulator.playback import HttpReply, cut, play, reshape
from worker.sandbox.simulator.reading import read_call, read_object
from worker.sandbox.simulator.refusals import DUPLICATE_CODES, Refusal, refusal_body
from worker.sandbox.simulator.simulator import Simulator
from worker.sandbox.simulator.transport import SCOPE_KEY

#: The lowest HTTP status that tells of the gateway's own trouble; such a status refuses nothing.
SERVER_ERROR = 500


class Arrived(NamedTuple):
    """A request that was read.

    Attributes:
        record: Record of the request, to be completed with the outcome.
        request: Head of the request.
        fields: The body's JSON object, or why the body is refused.
        fault: The fault that the request meets; usually `NO_FAULT`.
    """

    record: RequestRecord
    request: Request
    fields: dict[str, Any] | Refusal
    fault: Fault


_Process = Callable[[Simulator, Arrived], Awaitable[HttpReply]]


class Exchange:
    """ASGI endpoint that does what all gateway calls have in common; `process` does the rest."""

    def __init__(self, simulator: Simulator, endpoint: str, process: _Process) -> None:
        self._simulator = simulator
        self._endpoint = endpoint
        self._process = process

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        connection = scope.get(SCOPE_KEY)
        if connection is not None:
            connection.cut_on_reuse(self._simulator.settings.on_reuse)
        is_send = self._endpoint == "send"
        if is_send:
            self._simulator.limits.enter()
        try:
            await self._serve(scope, receive, send)
        finally:
            if is_send:
                self._simulator.limits.leave()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if self._simulator.faults.for_head(self._endpoint):
            self._record("unread", request, b"").outcome = "dropped"
            await cut(scope, receive, how="reset")
            return
        body = await request.body()
        fields = read_object(body)
        record = self._record(self._endpoint, request, body)
        request_id = as_text(fields.get("request_id")) or None if isinstance(fields, dict) else None
        post = self._simulator.gateway.journal.identified(record, request_id)
        subject = self._subject(fields, post)
        record.numbers = subject.numbers
        shown = self._simulator.threads.posted(record, subject.text) if self._endpoint == "send" else ()
        fault = self._simulator.faults.for_call(subject)
        if fault is not NO_FAULT:
            record.fault = fault.label or fault.answer
        generation = self._simulator.generation
        await _pause(fault.before_ms)
        if generation != self._simulator.generation:
            record.outcome = "dropped"
            await cut(scope, receive, how="reset")
            return
        reply = await self._answer(Arrived(record, request, fields, fault))
        self._simulator.threads.touch(shown)
        latency_ms = self._simulator.settings.latency_ms if self._endpoint == "send" else 0
        await _pause(fault.after_ms + latency_ms)
        await play(reply, fault, scope, receive, send)

    async def _answer(self, arrived: Arrived) -> HttpReply:
        fault = arrived.fault
        if fault.processing == "full":
            normal = await self._process(self._simulator, arrived)
        else:
            self._skip(arrived)
            normal = HttpReply(200, b"{}")
        own = Refusal(fault.status or 400, fault.code, fault.message or "Injected refusal")
        return reshape(
            normal,
            fault,
            refusal_body=encode_refusal(own, self._simulator),
            now=self._simulator.clock.now(),
        )

    def _skip(self, arrived: Arrived) -> None:
        """Leave a call unprocessed; its request_id is used up if the fault or the settings say so."""
        fault, record = arrived.fault, arrived.record
        record.outcome = "dropped" if fault.processing == "none" else "claimed"
        if fault.answer == "refusal":
            record.code = fault.code
        # An answer with a status below 500 is a refusal by the gateway, whatever the body says.
        refuses = fault.answered_status is not None and fault.answered_status < SERVER_ERROR
        burns = refuses and self._simulator.settings.refusals_burn_request_id
        is_claimed = fault.processing == "claim_only" or burns
        if is_claimed and isinstance(arrived.fields, dict):
            login = arrived.request.headers.get("api-login", "")
            self._simulator.gateway.claim(read_call(arrived.fields, login))

    def _record(self, endpoint: str, request: Request, body: bytes) -> RequestRecord:
        connection = request.scope.get(SCOPE_KEY)
        serial = connection.serial if connection is not None else 0
        return self._simulator.gateway.journal.arrived(endpoint, self._simulator.clock.now(), serial, body)

    def _subject(self, fields: dict[str, Any] | Refusal, post: int) -> Subject:
        if isinstance(fields, Refusal):
            return Subject(endpoint=self._endpoint)
        call = read_call(fields, login="")
        return Subject(
            numbers=call.numbers,
            text=call.text,
            request_id=call.request_id,
            endpoint=self._endpoint,
            post=post,
        )


def encode_refusal(refusal: Refusal, simulator: Simulator) -> bytes:
    """Encode the JSON body of a refusal."""
    return msgspec.json.encode(refusal_body(refusal, code_as_string=simulator.settings.codes_as_strings))


def refused(
    simulator: Simulator, arrived: Arrived, refusal: Refusal, headers: tuple[tuple[str, str], ...] = ()
) -> HttpReply:
    """Note a refusal in the record and build its answer."""
    is_duplicate = refusal.code in {*DUPLICATE_CODES, simulator.settings.duplicate_code}
    arrived.record.outcome = "duplicate" if is_duplicate else "refused"
    arrived.record.code = refusal.code
    return HttpReply(refusal.status, encode_refusal(refusal, simulator), headers=headers)


async def _pause(milliseconds: float) -> None:
    if milliseconds > 0:
        await asyncio.sleep(milliseconds / 1000)


def json_reply(status: int, content: Any) -> HttpReply:
    """Build a JSON answer."""
    return HttpReply(status, msgspec.json.encode(content))
