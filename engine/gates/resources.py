"""The gate `resources`: what is loaded is small enough, and loads quickly enough."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from engine.gates.budget import Limit, judge
from engine.gates.model import Facts, GateResult, Unit

if TYPE_CHECKING:
    from engine.policy.served import ResourcesGate


def run(spec: ResourcesGate, facts: Facts) -> GateResult:
    """Hold file size, memory and load time of the built model against their limits; a limit itself passes.

    The libraries' own memory and time are in the evidence and do not count: they are shared by all models of a server.

    Args:
        spec: The limits, at least one of them given.
        facts: What is known of the version.

    Returns:
        The answer; value and threshold are of the first limit that is broken, else of the first.

    Raises:
        QuarterdeckError: the version cannot be built, or does not load.
    """
    weight = facts.tried.weight()
    limits = []
    if spec.file_bytes is not None:
        limits.append(Limit("the file to load", weight.file_bytes, spec.file_bytes, Unit.BYTES))
    if spec.memory_bytes is not None:
        limits.append(Limit("the memory", weight.model_bytes, spec.memory_bytes, Unit.BYTES))
    if spec.load_ms is not None:
        limits.append(Limit("the load time", weight.load_ms, spec.load_ms, Unit.MILLISECONDS))
    return judge(spec.gate, "", limits, asdict(weight), f"Loaded as {weight.runtime}.")
