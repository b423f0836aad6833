"""One version: where it stands, what it is made of, and what the gates last said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.drift.baselines import baseline_lines
from console.endpoints.words import DEPLOYED, percent
from console.formats import STAGES, age, logged, moment, number, pill, size
from console.resources.versions import ACTIONS as VERSION_ACTIONS
from console.screens.gate_lines import report_lines
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.document import Line, blank, fields, heading
from engine.core.errors import InvalidInput
from engine.endpoints.model import Deployment
from engine.gates.model import GateReport
from engine.registry.model import Stage, Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.events import Changes
    from engine.drift.baseline_model import Baseline
    from engine.registry.model import Column


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What the page shows.

    Args:
        version: The version.
        report: The gates' latest stored answers for Production, or `None`.
        deployed: Where endpoints have it loaded.
        baselines: What windows of it are compared with, the one in force first.
    """

    version: Version
    report: GateReport | None
    deployed: tuple[Deployment, ...] = ()
    baselines: tuple[Baseline, ...] = ()


def parse_key(name: str) -> tuple[str, int]:
    """Read `churn/7`.

    Raises:
        InvalidInput: it is not of that form.
    """
    model, _, number_text = name.rpartition("/")
    if not model or not number_text.isdigit():
        raise InvalidInput("A version is named MODEL/NUMBER.", hint="Such as churn/7.")
    return model, int(number_text)


class VersionView(Page[VersionFacts]):
    """The version that the location names."""

    kinds = frozenset({"version", "endpoint"})
    actions = tuple(action for action in VERSION_ACTIONS if action.name not in ("open", "board"))

    def fetch(self) -> VersionFacts:
        """The version and its latest evidence.

        Raises:
            InvalidInput: the name is not of the form `churn/7`.
            NotFound: there is no such version.
        """
        model, number_ = parse_key(self.location.name)
        engine = self.deck.engine
        return VersionFacts(
            engine.models.version(model, number_),
            engine.gates.latest(model, number_, Stage.PRODUCTION),
            engine.endpoints.of_version(model, number_),
            engine.drift.baselines(model, number_),
        )

    def changed(self, changes: Changes) -> None:
        """Only news of this version count."""
        if changes.missed or any(
            event.kind == "endpoint" or (event.kind == "version" and event.key == self.location.name)
            for event in changes.events
        ):
            self.load()

    def subject(self) -> object | None:
        """The version, wherever the cursor is."""
        return self.data.version if self.data is not None else None

    def lines(self, data: VersionFacts, width: int) -> Sequence[Line]:
        """Facts, metrics and parameters, signature, evidence."""
        version, now_ms = data.version, self.deck.now_ms()
        lines = [
            Line(
                [(" ", ""), (version.key, "strong"), ("   ", ""), pill(STAGES, version.stage.value), *_aliases(version)]
            ),
            Line([(f"   since {moment(version.stage_ms)} ({age(version.stage_ms, now_ms)})", "dim")]),
            blank(),
            *fields(_facts(version)),
        ]
        if data.deployed:
            lines += [blank(), heading("Serves"), *_deployed(data.deployed)]
        if version.description:
            lines += [Line([(f"  {text}", "")]) for text in wrap(version.description, max(width - 4, 20))]
        lines += [blank(), *baseline_lines(data.baselines, now_ms)]
        lines += [
            blank(),
            heading("Metrics at registration"),
            *_pairs([(k, number(v)) for k, v in version.metrics.items()]),
        ]
        lines += [blank(), heading("Parameters"), *_pairs([(k, logged(v)) for k, v in version.params.items()])]
        lines += [blank(), heading("Signature"), *_signature(version)]
        if version.tags:
            lines += [blank(), heading("Tags"), *_pairs(sorted(version.tags.items()))]
        lines.append(blank())
        if data.report is None:
            lines += [heading("Gates for Production"), Line([("  not run yet; p runs them", "dim")])]
        else:
            lines += report_lines(data.report, now_ms, width)
        return lines


def _deployed(deployed: Sequence[Deployment]) -> list[Line]:
    rows: list[list[Part]] = [
        [
            (f"  {each.endpoint}", "name"),
            pill(DEPLOYED, each.state.value),
            (percent(each.weight) if each.weight else "", ""),
            (each.kind.value, "dim"),
        ]
        for each in deployed
    ]
    return [Line(row) for row in table(rows)]


def _aliases(version: Version) -> list[Part]:
    return [(f"  @{alias}", "link") for alias in version.aliases]


def _facts(version: Version) -> list[tuple[str, Part]]:
    data = " ".join(filter(None, (version.data_name, version.data_digest[:16])))
    return [
        ("digest", (version.digest, "dim")),
        ("size", (f"{size(version.size_bytes)}  {version.flavor} {version.format}".rstrip(), "")),
        ("run", (f"{version.run_id or 'none'}  {version.artifact_path}", "")),
        ("data", (data or "not known", "" if data else "dim")),
        ("owner", (version.owner or "nobody", "" if version.owner else "warn")),
        ("registered", (f"{moment(version.created_ms)} by {version.created_by}", "")),
    ]


def _pairs(pairs: Sequence[tuple[str, str]]) -> list[Line]:
    if not pairs:
        return [Line([("  none", "dim")])]
    return [Line(row) for row in table([[(f"  {key}", ""), (value, "strong")] for key, value in sorted(pairs)])]


def _signature(version: Version) -> list[Line]:
    if version.signature is None:
        return [Line([("  none", "warn")])]
    rows: list[list[Part]] = []
    for side, columns in (("in", version.signature.inputs), ("out", version.signature.outputs)):
        rows += [
            [(f"  {side}", "dim"), (column.name or "(tensor)", ""), (_dtype(column), "link")] for column in columns
        ]
    return [Line(row) for row in table(rows)]


def _dtype(column: Column) -> str:
    return column.dtype + (str(list(column.shape)) if column.shape else "")
