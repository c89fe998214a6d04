"""``octopush-worker completion``: what makes a shell complete commands and options."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from worker.commands.command import Command
from worker.presentation.output import Failed, Output

_PROGRAM: Final = "octopush-worker"
#: Without it, a zsh that was never set up does not know the command by which completions are registered.
_ZSH_START: Final = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    r"""Print a script that makes a shell complete commands and options.

    \b
    One line installs it for good:
    echo 'eval "$(octopush-worker completion bash)"' >> ~/.bashrc
    echo 'eval "$(octopush-worker completion zsh)"' >> ~/.zshrc
    octopush-worker completion fish > \
        ~/.config/fish/completions/octopush-worker.fish
    """
    output: Output = ctx.obj
    kind = get_completion_class(shell)
    if kind is None:
        raise Failed(f"no completion for {shell}")
    variable = f"_{_PROGRAM.replace('-', '_').upper()}_COMPLETE"
    script = kind(ctx.find_root().command, {}, _PROGRAM, variable).source()
    if shell == "zsh":
        first, end, rest = script.partition("\n")
        script = f"{first}{end}{_ZSH_START}{end}{rest}"
    output.give({"shell": shell, "script": script})
    if not output.as_json:
        output.write(script.encode() + b"\n")
