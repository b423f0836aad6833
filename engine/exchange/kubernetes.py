"""An endpoint in the words of a cluster: KServe's InferenceService, or a Deployment with a Service.

A cluster takes fields that it does not know, or not in that mode, and says nothing: `canaryTrafficPercent` outside
Knative, a weight on a Service, a shadow anywhere. What would be lost that way is refused here instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.core.errors import Conflict, InvalidInput, NotServable
from engine.core.text import clean
from engine.endpoints.model import Deployment, Endpoint, Share
from engine.runtimes.model import RuntimeKind

if TYPE_CHECKING:
    from engine.api import Engine

Document = dict[str, Any]

LONGEST_NAME = 40
"""Longest name of an object here: KServe adds to it, and the whole must stay below 64 letters."""

STORAGE = "pvc://quarterdeck-models/{model}/{version}"
"""Where a cluster looks for a version's files unless told otherwise."""

_SCHEMES = ("pvc", "s3", "gs", "https", "http", "hdfs", "webhdfs", "hf", "oci")
_PORT = 8080
_CONVERTED = (RuntimeKind.LINEAR, RuntimeKind.TREES, RuntimeKind.TWIN, RuntimeKind.ONNX)
_MLSERVER = {"sklearn": "mlserver_sklearn.SKLearnModel", "mlflow": "mlserver_mlflow.MLflowRuntime"}


class Target(StrEnum):
    """What a manifest is for."""

    KSERVE = "kserve"
    K8S = "k8s"


class CanaryForm(StrEnum):
    """How KServe is told of a canary; each form means nothing in the other's mode."""

    KNATIVE = "knative"
    """`canaryTrafficPercent`, between the revision that was rolled out last and this one."""
    STANDARD = "standard"
    """`spec.canary[]`, from KServe 0.20 on."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a manifest is to be like.

    Args:
        target: What it is for.
        canary: How KServe is told of a canary; `None` where there is none.
        live_only: Leave out canaries and shadows.
        namespace: Where its objects go; empty leaves that to whoever applies it.
        storage_uri: Where a version's files are; `{model}` and `{version}` are put in.
        image: Of the server in a plain Deployment: one that speaks v2 at port 8080.
    """

    target: Target
    canary: CanaryForm | None = None
    live_only: bool = False
    namespace: str = ""
    storage_uri: str = STORAGE
    image: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is to be applied.

    Args:
        text: YAML, with what to know before as comments.
        notes: The same sentences.
    """

    text: str
    notes: tuple[str, ...]


def export_endpoint(engine: Engine, name: str, options: Options) -> Manifest:
    """Put an endpoint in the words of a cluster.

    Args:
        engine: The workspace.
        name: The endpoint's name.
        options: What the manifest is to be like.

    Returns:
        The manifest.

    Raises:
        NotFound: there is no such endpoint.
        Conflict: nothing is live behind it, it is killed, or the target would silently ignore how it is routed.
        NotServable: no server of a cluster reads a version's files.
        InvalidInput: an option cannot be one.
    """
    endpoint = engine.endpoints.get(name)
    files = {
        each.version: [file.path for file in engine.models.files(each.model, each.version)]
        for each in endpoint.deployments
        if each.share in {Share.LIVE, Share.CANARY}
    }
    return manifest_of(endpoint, files, options)


def manifest_of(endpoint: Endpoint, files: Mapping[int, Sequence[str]], options: Options) -> Manifest:
    """The pure half of `export_endpoint`.

    Args:
        endpoint: The endpoint.
        files: Paths of the files of the versions that answer, by number.
        options: What the manifest is to be like.

    Returns:
        The manifest.

    Raises:
        Conflict: nothing is live behind it, it is killed, or the target would silently ignore how it is routed.
        NotServable: no server of a cluster reads a version's files.
        InvalidInput: an option cannot be one.
    """
    import yaml  # only who exports needs it

    _check(options)
    live, canaries = _routed(endpoint, options)
    formats = {each.version: _format(each, files.get(each.version, ())) for each in (live, *canaries)}
    if options.target is Target.K8S:
        documents = _plain(endpoint, live, formats[live.version], options)
    else:
        documents = [_kserve(endpoint, live, canaries, formats, options)]
    notes = tuple(_notes(endpoint, live, canaries, formats, options))
    body = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=False, default_flow_style=False)
    return Manifest("".join(f"# {each}\n" for each in notes) + body, notes)


def dns_name(text: str, *, limit: int = LONGEST_NAME) -> str:
    """A name for an object in a cluster: RFC 1123 letters, beginning with one; two texts never get the same.

    Args:
        text: What it stands for; any text.
        limit: Longest name, in letters.

    Returns:
        The text itself where it is such a name, else what is left of it and eight digits of its hash.
    """
    if len(text) <= limit and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", text):
        return text
    number = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    kept = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[: limit - 11].strip("-")
    return "-".join(part for part in ("" if kept[:1].isalpha() else "m", kept, number) if part)


def _check(options: Options) -> None:
    scheme = options.storage_uri.partition("://")[0]
    if scheme not in _SCHEMES or not re.fullmatch(r"[\x21-\x7e]{1,1000}", options.storage_uri):
        raise InvalidInput(
            "No cluster can fetch files from that storage URI.", hint=f"Begin it with one of {', '.join(_SCHEMES)}://."
        )
    if options.namespace and not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", options.namespace):
        raise InvalidInput("That cannot be a namespace.", hint="Use up to 63 small letters, digits and -.")
    if options.target is Target.K8S:
        _check_plain(options)


def _check_plain(options: Options) -> None:
    if options.canary is not None:
        raise InvalidInput("Plain Kubernetes has no canary.", hint="Take --format kserve, or --live-only.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}", options.image):
        raise InvalidInput(
            "A Deployment needs the image of a server.", hint="Add --image with one that speaks v2 at port 8080."
        )
    if not re.fullmatch(r"pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/.*)?", options.storage_uri):
        raise InvalidInput(
            "Plain Kubernetes fetches no files: they must lie in a volume.", hint="Add --storage-uri pvc://CLAIM/PATH."
        )


def _routed(endpoint: Endpoint, options: Options) -> tuple[Deployment, list[Deployment]]:
    """Who is to answer there; refuses what the target would not do."""
    by_share = {share: [each for each in endpoint.deployments if each.share is share] for share in Share}
    name = clean(endpoint.name, limit=100)
    if not by_share[Share.LIVE]:
        raise Conflict(f"No version of {name} is live.", hint=f"Deploy one with `qd endpoints deploy {name} VERSION`.")
    if endpoint.desired is not None and endpoint.desired.killed:
        raise Conflict(
            f"{name} is killed: every request is refused here, and a cluster would answer them.",
            hint=f"Revive it first with `qd endpoints revive {name}`.",
        )
    live, canaries = by_share[Share.LIVE][0], by_share[Share.CANARY]
    if options.live_only:
        return live, []
    problem = _lost(canaries, by_share[Share.SHADOW], options)
    if problem:
        raise Conflict(problem, hint="Add --live-only to export the live version alone.")
    _check_templates(options, canaries)
    return live, canaries


def _lost(canaries: Sequence[Deployment], shadows: Sequence[Deployment], options: Options) -> str:
    """What the target would silently not do."""
    if shadows:
        target = "KServe" if options.target is Target.KSERVE else "Kubernetes"
        return f"{clean(shadows[0].key, limit=100)} is a shadow, and {target} would never send it a copy of a request."
    return _canary_lost(canaries, options) if canaries else ""


def _canary_lost(canaries: Sequence[Deployment], options: Options) -> str:
    named = clean(canaries[0].key, limit=100)
    if options.target is Target.K8S:
        return f"{named} is a canary, and a plain Service knows no weights: it would get as much as its pods are many."
    if options.canary is None:
        return f"{named} is a canary: say how KServe is told so, with --canary knative or --canary standard."
    if options.canary is CanaryForm.KNATIVE and len(canaries) > 1:
        return f"There are {len(canaries)} canaries, and canaryTrafficPercent knows one revision and the one before."
    broken = next((each for each in canaries if each.weight % 10), None)
    if broken is not None:
        return f"{clean(broken.key, limit=100)} gets {broken.weight / 10:g} %, and KServe counts whole percents."
    return ""


def _check_templates(options: Options, canaries: Sequence[Deployment]) -> None:
    if canaries and "{version}" not in options.storage_uri:
        raise InvalidInput(
            "All versions would be fetched from the same place.", hint="Put {version} into the storage URI."
        )


def _format(deployment: Deployment, files: Sequence[str]) -> str:
    """What a version's files are to a cluster's server."""
    if deployment.kind in _CONVERTED:
        return "onnx"
    if "MLmodel" in files:
        return "mlflow"
    if any(each.endswith((".joblib", ".pkl", ".pickle")) for each in files):
        return "sklearn"
    raise NotServable(
        f"{clean(deployment.key, limit=100)} has no ONNX form, and no server of a cluster reads its files.",
        hint="Register it as MLflow model or joblib file too, or serve it with `qd serve`.",
    )


def _storage(deployment: Deployment, options: Options) -> str:
    uri = options.storage_uri.replace("{model}", dns_name(deployment.model))
    return uri.replace("{version}", str(deployment.version))


def _metadata(endpoint: Endpoint, name: str, versions: Sequence[Deployment], options: Options) -> Document:
    number = 0 if endpoint.desired is None else endpoint.desired.number
    told = {
        "quarterdeck/endpoint": clean(endpoint.name, limit=200),
        "quarterdeck/generation": str(number),
        "quarterdeck/versions": clean(", ".join(each.key for each in versions), limit=500),
    }
    place = {"namespace": options.namespace} if options.namespace else {}
    return {"name": name, **place, "labels": {"app.kubernetes.io/name": name}, "annotations": told}


def _kserve(
    endpoint: Endpoint,
    live: Deployment,
    canaries: Sequence[Deployment],
    formats: Mapping[int, str],
    options: Options,
) -> Document:
    def predictor(deployment: Deployment) -> Document:
        return {
            "model": {
                "modelFormat": {"name": formats[deployment.version]},
                "protocolVersion": "v2",
                "storageUri": _storage(deployment, options),
            }
        }

    metadata = _metadata(endpoint, dns_name(endpoint.name), (live, *canaries), options)
    spec: Document = {"predictor": predictor(live)}
    if options.canary is not None:
        modes = {CanaryForm.KNATIVE: "Knative", CanaryForm.STANDARD: "Standard"}
        metadata["annotations"]["serving.kserve.io/deploymentMode"] = modes[options.canary]
    if canaries and options.canary is CanaryForm.KNATIVE:
        spec["predictor"] = {"canaryTrafficPercent": canaries[0].weight // 10, **predictor(canaries[0])}
    elif canaries:
        spec["canary"] = [
            {"trafficPercent": each.weight // 10, "predictor": {"name": f"v{each.version}", **predictor(each)}}
            for each in canaries
        ]
    kind = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService"}
    return {**kind, "metadata": metadata, "spec": spec}


def _plain(endpoint: Endpoint, live: Deployment, model_format: str, options: Options) -> list[Document]:
    name = dns_name(endpoint.name)
    metadata = _metadata(endpoint, name, (live,), options)
    labels = {"app.kubernetes.io/name": name}
    claim, _, path = _storage(live, options).removeprefix("pvc://").partition("/")
    mount = {"name": "model", "mountPath": "/mnt/models", "readOnly": True, **({"subPath": path} if path else {})}
    probes = {
        f"{word}Probe": {"httpGet": {"path": f"/v2/health/{at}", "port": "http"}, "periodSeconds": 5}
        for word, at in (("readiness", "ready"), ("liveness", "live"))
    }
    container = {
        "name": "model",
        "image": options.image,
        **_started(live, model_format),
        "ports": [{"name": "http", "containerPort": _PORT}],
        "volumeMounts": [mount],
        **probes,
    }
    volume = {"name": "model", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": dict(labels)},
                "spec": {"containers": [container], "volumes": [volume]},
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(endpoint, name, (live,), options),
        "spec": {"selector": dict(labels), "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
    return [deployment, service]


def _started(live: Deployment, model_format: str) -> Document:
    """How the server in the image is started: as Triton for ONNX, as MLServer for the rest."""
    if model_format == "onnx":
        return {"args": ["tritonserver", "--model-repository=/mnt/models", f"--http-port={_PORT}"]}
    told = {
        "MLSERVER_MODEL_NAME": dns_name(live.model),
        "MLSERVER_MODEL_IMPLEMENTATION": _MLSERVER[model_format],
        "MLSERVER_MODEL_URI": "/mnt/models",
        "MLSERVER_HTTP_PORT": str(_PORT),
    }
    return {"env": [{"name": name, "value": value} for name, value in told.items()]}


def _notes(
    endpoint: Endpoint,
    live: Deployment,
    canaries: Sequence[Deployment],
    formats: Mapping[int, str],
    options: Options,
) -> list[str]:
    said = []
    for each in (live, *canaries):
        key = clean(each.key, limit=100)
        what = {
            "onnx": f"`qd models export {key} --onnx model.onnx`, as {dns_name(each.model)}/1/model.onnx",
            "mlflow": "its files, with MLmodel at the top",
            "sklearn": "its joblib or pickle file",
        }[formats[each.version]]
        said.append(f"Before applying, put {key} at {_storage(each, options)}: {what}.")
    if canaries and options.canary is CanaryForm.KNATIVE:
        said.append(
            "Apply the manifest of --live-only first and wait until it is ready: Knative splits between the revision "
            "that was rolled out last and this one; without one before, all requests go to this one."
        )
    if canaries and options.canary is CanaryForm.STANDARD:
        said.append("spec.canary needs KServe 0.20 or newer with Gateway API, whose routes carry the weights.")
    if canaries and endpoint.key != "request":
        said.append(
            f"Callers are kept on one version here (by {clean(endpoint.key, limit=100)}); a cluster keeps nobody."
        )
    return said
