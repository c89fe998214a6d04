"""``octopush-worker api`` and ``api-token``."""

import os
import secrets

import click

from worker.api.settings import ApiSettings, digest_of, read_token
from worker.commands.command import Command
from worker.presentation.output import Output
from worker.process.extras import brought_by


@click.command(cls=Command, epilog=brought_by("api"))
@click.pass_obj
def api(_: Output) -> None:
    """Serve the HTTP API until SIGTERM; it needs API_TOKENS."""
    from worker.api.server import serve  # noqa: PLC0415 - needs the web extra

    serve(ApiSettings.from_env(os.environ))


@click.command("api-token", cls=Command)
@click.argument("app")
@click.option("--scopes", default="send+read", help="What it may do: send, read, campaign, with + between.")
@click.pass_obj
def api_token(output: Output, app: str, scopes: str) -> None:
    """Make a token for an application, and show the entry for API_TOKENS."""
    token = secrets.token_urlsafe(32)
    allowed = "" if scopes == "send+read" else f":{scopes}"
    entry, hashed = f"{app}{allowed}:{token}", f"{app}{allowed}:sha256-{digest_of(token)}"
    try:
        read_token(entry)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    output.give({"app": app, "scopes": scopes, "token": token, "entry": entry, "hashed_entry": hashed})
    output.show(f"The application sends    Authorization: Bearer {token}")
    output.show(f"API_TOKENS gets          {entry}")
    output.show(f"or, without the token,   {hashed}")
