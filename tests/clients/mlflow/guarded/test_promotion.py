"""The client on a workspace whose policy asks for an approval and a good score before Production."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.clients.mlflow.wire import LONGEST_S, refused

if TYPE_CHECKING:
    from mlflow import MlflowClient


def test_what_the_policy_forbids_is_refused_at_once(client: MlflowClient, run: str) -> None:
    root = client.get_run(run).info.artifact_uri
    client.log_metric(run, "accuracy", 0.99)
    client.log_text(run, "{}", "model/MLmodel")
    client.create_registered_model("churn")
    version = client.create_model_version("churn", f"{root}/model", run).version
    assert client.transition_model_version_stage("churn", version, "Staging").current_stage == "Staging"
    began = time.monotonic()
    for stage in ("Production", "production"):
        said = refused(client.transition_model_version_stage, "churn", version, stage)
        assert (said.code, said.status) == ("PERMISSION_DENIED", 403)
        assert "approval" in said.message
    said = refused(client.set_registered_model_alias, "churn", "champion", version)
    assert (said.code, said.status) == ("PERMISSION_DENIED", 403)
    assert time.monotonic() - began < LONGEST_S
    found = client.get_model_version("churn", version)
    assert (found.current_stage, found.aliases) == ("Staging", [])
    client.set_registered_model_alias("churn", "candidate", version)


def test_a_model_that_the_policy_does_not_name_is_promoted(client: MlflowClient, name: str, run: str) -> None:
    root = client.get_run(run).info.artifact_uri
    client.log_text(run, "{}", "model/MLmodel")
    client.create_registered_model(name)
    version = client.create_model_version(name, f"{root}/model", run).version
    moved = client.transition_model_version_stage(name, version, "Production")
    assert moved.current_stage == "Production"
