"""A trial is set up: files, journal, gateway, who may be texted."""

import asyncio
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.phone import mask
from producers.contract.prices import read_price, tariff_name
from producers.contract.steps import drive
from producers.errors import ConfigError
from producers.rules.money import MICRO
from producers.rules.zones import zone_of
from worker.gateway.client import Gateway, Tried
from worker.gateway.profile import account_of, is_account, read_profile, written
from worker.pilot.arrivals import Arrivals, newest
from worker.pilot.experiment import Lab
from worker.pilot.journal import Begin, Journal, JournalError
from worker.pilot.purse import Purse
from worker.pilot.questions import QUESTIONS
from worker.pilot.report import report
from worker.pilot.trial import profile_of
from worker.presentation.output import Failed, Forbidden, NotFound, Output
from worker.settings import WorkerSettings

#: Euros of a segment where the price is not known and `PRICE_UNKNOWN` names none.
_DEAR: Final = Decimal("0.25")


@dataclass(frozen=True, slots=True)
class Files:
    """Where a trial writes.

    Attributes:
        report: for people.
        profile: for workers.
    """

    report: Path
    profile: Path

    @property
    def journal(self) -> Path:
        """Beside the report."""
        return self.report.with_name(self.report.name + ".journal")

    def check(self, login: str, *, resume: bool) -> None:
        """See that nothing is written over, or that there is something to go on with.

        Args:
            login: of the account.
            resume: whether a trial goes on.

        Raises:
            NotFound: nothing was begun here.
            Forbidden: something was, or what stands where the profile shall is not of this account.
        """
        if resume and not self.journal.exists():
            raise NotFound(f"there is no {self.journal}: nothing was begun there; leave --resume out")
        there = next((each for each in (self.journal, self.report) if each.exists()), None)
        if there is not None and not resume:
            raise Forbidden(f"{there} is there: --resume goes on with it, another --report begins anew")
        if self.profile.exists():
            if not resume:
                raise Forbidden(f"{self.profile} is there, from another trial: name another --profile")
            try:
                read_profile(str(self.profile), login)
            except ConfigError as error:
                raise Forbidden(f"{self.profile} {error.problems['GATEWAY_PROFILE']}") from None

    def write(self, journal: Journal, purse: Purse, now: float) -> bool:
        """Write what is known so far. Safe to repeat.

        Returns:
            Whether there is a profile.
        """
        if journal.begin is None:
            return False
        profile = profile_of(journal, QUESTIONS)
        _replace(self.report, report(journal, journal.begin, purse.spent, profile, now).encode())
        feeds = any(name in journal.verdicts for name in ("duplicate", "refused-id"))
        # What this trial wrote before, and does not believe any more, must go.
        if feeds and (not profile.is_empty or self.profile.exists()):
            _replace(self.profile, written(profile))
        return feeds and not profile.is_empty


def check_numbers(settings: WorkerSettings, numbers: Sequence[str], client: redis.Redis, keys: Keys) -> None:
    """See that each number may be texted, and that no callback of the trial may be taken for another's.

    Raises:
        Failed: the settings allow no SMS to one of them, or it is of no country.
        Forbidden: a message to one of them is in doubt: it would take a ticket of the trial for its own.
    """
    pseudonyms = drive(KnownPseudonyms(settings).read(), client)
    for number in numbers:
        try:
            zone_of(number)
        except ValueError as error:
            raise Failed(f"{mask(number)} {error}") from None
        if problem := settings.reach_problem(number):
            raise Failed(f"{mask(number)} {problem}")
        if any(client.exists(keys.unticketed(each)) for each in pseudonyms.all_of(number)):
            raise Forbidden(
                f"a message to {mask(number)} is in doubt, and would take receipts of the trial for its own: "
                "settle it first, or name another number; nothing was sent"
            )


@contextmanager
def opened(
    settings: WorkerSettings, files: Files, numbers: Sequence[str], client: redis.Redis, keys: Keys
) -> Iterator[Journal]:
    """Open the journal of a trial, and begin it unless it was begun.

    Raises:
        Forbidden: it was begun with other numbers, on another gateway or account, or somebody works with it.
        Failed: it cannot be read or written.
    """
    gateway, login = urlsplit(settings.base_url).hostname or "", settings.api_login.reveal()
    try:
        journal = Journal(files.journal)
    except JournalError as error:
        raise Forbidden(f"{files.journal}: {error}") from None
    except OSError as error:
        raise Failed(f"{files.journal} cannot be written ({type(error).__name__})") from None
    with journal:
        begun = journal.begin
        masked = tuple(map(mask, numbers))
        if begun is not None and (begun.numbers, begun.gateway) != (masked, gateway):
            raise Forbidden(f"{files.journal} was begun with other numbers, or on another gateway")
        if begun is not None and not is_account(begun.account, login):
            raise Forbidden(f"{files.journal} was begun with another account than that of OCTOPUSH_API_LOGIN")
        try:
            if begun is None:
                at = int(client.time()[0])
                whose = account_of(login)
                mine = version("octopush-worker")
                journal.write(Begin(mine, gateway, masked, whose, at, newest(client, keys)))
            yield journal
        except JournalError as error:
            raise Failed(f"{files.journal}: {error}") from None


@contextmanager
def lab_of(
    settings: WorkerSettings,
    journal: Journal,
    purse: Purse,
    client: redis.Redis,
    keys: Keys,
    numbers: Sequence[str],
    sender: str,
    wait_s: float,
    output: Output,
) -> Iterator[Lab]:
    """Put together what questions work with. Calls have a connection each: between them nobody watches it."""
    assert journal.begin is not None  # noqa: S101 - `opened` has begun it
    gateway = Gateway(dataclasses.replace(settings, fresh_connections=True))
    with asyncio.Runner() as runner:

        def post(body: bytes, simulated: bool) -> Tried:  # noqa: FBT001 - as `Lab.post` is called
            return runner.run(gateway.try_out(body, simulated=simulated))

        arrivals = Arrivals(client, keys, journal.begin.after)
        try:
            yield Lab(post, journal, purse, arrivals, numbers, sender, wait_s, output.say)
        finally:
            runner.run(gateway.close())


def price_of(settings: WorkerSettings, numbers: Sequence[str], client: redis.Redis, keys: Keys) -> Decimal:
    """Say what a segment to the dearest of these numbers costs: as was learnt, else as is assumed."""
    unknown = settings.unknown_micros
    assumed = _DEAR if unknown is None else Decimal(unknown) / MICRO
    tariffs = {tariff_name("sms_premium", number[1:]) for number in numbers}
    learnt: Any = client.hmget(keys.prices, list(tariffs))
    return max(read_price(each) or assumed for each in learnt)


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failed(f"{path} cannot be written ({type(error).__name__})") from None
