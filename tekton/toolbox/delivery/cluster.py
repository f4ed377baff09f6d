"""A use case's deployment as `oc` shows and changes it: what runs, an overlay applied, the traffic, the wait.

There is one way to change it: an overlay with images, annotations and weights on top, applied as a whole. A promotion,
a rollback and a participant's `oc apply -k` do the same, and a step that runs twice changes nothing the second time.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from delivery.cli import command
from delivery.errors import DeliveryError
from delivery.usecase import Config

DEV, STAGING, PRODUCTION = "dev", "staging", "production"
VERSION = "mlops-workshop/model-version"
"""Annotation with the version that `main` runs; other predictors have their own, see _key()."""

USE_CASE = "mlops-workshop/usecase"
"""Annotation with the names of the use case as JSON. Production reads it where the toolbox image has no such folder."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a predictor runs: an image by digest, and the version of its model in the registry."""

    image: str
    version: str

    @classmethod
    def of(cls, image: str, version: str) -> Release:
        """A release by an image that may have a tag too: the digest alone says what runs. DeliveryError without one."""
        plain, at, digest = image.partition("@")
        if not at or not digest.startswith("sha256:"):
            raise DeliveryError(f"image: got {image!r}, allowed: an image by digest, registry/name@sha256:...")
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


def is_known(stage: str) -> bool:
    """Whether the namespace of a stage is set."""
    return bool(os.environ.get(_variable(stage)))


def namespace(stage: str = PRODUCTION) -> str:
    """The namespace of a stage, from the ConfigMap mlops-endpoints; DeliveryError when it is not set."""
    if not is_known(stage):
        raise DeliveryError(f"{_variable(stage)} is not set: Tasks get it from the ConfigMap mlops-endpoints")
    return os.environ[_variable(stage)]


def _variable(stage: str) -> str:
    return f"{stage.upper()}_NAMESPACE"


def pipeline_runs() -> list[dict[str, Any]]:
    """The PipelineRuns of dev, the newest first."""
    found = json.loads(oc("get", "pipelineruns", "--namespace", namespace(DEV), "--output", "json"))["items"]
    return sorted(found, key=lambda one: str(one["metadata"].get("creationTimestamp", "")), reverse=True)


def oc(*words: str, given: str = "") -> str:
    """What `oc` prints; DeliveryError with its error when it fails."""
    done = _oc(words, given)
    if done.returncode != 0:
        raise DeliveryError(f"oc {' '.join(words)} failed: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


def described(deployment: str, stage: str) -> dict[str, Any] | None:
    """The names of the use case that a SeldonDeployment carries; None where there is none, or no such annotation."""
    found = _deployment(deployment, stage)
    text = ((found or {}).get("metadata", {}).get("annotations") or {}).get(USE_CASE)
    if text is None:
        return None
    try:
        names = json.loads(text)
    except ValueError as error:
        raise DeliveryError(f"{deployment} in {stage}: annotation {USE_CASE}: {error}") from error
    if not isinstance(names, dict):
        raise DeliveryError(f"{deployment} in {stage}: annotation {USE_CASE}: got {text[:80]!r}, allowed: an object")
    return names


def _deployment(name: str, stage: str) -> dict[str, Any] | None:
    done = _oc(("get", "seldondeployment", name, "--namespace", namespace(stage), "--output", "json"))
    if done.returncode != 0:
        if "not found" in done.stderr.lower():
            return None
        raise DeliveryError(f"oc get seldondeployment {name} failed: {done.stderr.strip()[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Cluster:
    """The SeldonDeployment of a use case, in staging and in production.

    The deployment, its graph's node and its container have the same name. The kit's overlays and addresses have the
    name of one use case; another one with the same overlays gets the same objects under its own name.
    """

    def __init__(self, config: Config) -> None:
        self.name, self._overlays, self._config = config.deployment, config.overlays, config

    @cached_property
    def _names(self) -> _Names:
        return _Names(_name_in(self._overlays), self.name)

    def url(self, stage: str = PRODUCTION) -> str:
        """The address of the deployment in a stage: that of the ConfigMap mlops-endpoints, under its own name."""
        name = f"{stage.upper()}_URL"
        if not os.environ.get(name):
            raise DeliveryError(f"{name} is not set: Tasks get it from the ConfigMap mlops-endpoints")
        return self._names.replaced(os.environ[name])

    def deployed(self, stage: str = PRODUCTION) -> dict[str, Release]:
        """What each predictor of a stage runs; empty when there is no deployment."""
        found = self.deployment(stage)
        if found is None:
            return {}
        annotations = found["metadata"].get("annotations") or {}
        running = {}
        for predictor in found["spec"]["predictors"]:
            name = predictor["name"]
            image = predictor["componentSpecs"][0]["spec"]["containers"][0]["image"]
            running[name] = Release(image, annotations.get(_key(name), ""))
        return running

    def champion(self) -> Release | None:
        """What production's predictor `main` runs, or None before the first promotion; DeliveryError during a test."""
        running = self.deployed()
        if running and "main" not in running:
            raise DeliveryError(
                f"production runs {' and '.join(running)} and no main: a test is under way",
                next=f"{command('rollback')} ends it",
            )
        return running.get("main")

    def deployment(self, stage: str = PRODUCTION) -> dict[str, Any] | None:
        """The SeldonDeployment of a stage, or None."""
        return _deployment(self.name, stage)

    def ready(self, stage: str = PRODUCTION) -> bool:
        """Whether everything that a stage should run is ready now."""
        found = self.deployment(stage)
        return found is not None and (found.get("status") or {}).get("state") == "Available"

    def delete(self) -> None:
        """Delete production's deployment, if there is one."""
        oc("delete", "seldondeployment", self.name, "--namespace", namespace(), "--ignore-not-found")

    def apply(
        self,
        overlay: str,
        releases: Mapping[str, Release],
        weights: Sequence[int] | None = None,
        *,
        stage: str = PRODUCTION,
    ) -> None:
        """Apply an overlay to a stage: what each predictor runs, and the shares of two of them in their order.

        The weights go to the predictors' `traffic`, which the lab and a service mesh read, and to the Route, which
        OpenShift's router reads. With RUNBOOK_URL, the alerts get absolute links to their headings of the runbook.
        """
        patches = []
        if weights is not None:
            traffic = [{"op": "replace", "path": f"/spec/predictors/{at}/traffic", "value": weight}
                       for at, weight in enumerate(weights)]  # fmt: skip
            shares = [{"op": "replace", "path": path, "value": weight} for path, weight in
                      zip(("/spec/to/weight", "/spec/alternateBackends/0/weight"), weights, strict=True)]  # fmt: skip
            patches = [
                {"target": {"kind": kind, "name": self._names.given}, "patch": json.dumps(patch)}
                for kind, patch in (("SeldonDeployment", traffic), ("Route", shares))
            ]
        # The overlays may be in an image, where nothing can be written; kustomize accepts relative paths only.
        with TemporaryDirectory(prefix="release-") as folder:
            overlays = os.path.relpath(self._overlays / "overlays", Path(folder).resolve())
            content = {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [f"{overlays}/{overlay}"],
                "namespace": namespace(stage),
                "commonAnnotations": {_key(predictor): one.version for predictor, one in releases.items()},
                "patches": patches,
                "images": [
                    {"name": self._image(predictor), "newName": one.repository, "digest": one.digest}
                    for predictor, one in releases.items()
                ],
            }
            (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
            made = [one for one in yaml.safe_load_all(oc("kustomize", folder)) if one]
        objects = [_linked(self._names.in_object(one)) for one in made]
        for one in (each for each in objects if each["kind"] == "SeldonDeployment"):
            one["metadata"]["annotations"][USE_CASE] = json.dumps(self._config.names)
        oc("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def wait(self, predictors: Mapping[str, Release], seconds: int, *, stage: str = PRODUCTION) -> None:
        """Wait until each predictor runs its image and all are ready; DeliveryError after so many seconds.

        The Deployments that the operator makes show when the new Pods serve; the state may still be the old one's.
        """
        where, limit = ("--namespace", namespace(stage)), f"--timeout={seconds}s"
        for name, release in predictors.items():
            made = f"deployment/{self._deployment(name)}"
            oc("wait", *where, "--for=create", made, limit)
            image = "{.spec.template.spec.containers[0].image}"
            oc("wait", *where, f"--for=jsonpath={image}={release.image}", made, limit)
            oc("rollout", "status", *where, made, limit)
        oc("wait", *where, "--for=jsonpath={.status.state}=Available", f"seldondeployment/{self.name}", limit)

    def since(self, predictor: str) -> float:
        """When a predictor came to production, Unix seconds: the creation of its Deployment; 0 without one."""
        made = oc("get", "deployment", self._deployment(predictor), "--namespace", namespace(), "--ignore-not-found",
                  "--output", "jsonpath={.metadata.creationTimestamp}")  # fmt: skip
        return datetime.fromisoformat(made.strip().replace("Z", "+00:00")).timestamp() if made.strip() else 0.0

    def _deployment(self, predictor: str) -> str:
        """The operator's Deployment of a predictor: deployment, predictor, index, container."""
        return f"{self.name}-{predictor}-0-{self.name}"

    def _image(self, predictor: str) -> str:
        """The name of a predictor's image in the overlays, before a digest replaces it."""
        return self._names.given if predictor == "main" else f"{self._names.given}-{predictor}"


@dataclass(frozen=True, slots=True)
class _Names:
    """The name that the overlays give to the deployment, and the use case's own."""

    given: str
    own: str

    def replaced(self, text: str) -> str:
        """The text with the own name, also as the first part of a name such as flight-delay-main."""
        return re.sub(rf"(?<![A-Za-z0-9-]){re.escape(self.given)}(?![A-Za-z0-9])", lambda _: self.own, text)

    def in_object(self, value: Any) -> Any:
        """An object with the own name in all values that are the given name or begin with it and a hyphen."""
        if isinstance(value, dict):
            return {key: self.in_object(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.in_object(one) for one in value]
        is_name = isinstance(value, str) and (value == self.given or value.startswith(f"{self.given}-"))
        return self.own + value[len(self.given) :] if is_name else value


def _name_in(overlays: Path) -> str:
    """The name of the SeldonDeployment that the overlays are about."""
    file = overlays / "base" / "seldondeployment.yaml"
    try:
        return str(yaml.safe_load(file.read_text(encoding="utf-8"))["metadata"]["name"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next="see overlays in usecase.yaml") from error


def _linked(obj: dict[str, Any]) -> dict[str, Any]:
    """The object; the alerts of a PrometheusRule get a link in place of the path of the runbook's heading."""
    page = os.environ.get("RUNBOOK_URL", "")
    if page and obj["kind"] == "PrometheusRule":
        for rule in (rule for group in obj["spec"]["groups"] for rule in group["rules"]):
            path = (rule.get("annotations") or {}).pop("runbook", "")
            if path:
                rule["annotations"]["runbook_url"] = f"{page}#{path.partition('#')[2]}"
    return obj


def _key(predictor: str) -> str:
    return VERSION if predictor == "main" else f"mlops-workshop/{predictor}-version"


def _oc(words: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["oc", *words], input=given or None, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DeliveryError("there is no oc on PATH") from error
