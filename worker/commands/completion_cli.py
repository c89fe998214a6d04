"""``octopush-worker completion``: what makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from worker.commands.command import Command
from worker.presentation.output import Failed, Output

_PROGRAM = "octopush-worker"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that makes a shell complete commands and options.

    For bash and zsh: eval "$(octopush-worker completion bash)".
    For fish: octopush-worker completion fish | source
    """
    output: Output = ctx.obj
    kind = get_completion_class(shell)
    if kind is None:
        raise Failed(f"no completion for {shell}")
    variable = f"_{_PROGRAM.replace('-', '_').upper()}_COMPLETE"
    script = kind(ctx.find_root().command, {}, _PROGRAM, variable).source()
    output.give({"shell": shell, "script": script})
    if not output.as_json:
        output.write(script.encode() + b"\n")
