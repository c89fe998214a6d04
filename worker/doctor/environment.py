"""The settings: wrong, unknown, unused, at odds with each other, risky in production. Values stay hidden."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

from producers.contract.settings import FLAGS, Settings
from producers.errors import ConfigError
from producers.rules.hours import Hours
from producers.rules.settings import RulesSettings
from worker.doctor.findings import Finding, advice, error, ok, warning
from worker.doctor.variables import KNOWN, NEEDS, OURS, PROCESSES, SHARED
from worker.gateway.profile import read_profile
from worker.settings import WorkerSettings, is_this_machine

_PAGE: Final = "settings.md"
#: How alike a name must be to one of ours to be taken for a slip.
_ALIKE: Final = 0.87
#: Where the real gateway is.
_GATEWAY: Final = "api.octopush.com"


def look(environ: Mapping[str, str], *, gathered: bool = False) -> Iterator[Finding]:
    """Look at the variables of this process; `Finding` names them and never their values.

    Args:
        environ: the variables.
        gathered: whether they were gathered from several processes, each of which has its own alone.
    """
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    found = [
        *_wrong(given),
        *_unknown(given),
        *_unused(given),
        *_at_odds(given),
        *_risky(given, gathered=gathered),
    ]
    yield from found
    if not any(each.level == "error" for each in found):
        there = [name for name, (_, mark) in PROCESSES.items() if mark in given]
        yield ok(
            "settings.values", f"No value is wrong; set up here: {', '.join(there) or 'nothing but Redis'}."
        )


def _wrong(given: Mapping[str, str]) -> Iterator[Finding]:
    """Name each variable that a process which is set up here would not start with."""
    kinds: list[type[Settings]] = [*SHARED, *(kind for kind, mark in PROCESSES.values() if mark in given)]
    problems: dict[str, str] = {}
    for kind in kinds:
        try:
            settings = kind.from_env(given)
            if isinstance(settings, WorkerSettings):
                read_profile(settings.gateway_profile, settings.api_login.reveal())
        except ConfigError as failure:
            problems |= failure.problems
    for name, problem in problems.items():
        yield error(
            "settings.wrong", f"{name} {problem}.", f"Mend {name}: the process does not start.", _PAGE
        )


def _unknown(given: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(given.keys() - KNOWN):
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=_ALIKE)
        if near and near[0] not in given and "_" in name:
            said = f"Nothing reads {name}."
            yield warning("settings.unknown", said, f"Did you mean {near[0]}?", _PAGE)
        elif name.startswith(OURS):
            said = f"Nothing of octopush-worker reads {name}."
            yield advice("settings.unknown", said, f"Remove {name}, if nothing else reads it.", _PAGE)


def _unused(given: Mapping[str, str]) -> Iterator[Finding]:
    for name, needed in NEEDS.items():
        if name in given and not _is_on(given.get(needed, "")):
            said = f"{name} is set and has no effect: {needed} is not set."
            yield advice("settings.unused", said, f"Set {needed}, or remove {name}.", _PAGE)
    if given.get("MARKETING_HOURS_FR") == "off":
        for name in ("MARKETING_SUNDAYS_FR", "MARKETING_HOLIDAYS_FR"):
            if name in given:
                said = f"{name} is set and has no effect: MARKETING_HOURS_FR is off."
                yield advice("settings.unused", said, f"Remove {name}.", "rules.md#hours")


def _is_on(value: str) -> bool:
    return FLAGS.get(value.lower(), bool(value))


def _at_odds(given: Mapping[str, str]) -> Iterator[Finding]:
    """Name settings that contradict each other."""
    day, app_day, hard = (_euros(given, f"BUDGET_{name}") for name in ("DAY", "APP_DAY", "HARD_DAY"))
    if day and app_day > day:
        said = "BUDGET_APP_DAY is above BUDGET_DAY, which is used up before."
        yield warning(
            "settings.at_odds", said, "Lower BUDGET_APP_DAY, or raise BUDGET_DAY.", "rules.md#budgets"
        )
    if hard and day > hard:
        said = "BUDGET_HARD_DAY is below BUDGET_DAY, so it stops alerts while marketing may still leave."
        yield warning("settings.at_odds", said, "Raise BUDGET_HARD_DAY above BUDGET_DAY.", "rules.md#budgets")
    production = given.get("SMS_ENVIRONMENT", "production") == "production"
    if production and "ALLOWED_NUMBERS" in given:
        said = "SMS_ENVIRONMENT is production, and ALLOWED_NUMBERS lets nobody else be texted."
        yield warning(
            "settings.at_odds", said, "Remove ALLOWED_NUMBERS in production.", "rules.md#who-may-be-texted"
        )
    host = _host(given.get("OCTOPUSH_BASE_URL", ""))
    if production and host and host != _GATEWAY and not is_this_machine(host):
        said = f"OCTOPUSH_BASE_URL leads to another host than {_GATEWAY}, and the key goes there."
        yield warning("settings.at_odds", said, "Remove OCTOPUSH_BASE_URL, unless you know that host.", _PAGE)
    if production and is_this_machine(host):
        said = "OCTOPUSH_BASE_URL leads to this machine: no message reaches Octopush."
        yield warning("settings.at_odds", said, "Remove OCTOPUSH_BASE_URL in production.", _PAGE)
    if _is_on(given.get("CONFIRM_EVERY_CLAIM", "")) and _is_on(given.get("ALLOW_UNSAFE_REDIS", "")):
        said = "CONFIRM_EVERY_CLAIM asks for what ALLOW_UNSAFE_REDIS gives up."
        yield warning("settings.at_odds", said, "Remove ALLOW_UNSAFE_REDIS.", _PAGE)


def _euros(given: Mapping[str, str], name: str) -> Decimal:
    try:
        return Decimal(given.get(name, "0"))
    except ArithmeticError:  # `_wrong` has said so
        return Decimal(0)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class _Risk:
    """A value, set or by default, that is risky in production.

    Attributes:
        name: of the variable.
        process: whose it is; it counts where that is set up. Empty for everybody.
        holds: says of the value, empty for the default, whether it is risky.
        make: how bad that is.
        finding, remedy, page: as in `Finding`.
    """

    name: str
    process: str
    holds: Callable[[str], bool]
    make: Callable[[str, str, str, str], Finding]
    finding: str
    remedy: str
    page: str = _PAGE


_RISKS: Final = (
    _Risk(
        *("ALLOW_UNSAFE_REDIS", "worker", _is_on, error),
        "ALLOW_UNSAFE_REDIS lets a worker start on a Redis that loses messages or sends some twice.",
        "Remove ALLOW_UNSAFE_REDIS, and mend Redis.",
    ),
    _Risk(
        *("PSEUDONYM_KEYS", "", lambda value: not value, warning),
        "PSEUDONYM_KEYS is not set, so Redis keeps the key of its own pseudonyms.",
        "Set PSEUDONYM_KEYS in all processes before there is much to find again.",
        "privacy.md#pseudonyms",
    ),
    _Risk(
        *("LOG_LEVEL", "worker", lambda value: value.lower() == "debug", advice),
        "LOG_LEVEL is debug, which writes many lines for each message.",
        "Set LOG_LEVEL=info.",
        "operating.md#logs",
    ),
    _Risk(
        *("METRICS_ALLOWED_ADDRESSES", "web", lambda value: value == "any", warning),
        "METRICS_ALLOWED_ADDRESSES is any: everybody who reaches the web process reads its numbers.",
        "Set METRICS_ALLOWED_ADDRESSES to the addresses that scrape.",
        "callbacks.md#the-ready-made-server",
    ),
    _Risk(
        *("MAIL_NUMBERS", "forward-email", lambda value: value == "full", advice),
        "MAIL_NUMBERS is full: mails carry whole numbers.",
        "Set MAIL_NUMBERS=masked, unless their readers need them.",
        "forwarding.md",
    ),
    _Risk(
        *("ALLOWED_COUNTRIES", "worker", lambda value: value in {"", "*"}, advice),
        "ALLOWED_COUNTRIES lets messages go to every country, also to those where a fraud costs most.",
        "Set ALLOWED_COUNTRIES to the countries of your customers.",
        "rules.md#who-may-be-texted",
    ),
    _Risk(
        *("BUDGET_DAY", "worker", lambda value: value in {"", "0"}, advice),
        "BUDGET_DAY is not set: a mistake may spend all that is on the account.",
        "Set BUDGET_DAY to somewhat more than a usual day costs.",
        "rules.md#budgets",
    ),
)


def _risky(given: Mapping[str, str], *, gathered: bool) -> Iterator[Finding]:
    for risk in _RISKS:
        is_here = not risk.process or PROCESSES[risk.process][1] in given
        if is_here and risk.holds(given.get(risk.name, "")):
            yield risk.make("settings.risky", risk.finding, risk.remedy, risk.page)
    yield from _hours(given)
    if not gathered and {"OCTOPUSH_API_KEY", "CALLBACK_TOKENS"} <= given.keys():
        said = "The key of the account and the callback tokens stand in one environment."
        yield advice("settings.risky", said, "Give each process only its own settings.", _PAGE)


def _hours(given: Mapping[str, str]) -> Iterator[Finding]:
    try:
        is_off = Hours(RulesSettings.from_env(given)).is_off
    except ConfigError:
        return
    if is_off:
        said = "The hours of marketing are off: marketing leaves at night and on Sundays."
        yield warning(
            "settings.risky", said, "Remove MARKETING_HOURS_FR and MARKETING_HOURS_OTHER.", "rules.md#hours"
        )
