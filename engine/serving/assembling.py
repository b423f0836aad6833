"""From what is desired to a table: loaded versions as one generation routes to them."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from engine.endpoints.model import Share, weights
from engine.runtimes.row_check import RowCheck
from engine.server.exchange import header_line
from engine.serving.batcher import Batcher
from engine.serving.calls import JSON
from engine.serving.router import laid_out
from engine.serving.table import Loaded, Served, Target
from engine.serving.tally import Tally
from engine.telemetry.model import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.endpoints.model import DesiredDeployment, DesiredEndpoint, Route
    from engine.runtimes.model import Runtime
    from engine.serving.router import Layout

_ANSWERING = (Share.LIVE, Share.CANARY)


def loaded(wanted: DesiredDeployment, runtime: Runtime) -> Loaded:
    """A deployment in memory.

    Args:
        wanted: What it is.
        runtime: Its model, loaded and warm.
    """
    turn = Lock()
    return Loaded(
        wanted.id,
        wanted.model,
        wanted.version,
        wanted.build,
        runtime,
        RowCheck(runtime.interface),
        Batcher(runtime, turn, f"model-{wanted.id}"),
        turn,
        runtime.gathers,
        wanted.tags,
    )


def served(desired: DesiredEndpoint, known: Mapping[int, Loaded], *, problem: str = "") -> Served:
    """An endpoint as its newest generation wants it.

    Args:
        desired: What is wanted.
        known: What is loaded, by deployment number; whatever is not there is left out.
        problem: Why something is not loaded; empty when all is.
    """
    targets = {
        each.id: _target(desired, known[each.id], each.route.share) for each in desired.deployments if each.id in known
    }
    kind, _, name = desired.key.partition(":")
    return Served(
        row_id=desired.row_id,
        name=desired.name,
        model=desired.model,
        generation=desired.generation,
        killed=desired.killed,
        problem=problem,
        key_kind=kind,
        key_name=name.lower() if kind == "header" else name,
        salt=desired.salt.encode(),
        capture=desired.capture,
        live=next((each for each in targets.values() if each.share is Share.LIVE), None),
        targets=targets,
        layout=_layout(desired),
        shadows=tuple(each for each in targets.values() if each.share is Share.SHADOW),
    )


def _target(desired: DesiredEndpoint, found: Loaded, share: Share) -> Target:
    columns = tuple(each.name for each in found.runtime.interface.inputs)
    origin = Origin(
        desired.row_id, found.deployment, desired.generation, share.value, found.model, found.version, columns
    )
    # A version that is asked for by name answers whatever its share is; that it is no canary is all there is to say.
    told = Share.CANARY if share is Share.CANARY else Share.LIVE
    headers = (
        (b"x-model-version", f"{found.model}/{found.version}".encode("ascii", "backslashreplace")),
        (b"x-deployment-generation", b"%d" % desired.generation),
        (b"x-deployment-share", told.value.encode("ascii")),
    )
    lines = b"".join(header_line(name, value) for name, value in (JSON, *headers))
    return Target(found, share, headers, lines, Tally(origin), Tally(origin))


def _layout(desired: DesiredEndpoint) -> Layout:
    """Who has which bucket, after all moves since everything was one's; empty when it still is."""
    routes = tuple(each.route for each in desired.deployments)
    if len([each for each in routes if each.share in _ANSWERING and (each.weight or each.share is Share.LIVE)]) < 2:
        return ()
    layout: Layout = ()
    for each in (*desired.earlier, routes):
        layout = _moved(layout, each)
    return layout


def _moved(before: Layout, routes: tuple[Route, ...]) -> Layout:
    live = next((each.deployment for each in routes if each.share is Share.LIVE), None)
    return before if live is None else laid_out(weights(routes), before, rest=live)
