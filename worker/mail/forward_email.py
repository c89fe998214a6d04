"""``forward-email``: each reply as one mail, out of the store that it shares with other forwarders."""

from datetime import UTC, datetime
from typing import Final

import redis

from producers.contract.events import Reply
from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, Steps, drive
from producers.queueing.conversations import Conversations, name_talks
from worker.forwarding.outcomes import TEST, Delivered, Outcome, OutgoingEvent, Refused
from worker.forwarding.schedule import Schedule
from worker.forwarding.store import Store
from worker.inquiry import forwarders
from worker.mail.composing import Composer
from worker.mail.letter import AnsweredSms, Letter
from worker.mail.postbox import Postbox
from worker.mail.settings import MailSettings
from worker.operator.forwarder_decisions import ForwarderDecisions

#: The name of the forwarder: there is one for mails.
NAME: Final = "email"
STREAMS: Final = ("replies",)
#: At once, then after 5 s and longer each time, every 10 minutes in the end, for about a day.
SCHEDULE: Final = Schedule((0, *(5 * 2.0**n for n in range(7)), *([600.0] * 140)))
#: Longer than a mail takes, log-in included: another process must not take it up meanwhile.
LEASE_MS: Final = 240_000
#: Turns of the conversation among which the SMS that was answered is looked for.
_TURNS: Final = 50


class ForwardEmail:
    """Delivers events of the stream ``replies`` as mails.

    Args:
        client: Redis client.
        keys: key names.
        settings: whose mails, to whom, how.
        postbox: where they are handed in.
    """

    def __init__(self, client: redis.Redis, keys: Keys, settings: MailSettings, postbox: Postbox) -> None:
        self._redis, self._keys, self._postbox = client, keys, postbox
        self._composer = Composer(settings)
        self._pseudonyms = KnownPseudonyms(settings)
        self._conversations = Conversations(keys, self._pseudonyms)

    def deliver(self, event: OutgoingEvent) -> Outcome:
        """Send one mail. At least once, always under the same Message-ID."""
        now = datetime.now(UTC)
        if event.stream == TEST:
            return self._postbox.hand_in(self._composer.test(event.event_id, now))
        try:
            reply = event.decoded()
        except ValueError:
            return Refused("unreadable entry")
        assert isinstance(reply, Reply), "there is no other kind in this stream"  # noqa: S101
        mail = self._composer.mail(drive(self._letter(reply, event.entry_id), self._redis), now)
        return Delivered() if mail is None else self._postbox.hand_in(mail)

    def _letter(self, reply: Reply, entry_id: str) -> Steps[Letter]:
        """Look up what a reply answers: five round trips or six."""
        record = self._keys.record(reply.request_id or "")
        [campaign] = yield Commands([("HGET", record, "campaign")])
        pseudonyms = yield from self._pseudonyms.read()
        [key] = yield from name_talks(self._keys, pseudonyms, [reply.number])
        turns = (yield from self._conversations.by_key(key, _TURNS)).turns
        answered = next(
            (
                AnsweredSms(turn.text, turn.at)
                for turn in turns
                if turn.direction == "out" and turn.request_id == reply.request_id
            ),
            None,
        )
        return Letter(reply, entry_id, key, campaign.decode() if campaign else None, answered)


def store(settings: RedisSettings) -> Store:
    """Make the store of what is still to be mailed."""
    return Store(Keys(settings.namespace), NAME, STREAMS, SCHEDULE, LEASE_MS)


def try_at_once(client: redis.Redis, keys: Keys) -> None:
    """End a hold that is left from before: whoever starts the process has perhaps mended what was wrong.

    Safe to repeat. A pause, which a person decided, stays.
    """
    (found,) = drive(forwarders.states(keys, [NAME]), client)
    if found.held and not found.paused:
        ForwarderDecisions(client, keys, NAME, by="forward-email").resume()
