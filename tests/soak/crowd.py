"""What the application of a soak sends: alerts, marketing to three zones, campaigns; and who refuses when."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple

from producers import Message, Recipient

MENTION: Final = "STOP au 30101"
SENDER: Final = "Soak"
#: Alerts to one number in a second, and how many of them it may get in an hour.
CAPPED, CAP = 15, 10
#: Messages in one `send_many` call, without campaigns.
BATCH: Final = 500
#: Recipients of a campaign, one for every so many batches.
CAMPAIGN, CAMPAIGN_EVERY = 700, 4
#: Recipients of a slice, and how one is named whose recipients are not on the mainland.
SLICE: Final = 500
_BEHIND: Final = {"+33": "", "+262": ".RE", "+590": ".GP_"}
#: Every so many campaigns one may cost next to nothing, and is refused.
REFUSED_EVERY: Final = 3
#: Of marketing, the share whose time to live is over before long, and of its recipients, who write STOP.
HURRIED, REFUSING = 0.02, 0.06
HURRY: Final = timedelta(minutes=40)

#: `alert`: leaves at any hour, whoever refuses. `capped`: one of too many. `once`: marketing. `hurried`:
#: marketing that may expire. `campaign`, and `refused` by its budget.
Kind = Literal["alert", "capped", "once", "hurried", "campaign", "refused"]
#: When somebody writes STOP: before he is texted, soon after that was queued, or late.
When = Literal["before", "soon", "late"]


class Text(NamedTuple):
    """What one handset should show once, or has a reason not to.

    Attributes:
        number: whose.
        text: as it shows it.
        request_id: the message that it is part of; of a campaign its slice.
        kind: what becomes of it.
    """

    number: str
    text: str
    request_id: str
    kind: Kind

    @property
    def is_marketing(self) -> bool:
        """Whether hours and opt-outs count for it."""
        return self.kind not in ("alert", "capped")


class Batch(NamedTuple):
    """What is sent in one go.

    Attributes:
        messages, hurried: of which the latter have a time to live.
        campaign: recipients and id of a campaign, or None.
        budget: of the campaign, in euros.
        texts: what all of it should show.
        refusing: who writes STOP, and when.
    """

    messages: list[Message]
    hurried: list[Message]
    campaign: tuple[str, list[str]] | None
    budget: str
    texts: list[Text]
    refusing: list[tuple[str, When]]


class Crowd:
    """Makes batches until so many texts were made.

    Args:
        total: texts, about.
        rng: decides.
    """

    def __init__(self, total: int, rng: random.Random) -> None:
        self._total, self._rng = total, rng
        self._people = 0

    def batches(self) -> Iterator[Batch]:
        """Make all of them."""
        made = turn = 0
        while made < self._total:
            batch = self._batch(turn)
            made, turn = made + len(batch.texts), turn + 1
            yield batch

    def _batch(self, turn: int) -> Batch:
        batch = Batch([], [], None, "100000", [], [])
        capped = self._person("alert")
        for _ in range(CAPPED):
            self._add(batch, capped, "capped")
        for _ in range(BATCH // 5 - CAPPED):
            self._add(batch, self._person("alert"), "alert")
        for _ in range(BATCH - BATCH // 5):
            kind: Kind = "hurried" if self._rng.random() < HURRIED else "once"
            self._add(batch, self._person("marketing"), kind)
        for number, _ in batch.refusing[:5]:
            # He wants no more marketing, and gets his alerts all the same.
            self._add(batch, number, "alert", shared=False)
        return batch if turn % CAMPAIGN_EVERY else self._with_campaign(batch, turn // CAMPAIGN_EVERY)

    def _with_campaign(self, batch: Batch, which: int) -> Batch:
        refused = which % REFUSED_EVERY == REFUSED_EVERY - 1
        name, people = f"soakc{which}", [self._person("marketing") for _ in range(CAMPAIGN)]
        text = f"Soak campaign {which} {MENTION}"
        for place, number in enumerate(people):
            kind: Kind = "refused" if refused else "campaign"
            behind = next(each for prefix, each in _BEHIND.items() if number.startswith(prefix))
            batch.texts.append(Text(number, text, f"{name}.{place // SLICE}{behind}", kind))
            self._may_refuse(batch, number)
        return batch._replace(campaign=(name, people), budget="0.01" if refused else batch.budget)

    def _person(self, kind: str) -> str:
        """Give a number that nobody has yet: of marketing three in five of the mainland."""
        self._people += 1
        which = self._people
        if kind == "alert":
            return f"+3368{which:07}"
        return (*(f"+3361{which:07}",) * 3, f"+262692{which:06}", f"+590690{which:06}")[which % 5]

    def _add(self, batch: Batch, number: str, kind: Kind, *, shared: bool | None = None) -> None:
        shared = self._rng.random() < 0.5 if shared is None else shared
        which, alert = len(batch.texts) + self._people, kind in ("alert", "capped")
        # An alert to somebody who gets marketing, too, leaves under its own id: the judge goes by that.
        name = f"{'alert' if alert else 'soak'}-{self._people}-{len(batch.texts)}"
        template = "Soak {param1}" if shared else f"Soak {which}"
        template = template if alert else f"{template} {MENTION}"
        options: dict[str, Any] = {"ttl": HURRY} if kind == "hurried" else {}
        to = Recipient(number, param1=f"{which}") if shared else number
        purpose: Any = "alert" if alert else "wholesale"
        message = Message(to, template, sender=SENDER, purpose=purpose, request_id=name, **options)
        (batch.hurried if kind == "hurried" else batch.messages).append(message)
        batch.texts.append(Text(number, template.replace("{param1}", f"{which}"), name, kind))
        if not alert:
            self._may_refuse(batch, number)

    def _may_refuse(self, batch: Batch, number: str) -> None:
        if self._rng.random() < REFUSING:
            batch.refusing.append((number, self._rng.choice(("before", "soon", "late"))))
