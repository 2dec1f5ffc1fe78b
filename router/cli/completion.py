"""`router completion`: print the script with which a shell completes commands, options and files."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

_VARIABLE: Final = "_ROUTER_COMPLETE"
_SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash, write into ~/.bashrc: eval "$(router completion bash)". For zsh, the same into ~/.zshrc. For fish, write
    the script to ~/.config/fish/completions/router.fish.
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    root = context.find_root()
    click.echo(found(root.command, {}, "router", _VARIABLE).source())
