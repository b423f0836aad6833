"""`qd completion SHELL`: the script that teaches a shell our words and names."""

from __future__ import annotations

import click

from engine.core.errors import InvalidInput


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL: `eval "$(qd completion bash)"`."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise InvalidInput(f"There is no completion for {shell}.", hint="Use bash, zsh or fish.")
    click.echo(found(context.find_root().command, {}, "qd", "_QD_COMPLETE").source(), nl=False)
