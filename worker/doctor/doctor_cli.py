"""``octopush-worker doctor``: the check before the night."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

import click
import redis

from producers.contract.connections import within
from producers.contract.keys import Keys
from producers.contract.outages import what_is_refused
from producers.contract.scripts import REDIS_ERRORS
from producers.contract.settings import FLAGS, RedisSettings, WebSettings
from producers.errors import ConfigError
from producers.rules.settings import RulesSettings
from worker.commands.command import Command
from worker.doctor import (
    callback_url,
    credit,
    environment,
    host,
    identity,
    readers,
    rights,
    server,
    topology,
    work,
)
from worker.doctor.findings import Finding, Level, error, worst
from worker.doctor.running import Section, run
from worker.presentation.output import Exit, Output
from worker.process.connection import connect
from worker.settings import WorkerSettings

#: Seconds that a section may take that asks Redis alone, and those that ask others.
_REDIS_S: Final = 10.0
_OTHERS_S: Final = 25.0
#: How the command ends, by the worst that was found.
_EXITS: Final[Mapping[Level, Exit]] = {
    Level.OK: Exit.OK,
    Level.ADVICE: Exit.OK,
    Level.WARNING: Exit.FAILED,
    Level.ERROR: Exit.FORBIDDEN,
}


@click.command(cls=Command)
@click.option(
    "--callback-url", metavar="URL", help="Try the callbacks there, such as https://sms.example.com."
)
@click.option(
    "--ask-gateway", is_flag=True, help="Ask the gateway what is left on the account, which is free."
)
@click.option(
    "--gathered",
    is_flag=True,
    help="The settings here were gathered from processes, each of which has its own alone.",
)
@click.option("--all", "everything", is_flag=True, help="Show what is well, too.")
@click.pass_obj
def doctor(
    output: Output, *, callback_url: str | None, ask_gateway: bool, gathered: bool, everything: bool
) -> None:
    """Say what is wrong with this installation, or may go wrong tonight, and what to do about it.

    Looks at settings, Redis and what stands around it, workers, queues, credit, readers, forwarders and this
    machine, within 40 s, and changes nothing. Give it the settings of your processes.

    Ends with 0 if nothing is worse than advice, 1 with a warning, 5 with an error, 4 if Redis does not
    answer.
    """
    began_s = time.monotonic()
    start = _checked(callback_url) if callback_url else None
    patient = _Patient(dict(os.environ), start, ask_gateway=ask_gateway, gathered=gathered)
    findings, is_away = patient.findings()
    level = worst(findings)
    told = {"level": level, "findings": [asdict(each) for each in findings]}
    output.give({**told, "took_s": round(time.monotonic() - began_s, 1)})
    for each in findings:
        if everything or each.level is not Level.OK:
            _show(output, each)
    counts = {each: sum(finding.level is each for finding in findings) for each in reversed(Level)}
    output.remark(", ".join(f"{count} {each}" for each, count in counts.items()))
    click.get_current_context().exit(Exit.REDIS_AWAY if is_away else _EXITS[level])


def _checked(url: str) -> str:
    """Check the start of callback URLs.

    Raises:
        click.UsageError: it is none.
    """
    try:
        parts = urlsplit(url)
        fits = bool(parts.hostname) and parts.scheme in {"http", "https"} and (parts.port or True)
    except ValueError:
        fits = False
    if not fits or parts.query or parts.fragment or parts.username is not None:
        raise click.UsageError("--callback-url must be an address such as https://sms.example.com")
    return url.rstrip("/")


def _show(output: Output, finding: Finding) -> None:
    bad = finding.level in (Level.WARNING, Level.ERROR)
    output.show(f"{finding.level:<8} {finding.check:<20} {finding.finding}", alarming=bad)
    if finding.remedy:
        output.show(f"{'':<29} {finding.remedy} docs/{finding.page}")


@dataclass(frozen=True, slots=True)
class _Patient:
    """What is looked at: an environment, and perhaps what lies outside of it."""

    environ: Mapping[str, str]
    start: str | None
    ask_gateway: bool
    gathered: bool

    def findings(self) -> tuple[list[Finding], bool]:
        """Look at everything.

        Returns:
            What was found, and whether Redis does not answer.
        """
        spool = Section(
            "spool", _REDIS_S, lambda: readers.spool(self._web(CALLBACK_SPOOL_DIR=".octopush-spool"))
        )
        alone = [
            Section("settings", _REDIS_S, lambda: environment.look(self.environ, gathered=self.gathered)),
            Section("host", _REDIS_S, lambda: host.files(self._calls())),
        ]
        alone += [spool] if self._has("CALLBACK_TOKENS") else []
        if self.ask_gateway:
            alone.append(
                Section("gateway", _OTHERS_S, lambda: credit.ask(WorkerSettings.from_env(self.environ)))
            )
        try:
            settings = RedisSettings.from_env(self.environ)
        except ConfigError:
            return run(alone), False  # the settings' section names what is wrong
        with connect(settings.redis_url) as client:
            lost, is_away = _reached(client, settings)
            alone.append(Section("topology", _REDIS_S, lambda: topology.around(settings.redis_url)))
            sections = [] if lost else self._of_redis(client, settings)
            return [*lost, *run([*alone, *sections])], is_away

    def _of_redis(self, client: redis.Redis, settings: RedisSettings) -> list[Section]:
        keys = Keys(settings.namespace)
        looks: dict[str, Callable[[], Iterator[Finding]]] = {
            "redis": lambda: self._server(client, keys),
            "user": lambda: rights.look(client, keys),
            "account": lambda: identity.look(client, settings, self.environ),
            "work": lambda: work.look(client, keys),
            "credit": lambda: credit.seen(
                client, keys, RulesSettings.from_env(self.environ), asks=self.ask_gateway
            ),
            "feeds": lambda: readers.groups(client, settings),
            "forwarders": lambda: readers.forwarding(client, keys),
        }
        sections = [Section(name, _REDIS_S, look) for name, look in looks.items()]
        if self.start is not None:
            start = self.start
            sections.append(
                Section(
                    "callbacks",
                    _OTHERS_S,
                    lambda: callback_url.look(callback_url.Entrance(start, self._web(), client)),
                )
            )
        return sections

    def _server(self, client: redis.Redis, keys: Keys) -> Iterator[Finding]:
        facts = server.read(client, keys)
        yield from server.judge(facts)
        every_claim = FLAGS.get(self.environ.get("CONFIRM_EVERY_CLAIM", "").lower(), False)
        wanted = self._number("REDIS_REPLICAS", 0)
        yield from topology.replicas(facts.info, facts.config, wanted, every_claim=every_claim)

    def _web(self, **otherwise: str) -> WebSettings:
        return WebSettings.from_env({**otherwise, **self.environ})

    def _calls(self) -> int:
        return self._number("WORKER_CALLS", 64)

    def _number(self, name: str, otherwise: int) -> int:
        value = self.environ.get(name, "").strip()
        return int(value) if value.isdecimal() else otherwise

    def _has(self, name: str) -> bool:
        return bool(self.environ.get(name, "").strip())


def _reached(client: redis.Redis, settings: RedisSettings) -> tuple[list[Finding], bool]:
    """Say why nothing of Redis can be looked at, and whether it is away; nothing if it answers."""
    try:
        with within(server.REACH_S):
            client.ping()
    except REDIS_ERRORS as failure:
        what = what_is_refused(failure)
        said, do = f"did not answer ({type(failure).__name__})", "Start Redis, or mend REDIS_URL."
        if what:
            said, do = f"refuses {what}", "Mend REDIS_URL, or the rights of its user."
        elif isinstance(failure, redis.BusyLoadingError):
            said = f"still reads its data from the disk{_progress(client)}"
            do = "Wait: all processes go on by themselves. A restart of Redis would begin anew."
        lost = error(
            "redis.reached",
            f"Redis at {settings.redis_url} {said}; nothing that lies in it was looked at.",
            do,
            "redis.md#which-redis",
        )
        return [lost], what is None
    return [], False


def _progress(client: redis.Redis) -> str:
    """Say how far a Redis is that reads its data, which is one of the few questions that it answers."""
    try:
        with within(server.REACH_S):
            told = client.info("persistence")
        return f" ({float(told['loading_loaded_perc']):.0f} %, about {told['loading_eta_seconds']} s more)"
    except (*REDIS_ERRORS, LookupError, ValueError):
        return ""
