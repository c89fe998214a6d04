"""``octopush-worker callbacks``: where the gateway posts callbacks, and letting it post them here."""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import click

from producers.contract.settings import WebSettings
from producers.errors import ConfigError
from worker.commands.command import Command, Group, at_desk, whoever
from worker.gateway.answers import NotTold
from worker.gateway.client import Gateway
from worker.gateway.parameters import Parameters
from worker.inquiry.callback_urls import SHOWN, WORDS, Verdict, address, shown, token_for, verdict
from worker.inquiry.code_words import meaning_of
from worker.operator import audit
from worker.presentation.output import Exit, Failed, Output
from worker.settings import WorkerSettings

#: Why an address is refused that nobody but this network can reach.
_PRIVATE: Final = "leads to a private address, which the gateway cannot reach; --private sets it all the same"


@click.group(cls=Group)
def callbacks() -> None:
    """Where the gateway posts receipts, replies and opt-outs of this account."""


@callbacks.command("show", cls=Command)
@click.pass_obj
def show(output: Output) -> None:
    """Show the addresses that the gateway posts to, and which of them lead here.

    Tokens are not shown. Needs the account of the workers, and CALLBACK_TOKENS to say what leads here.
    """
    found, web = asyncio.run(_read(WorkerSettings.from_env(os.environ))), _web()
    rows = {kind: (found.urls[kind], verdict(found.urls[kind], kind, web)) for kind in SHOWN}
    output.give({"callbacks": _fields(rows), "email": bool(found.email)})
    for kind, (url, said) in rows.items():
        output.show(f"{kind:<9} {_line(url, said)}", alarming=said not in ("here", "unknown"))
    if found.email:
        output.remark("the gateway also mails replies to somebody, with the text of what they answer")


@callbacks.command("set", cls=Command)
@click.argument("base_url", required=False)
@click.option("--receipts", metavar="URL", help="Another address for receipts; the whole of it.")
@click.option("--replies", metavar="URL", help="Another address for replies.")
@click.option("--optouts", metavar="URL", help="Another address for opt-outs.")
@click.option(
    "--private", is_flag=True, help="Take hosts that nobody outside can reach, or that have no address."
)
@click.option("--yes", is_flag=True, help="Do not ask. With --json, nothing is changed without it.")
@click.pass_obj
def set_urls(
    output: Output, /, base_url: str | None, *, private: bool, yes: bool, **explicit: str | None
) -> None:
    """Let the gateway post callbacks to BASE_URL/callbacks/<token>/<kind>, such as https://sms.example.com.

    The tokens are those of CALLBACK_TOKENS; of several, the last one that may bring the kind. Shows what
    changes and asks first. Afterwards it reads what the gateway has kept.
    """
    wanted = _wanted(base_url, {kind: url for kind, url in explicit.items() if url})
    for host in {_host(url) for url in wanted.values()}:
        if not private:
            _refuse_private(host)
    settings, web = WorkerSettings.from_env(os.environ), _web()
    before = asyncio.run(_read(settings))
    changes = {kind: url for kind, url in wanted.items() if before.urls[kind] != url}
    for kind in wanted:
        output.show(f"{kind:<9} now {_line(before.urls[kind], verdict(before.urls[kind], kind, web))}")
        output.show(f"{'':<9} new {_line(wanted[kind], verdict(wanted[kind], kind, web))}")
    if not changes:
        output.remark("the gateway has these addresses already")
    elif not (yes or (not output.as_json and click.confirm("Let the gateway post there?", err=True))):
        output.remark("nothing was changed")
        output.give(_told(before, before, wanted, web))
        return
    after = _change(settings, before, changes) if changes else before
    output.give(_told(before, after, wanted, web))
    lost = [kind for kind, url in wanted.items() if after.urls[kind] != url]
    for kind in lost:
        output.say(f"{kind}: the gateway has kept something else: {shown(after.urls[kind]) or 'no address'}")
    if lost:
        click.get_current_context().exit(Exit.FAILED)
    if changes:
        output.show("set, and read back; octopush-worker doctor --callback-url tries the addresses")


def _wanted(base_url: str | None, explicit: Mapping[str, str]) -> dict[str, str]:
    """Name the address that each kind shall have, in the order in which they are shown.

    Raises:
        Failed: one is no https address, or no token may bring a kind.
    """
    if not base_url and not explicit:
        raise click.UsageError("say BASE_URL, or the address of a kind")
    for url in (*explicit.values(), *([base_url] if base_url else [])):
        _check(url)
    built = {}
    if base_url:
        if urlsplit(base_url).query:
            raise Failed("BASE_URL must have no query: a path with the token is put behind it")
        web = WebSettings.from_env(os.environ)
        for kind in SHOWN:
            token = token_for(web, kind)
            if token is None and kind not in explicit:
                raise Failed(f"no token of CALLBACK_TOKENS may bring {kind}")
            built[kind] = address(base_url.rstrip("/"), token or "", kind)
    return {kind: explicit.get(kind) or built[kind] for kind in SHOWN if kind in explicit or kind in built}


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = bool(parts.hostname) and (parts.port or True)
    except ValueError:
        fits = False
    if not (fits and url.isascii() and url.isprintable() and " " not in url):
        raise Failed("that is no address such as https://sms.example.com")
    if parts.scheme != "https":
        raise Failed("the address must be https: it carries the token, and callbacks carry numbers and texts")
    if parts.username is not None or parts.fragment:
        raise Failed("the address must have neither user and password nor a # in it")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _refuse_private(host: str) -> None:
    """Refuse a host that the gateway cannot reach.

    Raises:
        Failed: it has no address, or one of a private network.
    """
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)}
    except OSError:
        raise Failed(f"{host} has no address; --private sets it all the same") from None
    if not all(ipaddress.ip_address(each.partition("%")[0]).is_global for each in found):
        raise Failed(f"{host} {_PRIVATE}")


def _web() -> WebSettings | None:
    """Read the tokens; None where none are set.

    Raises:
        ConfigError: they are wrong.
    """
    try:
        return WebSettings.from_env(os.environ)
    except ConfigError:
        if os.environ.get("CALLBACK_TOKENS", "").strip():
            raise
        return None


def _line(url: str, said: Verdict) -> str:
    return f"{shown(url)}: {WORDS[said]}" if url else WORDS[said]


def _fields(rows: Mapping[str, tuple[str, Verdict]]) -> dict[str, Any]:
    return {kind: {"url": shown(url) if url else None, "leads": said} for kind, (url, said) in rows.items()}


def _told(
    before: Parameters, after: Parameters, wanted: Mapping[str, str], web: WebSettings | None
) -> dict[str, Any]:
    """Say for programs what was, what shall be and what is."""
    told = {
        name: _fields({kind: (urls[kind], verdict(urls[kind], kind, web)) for kind in wanted})
        for name, urls in (("before", before.urls), ("wanted", wanted), ("after", after.urls))
    }
    return {**told, "kept": all(after.urls[kind] == url for kind, url in wanted.items())}


async def _read(settings: WorkerSettings) -> Parameters:
    gateway = Gateway(settings)
    try:
        return _or_failed(await gateway.parameters())
    finally:
        await gateway.close()


def _change(settings: WorkerSettings, before: Parameters, changes: Mapping[str, str]) -> Parameters:
    """Note who changes what, change it, and read what was kept."""
    with at_desk() as desk:
        audit.entry(desk.keys, whoever(), "set_callbacks", kinds=",".join(changes)).run(desk.client)
    return asyncio.run(_set(settings, {before.names[kind]: url for kind, url in changes.items()}))


async def _set(settings: WorkerSettings, named: Mapping[str, str]) -> Parameters:
    gateway = Gateway(settings)
    try:
        refusal = await gateway.set_callbacks(named)
        after = await gateway.parameters()
    finally:
        await gateway.close()
    if isinstance(after, NotTold):
        why = not_told(refusal or after).message
        raise Failed(f"{why}; it may have set them: see octopush-worker callbacks show")
    # Whatever the answer was, or whether it was lost: what the gateway has kept decides.
    kept = {**dict.fromkeys(named, ""), **{after.names[kind]: url for kind, url in after.urls.items()}}
    if refusal and any(kept[name] != url for name, url in named.items()):
        raise not_told(refusal)
    return after


def _or_failed(told: Parameters | NotTold) -> Parameters:
    if isinstance(told, NotTold):
        raise not_told(told)
    return told


def not_told(told: NotTold) -> Failed:
    """Say in one sentence that the gateway did not answer as it should."""
    meaning = meaning_of(told.code) or told.message
    return Failed(f"the gateway did not say or do what was asked: {told.code}{meaning and f' ({meaning})'}")
