"""The root of the command tree: options before the noun, nouns loaded only when they are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.groups import Member, lazy_group

if TYPE_CHECKING:
    from engine.cli.session import Session

NOUNS: dict[str, Member] = {
    "alerts": Member("engine.cli.alerts", "alerts", "What monitors have found: take on, silence, resolve."),
    "approvals": Member("engine.cli.approvals", "approvals", "Ask for, give and refuse approvals."),
    "audit": Member("engine.cli.audit", "audit", "Read, verify and prove the audit log."),
    "completion": Member("engine.cli.completion", "completion", "Print the completion script of a shell."),
    "console": Member("engine.cli.console", "console", "Open the console, at a resource if one is named."),
    "db": Member("engine.cli.db", "db", "Back up, restore, check and measure the workspace."),
    "demo": Member("engine.cli.demo", "demo", "Make a workspace with real trained models and look around."),
    "drift": Member("engine.cli.drift", "drift", "Whether data changed: comparisons, baselines, reports."),
    "doctor": Member("engine.cli.doctor", "doctor", "Look at workspace, machine and terminal; say what to mend."),
    "endpoints": Member("engine.cli.endpoints", "endpoints", "What serves predictions: versions, shares, rollback."),
    "experiments": Member("engine.cli.experiments", "experiments", "Groups of runs."),
    "export": Member("engine.cli.export", "export", "Write the workspace in the words of other trackers."),
    "import": Member("engine.cli.import_", "import_", "Bring runs and models from other trackers."),
    "info": Member("engine.cli.info", "info", "Print every path."),
    "init": Member("engine.cli.init", "init", "Make a workspace."),
    "jobs": Member("engine.cli.jobs", "jobs", "Long commands that go on by themselves: start, follow, cancel."),
    "labels": Member("engine.cli.labels", "labels", "What turned out to be true of predictions."),
    "lineage": Member("engine.cli.lineage_tree", "lineage", "What led to a thing and what came of it, as a tree."),
    "models": Member("engine.cli.models", "models", "Registered models: gates, promotion, rollback, history."),
    "monitors": Member("engine.cli.monitors", "monitors", "What watches endpoints and files, and what it found."),
    "policy": Member("engine.cli.policy", "policy", "Show and check quarterdeck.toml, roles and freezes."),
    "predict": Member("engine.cli.predict", "predict", "Score CSV and Parquet files with a version."),
    "prompts": Member("engine.cli.prompts", "prompts", "Templates for language models: versions, aliases, diff."),
    "redo": Member("engine.cli.undo", "redo", "Do again what you undid last."),
    "runs": Member("engine.cli.runs", "runs", "Runs with parameters, metrics and artifacts."),
    "serve": Member("engine.cli.serve", "serve", "Answer predictions of the endpoints over HTTP."),
    "server": Member("engine.cli.server", "server", "Serve the workspace to MLflow clients and over HTTP."),
    "telemetry": Member("engine.cli.telemetry", "telemetry", "What endpoints were asked and answered."),
    "tokens": Member("engine.cli.tokens", "tokens", "Who may use the server, and how far."),
    "traces": Member("engine.cli.traces", "traces", "What programs did to answer requests, span by span."),
    "web": Member("engine.cli.web", "web", "Serve the console to a browser on this machine."),
    "webhooks": Member("engine.cli.webhooks", "webhooks", "Tell other programs what happens."),
    "undo": Member("engine.cli.undo", "undo", "Undo a change, yours or somebody else's; shown first."),
    "up": Member("engine.cli.up", "up", "Run the server-side parts of a workspace, and keep them running."),
    "versions": Member("engine.cli.versions", "versions", "Versions of registered models."),
}

_LONG_LIVED = (None, "console", "demo", "serve", "server", "up", "web")
"""Commands whose process ends in Python's own way: with everything that libraries want done at exit."""


@click.group(
    cls=lazy_group(NOUNS), invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--workspace", metavar="DIR", help="The workspace; else $QUARTERDECK_HOME, else .quarterdeck/ upward.")
@click.option("--as", "as_user", metavar="NAME", help="Act under another name, where the policy allows it.")
@click.option("--readonly", "read_only", is_flag=True, help="Refuse every change.")
@click.option("--plain", is_flag=True, help="The console in lines: for screen readers, dumb terminals and scripts.")
@click.option("--theme", default="", metavar="NAME", help="How the console looks: dark, light, contrast, safe, mono …")
@click.option("--version", "show_version", is_flag=True, help="Print the version.")
@click.pass_context
def root(  # noqa: PLR0913 - one for each option before the noun
    context: click.Context,
    workspace: str | None,
    as_user: str | None,
    *,
    read_only: bool,
    plain: bool,
    theme: str,
    show_version: bool,
) -> int | None:
    """Quarterdeck: the operations console for machine-learning models.

    Without a command, `qd` opens the console. Answers go to stdout, everything else to stderr. Exit codes: 0 ok,
    1 failed, 2 usage, 3 unreachable or busy, 4 refused by a gate or policy, 5 recorded but not yet served,
    130 interrupted.
    """
    session: Session = context.obj
    session.workspace, session.as_user, session.read_only = workspace, as_user, read_only
    session.plain, session.theme = plain, theme
    session.long_lived = context.invoked_subcommand in _LONG_LIVED
    if show_version:
        from engine import __version__

        click.echo(f"qd {__version__}")
        return 0
    if context.invoked_subcommand is None:
        from engine.cli.console import start

        return start(session, ())
    return None
