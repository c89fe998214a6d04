"""``mail-in``: one mail from a mail server becomes one SMS, or a reason why it does not."""

import hashlib
from datetime import UTC, datetime
from typing import Final, cast

import redis

from producers import Producer
from producers.contract.clients import connect
from producers.contract.events import Reply, from_fields
from producers.contract.keys import Keys
from producers.errors import InvalidMessage, RequestIdConflict
from producers.queueing.answers import Sent
from worker.inquiry.dates import day_in_paris
from worker.mail.incoming import Answer, Refusal, not_allowed
from worker.mail.settings import MailInSettings

#: Begins the request_id of such an SMS.
_BY_MAIL: Final = "mail-"
#: Characters of a request_id.
_ID_MAX: Final = 36


def send(answer: Answer, settings: MailInSettings) -> Sent:
    """Send the SMS that a mail wants. Safe to repeat: a mail that comes again sends nothing more.

    Args:
        answer: what was read of the mail.
        settings: sender and purpose of the SMS, and where Redis is.

    Raises:
        Refusal: the address is none of ours, or its time is over; or the SMS cannot be.
        QueueUnavailable: Redis did not answer; repeat.
        redis.RedisError: the same.
    """
    with connect(settings.redis_url) as client:
        reply = _proven(answer, settings, client)
        producer = Producer(settings=settings, client=client)
        try:
            return producer.send(
                reply.number,
                answer.text,
                sender=settings.sms_sender,
                purpose=settings.purpose,
                # Who wrote can write again: it was a two-way SMS that was answered.
                with_replies=True,
                request_id=_request_id(answer, reply),
                reply_to=reply.event_id,
            )
        except InvalidMessage as error:
            raise Refusal("invalid", f"This cannot be sent as an SMS: {error}") from None
        except RequestIdConflict:
            raise Refusal("repeated", "A mail with this Message-ID has become an SMS already") from None


def _proven(answer: Answer, settings: MailInSettings, client: redis.Redis) -> Reply:
    """Return the reply that a mail answers, if we made the address that it came to."""
    entry_id = answer.target.entry_id
    stream = Keys(settings.namespace).stream("replies")
    found = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(stream, entry_id, entry_id, count=1))
    if not found:
        raise not_allowed("reply_unknown_or_forgotten")
    try:
        reply = from_fields(Reply, found[0][1])
    except ValueError:
        raise not_allowed("reply_unreadable") from None
    if settings.answers is None or not settings.answers.proves(answer.target, reply.event_id):
        raise not_allowed("address_not_proven")
    until = answer.target.until
    if datetime.now(UTC) > until:
        words = f"This address took answers until {day_in_paris(until)}"
        raise Refusal("address_expired", words, code="5.7.1")
    return reply


def _request_id(answer: Answer, reply: Reply) -> str:
    """Name the SMS by the mail, which may come twice, and by what it answers, if the mail answers two."""
    named = f"{answer.mail_id}\n{reply.event_id}".encode("utf-8", "surrogatepass")
    return (_BY_MAIL + hashlib.sha256(named).hexdigest())[:_ID_MAX]
