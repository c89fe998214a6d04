"""``octopush-worker``: what an operator or developer runs by hand."""

import os

import click

from worker.api.api_cli import api, api_token
from worker.commands.all_commands import COMMANDS
from worker.commands.command import Group
from worker.commands.forward_cli import forward
from worker.doctor.doctor_cli import doctor
from worker.mail.mail_cli import forward_email, mail_in
from worker.metrics.metrics_cli import metrics
from worker.pilot.pilot_cli import pilot
from worker.sandbox.sandbox_cli import demo, sandbox, up
from worker.start import console, web, worker
from worker.webhooks.forward_http import forward_http
from worker.webhooks.forward_listen import listen
from worker.webhooks.forward_secret import secret


@click.group(cls=Group)
@click.version_option(package_name="octopush-worker")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Send and receive SMS through the Octopush gateway.

    Each command ends with 0 if all is well, 1 if it failed, 2 if it was called wrongly, 3 if nothing was
    found, 4 if Redis is away, 5 if the state forbids it.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False


for part in (listen, secret):
    forward.add_command(part)
for command in (
    demo,
    sandbox,
    up,
    *COMMANDS,
    doctor,
    worker,
    web,
    console,
    api,
    api_token,
    metrics,
    forward_http,
    forward_email,
    mail_in,
    pilot,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
