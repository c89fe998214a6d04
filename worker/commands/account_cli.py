"""``octopush-worker account``: which account a namespace belongs to."""

import click

from producers.contract.steps import Commands, Steps
from worker.commands.command import Command, Group, at_desk, whoever
from worker.operator.account_decision import unbinding_account
from worker.presentation.output import Forbidden, Output


@click.group(cls=Group)
def account() -> None:
    """The account that this namespace belongs to."""


@account.command("show", cls=Command)
@click.pass_obj
def show(output: Output) -> None:
    """Show whether the namespace belongs to an account; which one only a worker's start can tell."""
    with at_desk() as desk:
        [bound] = desk.ask(_bound(desk.keys.account))
    output.give({"namespace": desk.settings.namespace, "bound": bool(bound)})
    to = "the login of its first worker" if bound else "nobody yet: the first worker that starts binds it"
    output.show(f"the namespace {desk.settings.namespace} belongs to {to}")


def _bound(key: str) -> Steps[list[int]]:
    return (yield Commands([("EXISTS", key)]))  # type: ignore[no-any-return]


@account.command("unbind", cls=Command)
@click.option("--same-account", is_flag=True, help="The login has another name, the account is the same.")
@click.pass_obj
def unbind(output: Output, *, same_account: bool) -> None:
    """Let the next worker that starts bind the namespace to its login. Stop all workers first."""
    with at_desk() as desk:
        found = unbinding_account(desk.keys, whoever(), is_same=same_account).run(desk.client)
    if found.workers:
        raise Forbidden(f"{found.workers} live: stop all workers first; nothing was changed")
    if found.was_bound and found.waiting and not same_account:
        raise Forbidden(
            f"{found.waiting} sends wait, which another account might send a second time: let them end, or "
            "add --same-account if only the login has changed; nothing was changed"
        )
    output.give({"namespace": desk.settings.namespace, "unbound": found.was_bound})
    output.show("unbound: the next worker that starts binds it" if found.was_bound else "it was not bound")
