"""The root of the command tree: options before the noun, nouns loaded only when they are named."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.cli.session import Session


@dataclass(frozen=True, slots=True)
class Noun:
    """A group of verbs and where it is defined.

    Args:
        module: The module to import when the noun is used.
        attribute: The click command in it.
        help: One line for `qd --help`, so that help imports nothing.
    """

    module: str
    attribute: str
    help: str


NOUNS: dict[str, Noun] = {
    "approvals": Noun("engine.cli.approvals", "approvals", "Ask for, give and refuse approvals."),
    "audit": Noun("engine.cli.audit", "audit", "Read and verify the audit log."),
    "completion": Noun("engine.cli.completion", "completion", "Print the completion script of a shell."),
    "console": Noun("engine.cli.console", "console", "Open the console, at a resource if one is named."),
    "db": Noun("engine.cli.db", "db", "Back up, restore, check and measure the workspace."),
    "demo": Noun("engine.cli.demo", "demo", "Make a workspace with real trained models and look around."),
    "experiments": Noun("engine.cli.experiments", "experiments", "Groups of runs."),
    "init": Noun("engine.cli.init", "init", "Make a workspace."),
    "models": Noun("engine.cli.models", "models", "Registered models: gates, promotion, rollback, history."),
    "policy": Noun("engine.cli.policy", "policy", "Show and check quarterdeck.toml."),
    "runs": Noun("engine.cli.runs", "runs", "Runs with parameters, metrics and artifacts."),
    "versions": Noun("engine.cli.versions", "versions", "Versions of registered models."),
}


class LazyGroup(click.Group):
    """A group whose members are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every noun, whether imported or not."""
        return sorted({*super().list_commands(ctx), *NOUNS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a noun when it is named; `None` when there is none of that name."""
        noun = NOUNS.get(cmd_name)
        if noun is None:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(noun.module), noun.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{noun.module}.{noun.attribute} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the noun; a near miss gets a suggestion.

        Raises:
            click.UsageError: there is no such command.
        """
        name = args[0]
        if name not in NOUNS and super().get_command(ctx, name) is None and not name.startswith("-"):
            ctx.fail(unknown_command(name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of nouns without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, noun.help) for name, noun in sorted(NOUNS.items())])


class Verbs(click.Group):
    """A noun's verbs; a near miss gets a suggestion."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb.

        Raises:
            click.UsageError: there is no such verb.
        """
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(unknown_command(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def unknown_command(name: str, known: list[str]) -> str:
    """The message for a command that does not exist, with the nearest ones that do.

    Args:
        name: What was typed.
        known: What there is.

    Returns:
        One sentence or two.
    """
    from engine.core.suggest import did_you_mean

    return f"No such command {name!r}. {did_you_mean(name, known)}".rstrip()


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--workspace", metavar="DIR", help="The workspace; else $QUARTERDECK_HOME, else .quarterdeck/ upward.")
@click.option("--as", "as_user", metavar="NAME", help="Act under another name, where the policy allows it.")
@click.option("--readonly", "read_only", is_flag=True, help="Refuse every change.")
@click.option("--version", "show_version", is_flag=True, help="Print the version.")
@click.pass_context
def root(
    context: click.Context, workspace: str | None, as_user: str | None, *, read_only: bool, show_version: bool
) -> int | None:
    """Quarterdeck: the operations console for machine-learning models.

    Without a command, `qd` opens the console.
    """
    session: Session = context.obj
    session.workspace, session.as_user, session.read_only = workspace, as_user, read_only
    if show_version:
        from importlib.metadata import version

        click.echo(f"qd {version('quarterdeck')}")
        return 0
    if context.invoked_subcommand is None:
        from engine.cli.console import start

        return start(session, ())
    return None
