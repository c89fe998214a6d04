"""What a soak by time is judged by in the end, and what is written down of it."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.soak.crowd import Text
from tests.soak.days import DAY, FIRST_OF_MANY, Leaps, begins
from tests.soak.endurance import chart, samples
from tests.soak.endurance.estate import Estate
from tests.soak.endurance.harvest import Harvest
from tests.soak.endurance.readers import Readers
from tests.soak.endurance.samples import Samples
from tests.soak.endurance.visitors import Visitors
from tests.soak.ledger import Ledger
from tests.soak.run import STATES
from tests.soak.stops import Stops
from tests.soak.verdict import Seen, reasons, verdict

#: What may be spent beyond the budget where a primary that was replaced forgot what was reserved.
_FORGOTTEN: Final = 1.03


@dataclass(frozen=True)
class Judge:
    """Holds all that a run has seen against all that it must be.

    Attributes:
        estate: everything that ran.
        leaps: of the clock.
        ledger: counts and records in Redis.
        harvest: records that were read while they were there.
        stops: who wrote STOP, and when.
        samples: what all processes took.
        readers: groups that read the streams.
        visitors: who used the API, the console and the metrics.
        texts: all that were to be sent.
        budget: euros that marketing might cost in a day.
        wrong_on_the_way: what went wrong while it ran.
        into: receives ``endurance.csv``, ``endurance.svg`` and ``endurance.txt``.
    """

    estate: Estate
    leaps: Leaps
    ledger: Ledger
    harvest: Harvest
    stops: Stops
    samples: Samples
    readers: Readers
    visitors: Visitors
    texts: list[Text]
    budget: float
    wrong_on_the_way: list[str]
    into: Path

    def judge(self, seconds: float) -> bool:
        """Say whether all is well; print and write what was found.

        Args:
            seconds: that the run took.
        """
        counts, spans = self.ledger.counts(), self.estate.forgetting
        seen = self._seen()
        states = Counter(each.state for each in seen.records.values())
        wrong: dict[str, list[str]] = {
            **verdict(seen, self.budget * (_FORGOTTEN if spans else 1)),
            "counters against records": [
                f"{s} {counts[s]} against {states[s]}" for s in STATES if counts[s] != states[s]
            ],
            "not over": sorted(self.harvest.unfinished),
            "processes that did not do as told": self.wrong_on_the_way,
            "groups that saw different entries": self.readers.differing((b, e + 5) for b, e in spans),
            "strange answers": self.visitors.strange + self.readers.strange,
            "given up by a forwarder or a group": self.estate.given_up(),
            "webhooks that lack": self._not_forwarded(spans),
            "not flat": samples.growing(self.samples.judged),
        }
        self._write(wrong, self._facts(seen, seconds, wrong))
        return not any(wrong.values())

    def _seen(self) -> Seen:
        spans = self.estate.forgetting
        whole = self.ledger.seen(self.texts, self.estate.simulator.admin, self.stops.answered, self.leaps)
        whole.records, whole.stopped = self.harvest.records, self.harvest.stopped
        whole.racing = {*whole.racing, *self.harvest.racing}
        whole.answered = {
            number
            for number, at in self.stops.answered.items()
            if not any(begins_at <= at <= ends_at for begins_at, ends_at in spans)
        }
        whole.forgotten = {
            post.request_id for post in whole.posts if any(b - 1 <= post.at <= e for b, e in spans)
        }
        return whole

    def _not_forwarded(self, spans: list[tuple[float, float]]) -> list[str]:
        """Name entries that a group saw and no webhook brought, but around moments that Redis may forget."""
        came = set(self.estate.webhooks.event_ids)
        return [
            f"{stream} {name}"
            for stream in ("replies", "optouts")
            for name, at in self.readers.seen[stream, "billing"].items()
            if name not in came and not any(b <= at <= e + 5 for b, e in spans)
        ]

    def _facts(self, seen: Seen, seconds: float, wrong: dict[str, list[str]]) -> dict[str, Any]:
        read = {
            f"read from {stream} by {group}": len(each) for (stream, group), each in self.readers.seen.items()
        }
        return {
            "seconds": round(seconds),
            "texts": len(seen.texts),
            "POSTs": len(seen.posts),
            "days that passed": round(
                (max(self.leaps.shown(time.time())) - begins(0, DAY[0], FIRST_OF_MANY)) / 86_400
            ),
            "leaps of the clock": len(self.leaps),
            **dict(sorted(self.estate.damage.items())),
            "STOPs answered 200": len(self.stops.answered),
            "STOPs nobody answered": self.stops.given_up,
            "webhooks": len(set(self.estate.webhooks.event_ids)),
            "mails": len({each.mail_id for each in self.estate.mails.taken}),
            **read,
            **dict(sorted(self.visitors.did.items())),
            **{f"not shown: {reason}": count for reason, count in sorted(reasons(seen).items())},
            **{name: len(each) for name, each in wrong.items()},
        }

    def _write(self, wrong: dict[str, list[str]], facts: dict[str, Any]) -> None:
        taken, began = self.samples.taken, self.leaps.began
        told = [f"{name:>45}  {value}" for name, value in facts.items()]
        told += [f"{'line':>45}  {line}" for line in samples.lines(self.samples.judged)]
        told += [f"{'primary':>45}  {how}, after {at - began:.0f} s" for at, how in self.estate.events]
        told += [f"WRONG, {name}: {line}" for name, each in wrong.items() for line in each[:5]]
        print("\n".join(told))  # noqa: T201 - a tool for the terminal
        self.into.mkdir(parents=True, exist_ok=True)
        samples.write(taken, self.into / "endurance.csv")
        events = [(at - began, how) for at, how in self.estate.events]
        (self.into / "endurance.svg").write_text(chart.draw(taken, events), "utf-8")
        (self.into / "endurance.txt").write_text("\n".join(told) + "\n", "utf-8")
