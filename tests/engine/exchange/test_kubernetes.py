"""Endpoints in the words of a cluster, held to forms written by hand after KServe's and Kubernetes' own documents."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Conflict, InvalidInput, NotFound, NotServable
from engine.endpoints.model import Endpoint, Share
from engine.exchange.kubernetes import (
    LONGEST_NAME,
    CanaryForm,
    Options,
    Target,
    dns_name,
    export_endpoint,
    manifest_of,
)
from engine.runtimes.model import RuntimeKind
from tests.engine.endpoints.desk import Desk

KSERVE = Options(Target.KSERVE)
KNATIVE = Options(Target.KSERVE, CanaryForm.KNATIVE, storage_uri="s3://models/{model}/{version}")
STANDARD = Options(Target.KSERVE, CanaryForm.STANDARD, storage_uri="s3://models/{model}/{version}")
PLAIN = Options(Target.K8S, image="tritonserver:24.01")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.endpoint(4)
    yield made
    made.database.close()


def documents(desk: Desk, options: Options, name: str = "churn") -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(export_endpoint(desk.engine(), name, options).text))


def predictor(version: int, uri: str = "s3://models/churn/{}", kind: str = "onnx") -> dict[str, Any]:
    model = {"modelFormat": {"name": kind}, "protocolVersion": "v2", "storageUri": uri.format(version)}
    return {"model": model}


def metadata(versions: str, generation: int, **annotations: str) -> dict[str, Any]:
    told = {"quarterdeck/endpoint": "churn", "quarterdeck/generation": str(generation)}
    return {
        "name": "churn",
        "labels": {"app.kubernetes.io/name": "churn"},
        "annotations": {**told, "quarterdeck/versions": versions, **annotations},
    }


def test_a_live_version_is_an_inference_service(desk: Desk) -> None:
    assert documents(desk, KSERVE) == [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata("churn/1", 1),
            "spec": {"predictor": predictor(1, "pvc://quarterdeck-models/churn/{}")},
        }
    ]


def test_a_canary_in_knative_mode_is_a_percentage_on_the_predictor(desk: Desk) -> None:
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    mode = {"serving.kserve.io/deploymentMode": "Knative"}
    assert documents(desk, KNATIVE) == [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata("churn/1, churn/2", 2, **mode),
            "spec": {"predictor": {"canaryTrafficPercent": 10, **predictor(2)}},
        }
    ]
    notes = export_endpoint(desk.engine(), "churn", KNATIVE).notes
    assert any("--live-only first" in each for each in notes)
    first = documents(desk, replace(KNATIVE, live_only=True))
    assert first[0]["spec"] == {"predictor": predictor(1)}
    assert first[0]["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Knative"


def test_canaries_in_standard_mode_are_a_list_beside_the_predictor(desk: Desk) -> None:
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    desk.endpoints.deploy("churn", 3, share=Share.CANARY, weight=250, reason="try")
    mode = {"serving.kserve.io/deploymentMode": "Standard"}
    assert documents(desk, STANDARD) == [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata("churn/1, churn/2, churn/3", 3, **mode),
            "spec": {
                "predictor": predictor(1),
                "canary": [
                    {"trafficPercent": 10, "predictor": {"name": "v2", **predictor(2)}},
                    {"trafficPercent": 25, "predictor": {"name": "v3", **predictor(3)}},
                ],
            },
        }
    ]


def test_a_live_version_is_a_deployment_and_a_service(desk: Desk) -> None:
    deployment, service = documents(desk, replace(PLAIN, namespace="scoring"))
    place = {**metadata("churn/1", 1), "namespace": "scoring"}
    labels = {"app.kubernetes.io/name": "churn"}
    assert deployment == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": place,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {
                            "name": "model",
                            "image": "tritonserver:24.01",
                            "args": ["tritonserver", "--model-repository=/mnt/models", "--http-port=8080"],
                            "ports": [{"name": "http", "containerPort": 8080}],
                            "volumeMounts": [
                                {"name": "model", "mountPath": "/mnt/models", "readOnly": True, "subPath": "churn/1"}
                            ],
                            "readinessProbe": {
                                "httpGet": {"path": "/v2/health/ready", "port": "http"},
                                "periodSeconds": 5,
                            },
                            "livenessProbe": {
                                "httpGet": {"path": "/v2/health/live", "port": "http"},
                                "periodSeconds": 5,
                            },
                        }
                    ],
                    "volumes": [
                        {
                            "name": "model",
                            "persistentVolumeClaim": {"claimName": "quarterdeck-models", "readOnly": True},
                        }
                    ],
                },
            },
        },
    }
    assert service == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": place,
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here to decode it")
def test_kubectl_decodes_the_deployment_and_the_service(desk: Desk) -> None:
    deployment, service = export_endpoint(desk.engine(), "churn", PLAIN).text.split("\n---\n")

    def decoded(document: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", "set", *words, "--local", "-f", "-", "-o", "yaml"]
        return subprocess.run(command, input=document, capture_output=True, text=True, check=False, timeout=30)

    for document, *words in ((deployment, "env", "QD_TRIED=1"), (service, "selector", "tried=yes")):
        found = decoded(document, *words)
        assert found.returncode == 0, found.stderr
        kept = yaml.safe_load(found.stdout)["metadata"]
        assert kept["annotations"] == yaml.safe_load(document)["metadata"]["annotations"]
    wrong = decoded(re.sub(r"containerPort: .*", "containerPort: many", deployment), "env", "QD_TRIED=1")
    assert "containerPort" in wrong.stderr, "it does read what it is given"


@pytest.mark.parametrize(
    ("options", "weights", "sentence"),
    [
        (PLAIN, {2: 100}, "churn/2 is a canary, and a plain Service knows no weights"),
        (KSERVE, {2: 100}, "churn/2 is a canary: say how KServe is told so"),
        (KNATIVE, {2: 100, 3: 100}, "There are 2 canaries, and canaryTrafficPercent knows one revision"),
        (KNATIVE, {2: 125}, "churn/2 gets 12.5 %, and KServe counts whole percents"),
        (STANDARD, {2: 100, 3: 5}, "churn/3 gets 0.5 %, and KServe counts whole percents"),
    ],
)
def test_what_a_cluster_would_silently_ignore_is_refused(
    desk: Desk, options: Options, weights: dict[int, int], sentence: str
) -> None:
    for version, weight in weights.items():
        desk.endpoints.deploy("churn", version, share=Share.CANARY, weight=weight, reason="try")
    with pytest.raises(Conflict, match=re.escape(sentence)) as refused:
        documents(desk, options)
    assert "--live-only" in refused.value.hint
    alone = documents(desk, replace(options, live_only=True))
    assert "canary" not in alone[0]["spec"]
    assert "canaryTrafficPercent" not in str(alone)
    assert alone[0]["metadata"]["annotations"]["quarterdeck/versions"] == "churn/1"


@pytest.mark.parametrize("options", [PLAIN, KSERVE, KNATIVE, STANDARD])
def test_a_shadow_is_refused_for_no_cluster_mirrors(desk: Desk, options: Options) -> None:
    desk.endpoints.shadow("churn", 2, reason="compare")
    with pytest.raises(Conflict, match="churn/2 is a shadow"):
        documents(desk, options)
    assert documents(desk, replace(options, live_only=True))


def test_a_standby_is_no_part_of_a_manifest(desk: Desk) -> None:
    desk.endpoints.deploy("churn", 2, reason="better")
    (only,) = documents(desk, KSERVE)
    assert only["metadata"]["annotations"]["quarterdeck/versions"] == "churn/2"


def test_nothing_live_or_a_killed_endpoint_is_refused(desk: Desk) -> None:
    desk.endpoints.kill("churn", reason="fire")
    with pytest.raises(Conflict, match="churn is killed"):
        documents(desk, replace(KSERVE, live_only=True))
    desk.endpoints.create("empty", "churn")
    with pytest.raises(Conflict, match="No version of empty is live"):
        documents(desk, KSERVE, "empty")
    with pytest.raises(NotFound):
        documents(desk, KSERVE, "nobody")


def with_kind(desk: Desk, kind: RuntimeKind) -> Endpoint:
    found = desk.endpoints.get("churn")
    return replace(found, deployments=tuple(replace(each, kind=kind) for each in found.deployments))


@pytest.mark.parametrize(
    ("kind", "files", "known"),
    [
        (RuntimeKind.LINEAR, ["model.skops"], "onnx"),
        (RuntimeKind.TREES, ["model.skops"], "onnx"),
        (RuntimeKind.TWIN, ["MLmodel", "model.pkl"], "onnx"),
        (RuntimeKind.ONNX, ["model.onnx"], "onnx"),
        (RuntimeKind.SKLEARN, ["MLmodel", "model.skops"], "mlflow"),
        (RuntimeKind.ISOLATED, ["model.joblib"], "sklearn"),
    ],
)
def test_the_model_format_follows_from_the_build(desk: Desk, kind: RuntimeKind, files: list[str], known: str) -> None:
    made = manifest_of(with_kind(desk, kind), {1: files}, KSERVE)
    assert yaml.safe_load(made.text)["spec"]["predictor"]["model"]["modelFormat"] == {"name": known}


def test_files_that_no_server_of_a_cluster_reads_are_refused(desk: Desk) -> None:
    with pytest.raises(NotServable, match="churn/1 has no ONNX form"):
        manifest_of(with_kind(desk, RuntimeKind.SKLEARN), {1: ["model.skops"]}, KSERVE)


def test_mlserver_is_told_of_the_model_by_its_environment(desk: Desk) -> None:
    made = manifest_of(with_kind(desk, RuntimeKind.SKLEARN), {1: ["MLmodel"]}, PLAIN)
    (container,) = next(iter(yaml.safe_load_all(made.text)))["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [
        {"name": "MLSERVER_MODEL_NAME", "value": "churn"},
        {"name": "MLSERVER_MODEL_IMPLEMENTATION", "value": "mlserver_mlflow.MLflowRuntime"},
        {"name": "MLSERVER_MODEL_URI", "value": "/mnt/models"},
        {"name": "MLSERVER_HTTP_PORT", "value": "8080"},
    ]
    assert "args" not in container


@pytest.mark.parametrize(
    "options",
    [
        replace(KSERVE, storage_uri="file:///etc/passwd"),
        replace(KSERVE, storage_uri="s3://a b"),
        replace(KSERVE, storage_uri="s3://a\nkind: Secret"),
        replace(KSERVE, namespace="Not/One"),
        replace(PLAIN, image=""),
        replace(PLAIN, image="x\n- y"),
        replace(PLAIN, storage_uri="s3://models/{model}/{version}"),
        replace(PLAIN, canary=CanaryForm.STANDARD),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(desk: Desk, options: Options) -> None:
    with pytest.raises(InvalidInput):
        documents(desk, options)


def test_two_versions_are_never_fetched_from_one_place(desk: Desk) -> None:
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    with pytest.raises(InvalidInput, match="from the same place"):
        documents(desk, replace(STANDARD, storage_uri="s3://models/churn"))


HOSTILE = st.text(min_size=1, max_size=300)


@given(HOSTILE)
def test_a_name_for_a_cluster_is_of_rfc_1123_whatever_it_stands_for(text: str) -> None:
    name = dns_name(text)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= LONGEST_NAME
    assert dns_name(name) == name


@given(HOSTILE, HOSTILE)
def test_two_names_never_become_one(one: str, other: str) -> None:
    taken = one == dns_name(other) or other == dns_name(one)  # the name itself was asked for
    assert taken or (dns_name(one) == dns_name(other)) == (one == other)


@pytest.mark.parametrize(
    "hostile",
    ["a: b", "- x", "!!python/object:os.system", "*alias", "'\"\\", "\u2028---\nkind: Secret", "yes", "\x1b[31m", "{}"],
)
def test_hostile_names_stay_texts_in_yaml(desk: Desk, hostile: str) -> None:
    endpoint = replace(desk.endpoints.get("churn"), name=hostile, model=hostile)
    endpoint = replace(
        endpoint,
        deployments=tuple(replace(each, model=hostile) for each in endpoint.deployments),
        key=f"field:{hostile}",
    )
    made = manifest_of(endpoint, {1: []}, KSERVE)
    (document,) = yaml.safe_load_all(made.text)
    assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
    assert document["kind"] == "InferenceService"
    assert document["metadata"]["name"] == dns_name(hostile)
    assert isinstance(document["metadata"]["annotations"]["quarterdeck/endpoint"], str)
    assert made.text.isascii() or "\x1b" not in made.text
    assert all(line.startswith("# ") for line in made.text.splitlines()[: len(made.notes)])
