"""What the demo serves: an endpoint for each of its models, a canary on its way and a shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.endpoints.model import Share

if TYPE_CHECKING:
    from engine.api import Engine

CAPTURED = {"car-loan": 1.0}
"""Shares of the demo's requests that are captured: all loans, which are watched."""

_USUAL = 0.5

PLAN = "10% 30m -> 50% 1h -> 100%"
"""How the demo's canary is rolled out; slow enough to be found on its way."""


def open_endpoints(engine: Engine) -> None:
    """Make an endpoint for each model, with the Production version live behind it.

    Args:
        engine: The workspace, with the models' Production decided.

    Raises:
        WorkspaceError: the workspace cannot be written.
        NotServable: a version cannot be made ready.
    """
    for model in engine.models.page().items:
        engine.endpoints.create(
            model.name,
            model.name,
            description=model.description,
            owner=model.owner,
            key="request",
            capture=CAPTURED.get(model.name, _USUAL),
        )
        engine.endpoints.deploy(model.name, model.production[0], reason="what the review agreed on")
    engine.endpoints.deploy("car-loan", 3, share=Share.SHADOW, reason="does the plain linear model answer alike?")
    engine.rollouts.start("breast-cancer", 3, plan=PLAN, reason="best AUC; a little traffic while maria decides")
