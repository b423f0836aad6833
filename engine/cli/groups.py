"""Groups of commands whose members are imported only when they are named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Member(NamedTuple):
    """Where a command is defined.

    Args:
        module: The module to import when it is named.
        attribute: The click command in it.
        help: One line for the group's help, so that help need not import it; empty imports it after all.
    """

    module: str
    attribute: str
    help: str = ""


class LazyGroup(click.Group):
    """A group whose members are imported when they are named; a near miss gets a suggestion.

    Args:
        members: Where each member is defined, by name.
    """

    members: Mapping[str, Member] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every member, whether imported or not."""
        return sorted({*super().list_commands(ctx), *self.members})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a member when it is named; `None` when there is none of that name."""
        member = self.members.get(cmd_name)
        if member is None:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(member.module), member.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{member.module}.{member.attribute} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the member.

        Raises:
            click.UsageError: there is no such command; the message names the nearest ones.
        """
        name = args[0]
        if name not in self.members and name not in self.commands and not name.startswith("-"):
            ctx.fail(_unknown(name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of members; those whose help is known are not imported for it."""
        lines = [(name, self._help(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(lines)

    def _help(self, ctx: click.Context, name: str) -> str:
        member = self.members.get(name)
        if member is not None and member.help:
            return member.help
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str(limit=200)


def lazy_group(members: Mapping[str, Member]) -> type[LazyGroup]:
    """A group class with these members, for `@click.group(cls=…)`.

    Args:
        members: Where each member is defined, by name.
    """
    return type("Verbs", (LazyGroup,), {"members": members})


def verbs(package: str, modules: Mapping[str, str]) -> type[LazyGroup]:
    """A group class for a noun whose verbs stand in several modules.

    Args:
        package: The package of the modules, such as `engine.cli.runs`.
        modules: For each verb, its module and function as `module.function` in that package.

    Returns:
        The class, for `@click.group(cls=…)`.
    """
    places = {verb: place.rpartition(".") for verb, place in modules.items()}
    return lazy_group({verb: Member(f"{package}.{place[0]}", place[2]) for verb, place in places.items()})


def _unknown(name: str, known: list[str]) -> str:
    from engine.core.suggest import did_you_mean

    return f"No such command {name!r}. {did_you_mean(name, known)}".rstrip()
