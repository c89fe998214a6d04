"""Who reads what comes back: groups of the streams, forwarders, and callbacks that lie on the disk."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import redis

from producers.contract.keys import Keys
from producers.contract.settings import RedisSettings, WebSettings
from producers.contract.steps import drive
from worker.doctor.findings import Finding, advice, error, ok, warning
from worker.inquiry import forwarders
from worker.inquiry.feeds import FeedRow, Group, read_feeds

#: Seconds for which a group may keep an entry without acknowledging it.
_PENDING_S: Final = 3600.0
#: Seconds for which an event may wait in a forwarder, and a process of it may be silent.
_OLDEST_S: Final = 900.0
_SILENT_S: Final = 60.0

_STREAMS: Final = "streams.md#promises"
_LAG: Final = "metrics.md#how-they-are-counted"
_POISON: Final = "streams.md#poison"
_FORWARDING: Final = "forwarding.md#look-pause-replay"
_SPOOL: Final = "callbacks.md#while-redis-is-away"


def groups(client: redis.Redis, settings: RedisSettings) -> Iterator[Finding]:
    """Look at the groups of all streams.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    found = {name: panel.get() for name, panel in drive(read_feeds(Keys(settings.namespace)), client).items()}
    for name in ("replies", "optouts"):
        if not found[name].groups:
            said = f"No application reads the stream {name}."
            yield advice("feeds.groups", said, f'Read it with Feed("{name}"), or forward it.', "streams.md")
    for row in found.values():
        if row.unread_trimmed:
            said = (
                f"The stream {row.stream} has dropped {row.unread_trimmed} entries that a group had not read."
            )
            yield warning("feeds.trimmed", said, "Read faster, or raise STREAM_MAXLEN.", _STREAMS)
        for group in row.groups:
            yield from _group(row, group, settings.stream_maxlen)


def _group(row: FeedRow, group: Group, maxlen: int) -> Iterator[Finding]:
    name = f"group {group.name} of {row.stream}"
    behind = list(_behind(name, row, group, maxlen))
    yield from behind
    well = not behind
    if group.oldest_pending_at is not None:
        age_s = (datetime.now(UTC) - group.oldest_pending_at).total_seconds()
        if age_s > _PENDING_S:
            well = False
            said = f"The {name} has {group.pending} entries that it does not acknowledge, for {age_s:.0f} s."
            yield warning("feeds.pending", said, "Look at the log of the program that reads them.", _STREAMS)
    if group.poison:
        well = False
        said = f"The {name} has given up {group.poison} entries."
        yield warning("feeds.poison", said, "Mend the handler, then give them back on the console.", _POISON)
    if well:
        yield ok("feeds.groups", f"The {name} is {group.lag} entries behind, {group.pending} under way.")


def _behind(name: str, row: FeedRow, group: Group, maxlen: int) -> Iterator[Finding]:
    """Say that a group may lose entries unread, or that nobody reads for it."""
    lag = group.lag
    readers = "" if group.consumers else ", and no program reads for it"
    if lag.entries > maxlen / 2:
        said = f"The {name} is {lag} entries behind{readers}; beyond about {maxlen} they are lost unread."
        yield warning("feeds.lag", said, "Start more programs of that group, or remove it.", _STREAMS)
    elif lag.entries and readers:
        said = f"The {name} is {lag} entries behind{readers}."
        yield warning("feeds.lag", said, "Start the program, or remove the group.", _STREAMS)
    elif lag.at_least and row.length > maxlen / 2:
        said = f"The {name} is {lag} entries behind, of {row.length}; Redis does not know by how much."
        yield advice("feeds.lag", said, "Look again in two minutes: a worker counts them.", _LAG)


def forwarding(client: redis.Redis, keys: Keys) -> Iterator[Finding]:
    """Look at the forwarders.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    names = sorted(drive(forwarders.names(keys), client))
    for each in drive(forwarders.states(keys, names), client) if names else ():
        found = list(_forwarder(each))
        yield from found or [ok("forwarders.state", f"{each.name} delivers; {each.waiting} events wait.")]


def _forwarder(each: forwarders.ForwarderState) -> Iterator[Finding]:
    if each.paused is not None:
        said = f"The forwarder {each.name} is paused."
        yield warning("forwarders.state", said, f"octopush-worker forward resume {each.name}.", _FORWARDING)
    elif each.held is not None:
        said = f"The receiver of {each.name} takes nothing: it is asked now and then."
        yield warning("forwarders.state", said, "Mend the receiver; it goes on by itself.", _FORWARDING)
    if each.heard_ms is None or each.now_ms - each.heard_ms > _SILENT_S * 1000:
        said = f"No process of the forwarder {each.name} runs: events stay in their streams."
        yield warning("forwarders.silent", said, "Start one, or give the forwarder up.", _FORWARDING)
    if each.oldest_ms is not None and each.now_ms - each.oldest_ms > _OLDEST_S * 1000:
        said = f"An event has waited in {each.name} for {(each.now_ms - each.oldest_ms) // 1000} s."
        yield warning("forwarders.oldest", said, "octopush-worker forward list says why.", _FORWARDING)
    if each.dead:
        said = f"{each.name} has {each.dead} dead letters."
        do = f"Mend the receiver, then octopush-worker forward replay {each.name} --dead."
        yield advice("forwarders.dead", said, do, _FORWARDING)


def spool(settings: WebSettings) -> Iterator[Finding]:
    """Look at the directory in which a web process of this machine keeps callbacks while Redis is away."""
    if not settings.spool_dir:
        said = "CALLBACK_SPOOL_DIR is empty: while Redis is away, callbacks are lost."
        yield warning("spool.directory", said, "Name a directory on a disk of this machine.", _SPOOL)
        return
    base = Path(settings.spool_dir)
    if not base.is_absolute():
        said = "CALLBACK_SPOOL_DIR is no absolute path: it depends on where the web process starts."
        yield advice("spool.directory", said, "Write the whole path.", _SPOOL)
    there = next(each for each in (base, *base.absolute().parents) if each.is_dir())
    if not os.access(there, os.W_OK):
        said = "The directory of CALLBACK_SPOOL_DIR cannot be written by this user."
        yield error("spool.directory", said, "Let the user of the web process write there.", _SPOOL)
    room_mib = shutil.disk_usage(there).free // 1024 // 1024
    if room_mib < settings.spool_mib:
        said = f"{room_mib} MiB are free on the disk, and CALLBACK_SPOOL_MIB is {settings.spool_mib}."
        yield warning("spool.room", said, "Make room, or lower CALLBACK_SPOOL_MIB.", _SPOOL)
    yield from _files(base / settings.namespace)


def _files(directory: Path) -> Iterator[Finding]:
    files = [each for each in directory.glob("*.spool") if each.stat().st_size] if directory.is_dir() else []
    damaged = len(list(directory.glob("*.damaged"))) if directory.is_dir() else 0
    if damaged:
        said = f"{damaged} files of callbacks are damaged."
        yield error("spool.damaged", said, "Keep them, and look at the disk.", _SPOOL)
    if files:
        oldest_s = time.time() - min(each.stat().st_mtime for each in files)
        said = f"Callbacks lie on the disk in {len(files)} files, the oldest for {oldest_s:.0f} s."
        yield warning("spool.waiting", said, "Start a web process here: it moves them to Redis.", _SPOOL)
    if not (files or damaged):
        yield ok("spool.waiting", "No callback lies on the disk.")
