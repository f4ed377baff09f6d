"""The rules for SeldonDeployments."""

from __future__ import annotations

from workshop.lint.findings import Finds
from workshop.lint.images import floating
from workshop.lint.security import refused_pod
from workshop.manifests.seldon import SeldonDeployment


def check_seldon(sdep: SeldonDeployment) -> Finds:
    """The images and the Pods of all predictors."""
    for number, predictor in enumerate(sdep.spec.predictors):
        for index, component in enumerate(predictor.component_specs):
            path = ("spec", "predictors", number, "componentSpecs", index, "spec")
            for at, container in enumerate(component.spec.get("containers") or []):
                image = container.get("image")
                if isinstance(image, str):
                    yield from floating(image, (*path, "containers", at, "image"))
            yield from refused_pod(component.spec, path)
