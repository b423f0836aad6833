"""Where hostile texts are looked for: add a line, and a new screen or noun is swept.

A place is a template. One that names something planted (`{run}`, `{model}`, … of `tests/hostile/planters.py`, and
`{text}`, what a command line can hold) is looked at once for every text (or every so-many-th), any other one once.
"""

from __future__ import annotations

from typing import NamedTuple


class Screen(NamedTuple):
    """A view of the console.

    Args:
        resource: Its resource.
        name: What it shows; empty for all.
        keys: Pressed one after the other, with a look after each.
        columns: Chosen columns.
        every: Looked at with every text, or with every so-many-th where a view shows what others show.
    """

    resource: str
    name: str = ""
    keys: tuple[str, ...] = ()
    columns: str = ""
    every: int = 1


SCREENS: tuple[Screen, ...] = (
    Screen("pulse"),
    Screen("runs"),
    Screen("runs", columns="params.depth"),
    Screen("runs", columns="tags.team"),
    Screen("runs", columns="params.{key}", every=2),
    Screen("run", "{run}", ("2", "3", "\x1b[B", "4"), every=2),
    Screen("compare", "{run},{other_run}", every=2),
    Screen("experiments"),
    Screen("models"),
    Screen("versions"),
    Screen("versions", "{model}", every=4),
    Screen("board"),
    Screen("version", "{version}", every=2),
    Screen("promotion", "{version}/production", every=2),
    Screen("promotion", "{waiting}/production", every=2),
    Screen("promotion", "{strict}/2/staging"),
    Screen("history", "{model}", every=2),
    Screen("state"),
    Screen("lineage", "{run}", every=2),
    Screen("lineage", "{version}", every=2),
    Screen("endpoints"),
    Screen("endpoint", "{endpoint}", ("z", "\x1b[27u", "t", "\x1b[27u", "D"), every=2),
    Screen("predictions", "{endpoint}", ("\r",), every=4),
    Screen("external"),
    Screen("external-endpoint", "{external}", every=4),
    Screen("jobs"),
    Screen("job", "1"),
    Screen("output", "1"),
    Screen("log"),
    Screen("glossary"),
    Screen("processes"),
    Screen("alerts"),
    Screen("alert", "{alert}", every=2),
    Screen("silences"),
    Screen("monitors"),
    Screen("monitor", "{monitor}", every=2),
    Screen("results"),
    Screen("result", "{result}", ("\x1b[B", "\r"), every=2),
    Screen("drift"),
    Screen("approvals"),
    Screen("audit"),
    Screen("record", "{record}", every=2),
    Screen("traces"),
    Screen("trace", "{trace}", ("\r",), every=2),
    Screen("prompts"),
    Screen("prompt-versions", "{prompt}", every=4),
    Screen("prompt", "{prompt}/1", every=2),
    Screen("prompt", "{prompt}/2", every=4),
    Screen("prompt-diff", "{prompt}/1/2", every=2),
    Screen("workspace"),
    Screen("server"),
    Screen("help"),
)
"""Every resource of the console at least once."""

DONE, ANSWERED = (0,), (0, 1, 2, 4)
"""Exit codes: of what must work; of what may also be unknown, wrong or refused."""


class Command(NamedTuple):
    """A command line.

    Args:
        words: After `qd`; cut at blanks before names are put in.
        codes: Exit codes it may end with.
        every: Looked at with every text, or with every so-many-th where a command shows what others show.
    """

    words: str
    codes: tuple[int, ...] = DONE
    every: int = 1


_LISTS = (
    "experiments list",
    "runs list",
    "runs list --columns depth,team,auc",
    "models list",
    "models history",
    "versions list",
    "approvals list",
    "audit list",
    "tokens list",
    "prompts list",
    "prompts versions",
    "traces list",
    "webhooks list",
    "endpoints list",
    "alerts list --all",
    "monitors list",
    "monitors results",
)

COMMANDS: tuple[Command, ...] = (
    *(Command(f"{words} --limit 1000{form}") for words in _LISTS for form in ("", " --csv", " --json")),
    Command("jobs list"),
    Command("undo --dry-run", ANSWERED),
    Command("redo --dry-run", ANSWERED),
    Command("lineage version/{version}", every=12),
    Command("policy show"),
    Command("policy check"),
    Command("policy whoami"),
    Command("audit verify"),
    Command("audit head"),
    Command("db check"),
    Command("db stats"),
    Command("models check {strict} 2 --to staging", (4,)),
    Command("runs show {run}", every=3),
    Command("runs metrics {run}", every=12),
    Command("runs compare {run} {other_run}", every=12),
    Command("runs lineage {run}", every=12),
    Command("runs artifacts list {run} texts", ANSWERED, every=12),
    Command("experiments show {experiment}", ANSWERED, every=12),
    Command("models show {model}", every=3),
    Command("models show {model} --csv", every=12),
    Command("models lineage {model}", every=12),
    Command("models check {model} 2", (0, 4), every=8),
    Command("versions show {version}", every=3),
    Command("versions show {version} --csv", every=12),
    Command("versions files {version}", every=12),
    Command("approvals show {request}", every=8),
    Command("audit show {record}", every=8),
    Command("runs show {text}", ANSWERED, every=4),
    Command("{text}", ANSWERED, every=8),
    Command("runs list --filter {text}", ANSWERED, every=8),
    Command("experiments tag {text} {text}=x", ANSWERED, every=8),
    Command("models create {text}", ANSWERED, every=8),
    Command("--as {text} policy whoami", ANSWERED, every=8),
    Command("--workspace {text} runs list", (1, 2, 3), every=8),
    Command("prompts show {prompt}/1", every=3),
    Command("prompts show {prompt}", every=12),
    Command("prompts about {prompt}", every=12),
    Command("prompts versions {prompt}", every=12),
    Command("prompts diff {prompt} 1 2", every=12),
    Command("prompts show {text}", ANSWERED, every=12),
    Command("traces show {trace}", every=3),
    Command("traces list --filter {text}", ANSWERED, every=12),
    Command("webhooks show {webhook}", every=12),
    Command("endpoints show {endpoint}", every=3),
    Command("endpoints history {endpoint}", every=8),
    Command("endpoints rollouts {endpoint}", ANSWERED, every=12),
    Command("endpoints planes"),
    Command("doctor"),
    Command("info"),
    Command("drift check {before} {after}"),
    Command("drift profile {after}", every=4),
    Command("drift baselines {model} 1", every=12),
    Command("alerts show {alert}"),
    Command("alerts changes {alert}", every=4),
    Command("alerts silences"),
    Command("monitors show {monitor}", every=2),
    Command("monitors result {result}", every=2),
    Command("endpoints show {text}", ANSWERED, every=12),
    Command("endpoints kill {endpoint} --reason {text} --dry-run", ANSWERED, every=12),
    Command("telemetry stats"),
    Command("telemetry predictions {endpoint}", every=8),
    Command("labels show {text}", ANSWERED, every=12),
    Command("webhooks deliveries {webhook}", every=12),
    Command("webhooks create {text} https://hooks.example/{text} --event {text}", ANSWERED, every=12),
    Command("tokens create {text}", ANSWERED, every=8),
    Command("tokens revoke {token} --reason {text}", ANSWERED, every=8),
    Command("server status", (0, 1, 3)),
    Command("server --host {text}", (1, 2, 3), every=12),
    Command("import mlflow {text}", (1, 2, 3), every=8),
    Command("export mlflow exported"),
    Command("completion bash"),
)
"""Every noun of the command line at least once."""

NOT_SWEPT = {
    "console": "the console has a sweep of its own",
    "demo": "it trains for seconds, and shows what we wrote",
    "init": "it makes a workspace, and shows its path",
    "predict": "it scores files of one's own; what it writes has tests of its own",
    "serve": "it answers until it is ended; what it answers has tests of its own",
    "up": "it runs until it is ended",
    "web": "it shows the console; what it answers has tests of its own",
}
"""Nouns of the command line without a place, with the reason."""
