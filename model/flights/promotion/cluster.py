"""Production as `oc` shows and changes it: what runs, an overlay applied, the traffic moved, the wait for it.

One way to change it: an overlay of seldon/ with images, annotations and weights on top, applied whole. So what a
promotion, a rollback and a participant's `oc apply -k` do is the same, and a step that is done twice changes nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from flights import card
from flights.errors import FlightsError

NAME = card.NAME
"""The SeldonDeployment, its graph's node and its container are called as the model."""

VERSION = "mlops-workshop/model-version"
"""Annotation with the version that `main` runs; other predictors have their own, see _key()."""
_SELDON = Path(__file__).resolve().parents[3] / "seldon"


@dataclass(frozen=True, slots=True)
class Release:
    """What a predictor runs: an image by digest, and the version of its model in the registry."""

    image: str
    version: str

    @classmethod
    def of(cls, image: str, version: str) -> Release:
        """A release by an image that may have a tag too: the digest alone says what runs. FlightsError without one."""
        plain, at, digest = image.partition("@")
        if not at or not digest.startswith("sha256:"):
            raise FlightsError(f"image: got {image!r}, allowed: an image by digest, registry/name@sha256:...")
        head, slash, last = plain.rpartition("/")
        return cls(f"{head}{slash}{last.partition(':')[0]}@{digest}", version)

    @property
    def repository(self) -> str:
        """The image without its digest."""
        return self.image.partition("@")[0]

    @property
    def digest(self) -> str:
        """sha256:..."""
        return self.image.partition("@")[2]


def namespace(stage: str = "production") -> str:
    """The namespace of a stage, from the ConfigMap mlops-endpoints; FlightsError when it is not there."""
    name = f"{stage.upper()}_NAMESPACE"
    if not os.environ.get(name):
        raise FlightsError(f"{name} is not set, next: workshop shell sets it, Tasks have it from mlops-endpoints")
    return os.environ[name]


def oc(*words: str, given: str = "") -> str:
    """What `oc` prints; FlightsError with its own words when it fails."""
    done = _oc(words, given)
    if done.returncode != 0:
        raise FlightsError(f"oc {' '.join(words)} failed: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


def deployed(stage: str = "production") -> dict[str, Release]:
    """What each predictor of a stage's deployment runs; nothing when there is no deployment."""
    found = deployment(stage)
    if found is None:
        return {}
    notes = found["metadata"].get("annotations") or {}
    running = {}
    for predictor in found["spec"]["predictors"]:
        name = predictor["name"]
        image = predictor["componentSpecs"][0]["spec"]["containers"][0]["image"]
        running[name] = Release(image, notes.get(_key(name), ""))
    return running


def champion() -> Release | None:
    """What production's predictor `main` runs, or None before the first promotion; FlightsError during a test."""
    running = deployed()
    if running and "main" not in running:
        raise FlightsError(
            f"production runs {' and '.join(running)} and no main: a test is under way, next: workshop rollback ends it"
        )
    return running.get("main")


def deployment(stage: str = "production") -> dict[str, Any] | None:
    """The SeldonDeployment of a stage as it is, or None."""
    done = _oc(("get", "seldondeployment", NAME, "--namespace", namespace(stage), "--output", "json"))
    if done.returncode != 0:
        if "not found" in done.stderr.lower():
            return None
        raise FlightsError(f"oc get seldondeployment {NAME} failed: {done.stderr.strip()[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def apply(
    overlay: str, releases: Mapping[str, Release], weights: Sequence[int] | None = None, *, stage: str = "production"
) -> None:
    """Apply an overlay to a stage: what each predictor runs, and the shares of two of them in their order.

    The weights go to the predictors' `traffic`, which the lab and a service mesh read, and to the Route, which
    OpenShift's router reads.
    """
    patches = []
    if weights is not None:
        traffic = [{"op": "replace", "path": f"/spec/predictors/{at}/traffic", "value": weight}
                   for at, weight in enumerate(weights)]  # fmt: skip
        shares = [{"op": "replace", "path": path, "value": weight} for path, weight in
                  zip(("/spec/to/weight", "/spec/alternateBackends/0/weight"), weights, strict=True)]  # fmt: skip
        patches = [
            {"target": {"kind": "SeldonDeployment", "name": NAME}, "patch": json.dumps(traffic)},
            {"target": {"kind": "Route", "name": NAME}, "patch": json.dumps(shares)},
        ]
    # Beside the overlays, because kustomize takes no folder from elsewhere; its own, so that two do not meet.
    with TemporaryDirectory(prefix=".release-", dir=_SELDON) as folder:
        content = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [f"../overlays/{overlay}"],
            "namespace": namespace(stage),
            "commonAnnotations": {_key(predictor): one.version for predictor, one in releases.items()},
            "patches": patches,
            "images": [
                {"name": _image(predictor), "newName": one.repository, "digest": one.digest}
                for predictor, one in releases.items()
            ],
        }
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        oc("apply", "-k", folder)


def wait(predictors: Mapping[str, Release], seconds: int, *, stage: str = "production") -> None:
    """Until each predictor runs its image and all are ready; FlightsError after so many seconds.

    The operator's own Deployments tell when the new pods serve: the state alone may still be the old one's.
    """
    where, limit = ("--namespace", namespace(stage)), f"--timeout={seconds}s"
    for name, release in predictors.items():
        made = f"deployment/{_deployment(name)}"
        oc("wait", *where, "--for=create", made, limit)
        image = "{.spec.template.spec.containers[0].image}"
        oc("wait", *where, f"--for=jsonpath={image}={release.image}", made, limit)
        oc("rollout", "status", *where, made, limit)
    oc("wait", *where, "--for=jsonpath={.status.state}=Available", f"seldondeployment/{NAME}", limit)


def since(predictor: str) -> float:
    """When a predictor came to production, Unix seconds: its Deployment was made; 0 when it has none."""
    made = oc("get", "deployment", _deployment(predictor), "--namespace", namespace(), "--ignore-not-found",
              "--output", "jsonpath={.metadata.creationTimestamp}")  # fmt: skip
    return datetime.fromisoformat(made.strip().replace("Z", "+00:00")).timestamp() if made.strip() else 0.0


def ready() -> bool:
    """Whether everything that production should run is ready now."""
    found = deployment()
    return found is not None and (found.get("status") or {}).get("state") == "Available"


def _deployment(predictor: str) -> str:
    """The operator's Deployment of a predictor: deployment, predictor, index, container."""
    return f"{NAME}-{predictor}-0-{NAME}"


def _key(predictor: str) -> str:
    return VERSION if predictor == "main" else f"mlops-workshop/{predictor}-version"


def _image(predictor: str) -> str:
    """What the overlays call a predictor's image before a digest takes its place."""
    return NAME if predictor == "main" else f"{NAME}-{predictor}"


def _oc(words: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["oc", *words], input=given or None, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FlightsError("there is no oc on PATH, next: workshop shell has one") from error
