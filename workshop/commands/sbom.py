"""`workshop sbom`: the packages of a model's image, from the list (SBOM, CycloneDX) that the build has put into it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from workshop import output
from workshop.errors import SetupError, UsageError
from workshop.lab.images.store import Image, ImageStore
from workshop.lab.paths import lab_paths
from workshop.operations.choosing import use_case
from workshop.participants.names import STAGES
from workshop.participants.target import LAB, CommandTarget

FILE = "sbom.cdx.json"
"""The list in the APP_ROOT of an image; `s2i/bin/assemble` writes it."""


def sbom(words: argparse.Namespace, target: CommandTarget) -> int:
    """Print the packages, or the document with `-o json`. Raises SetupError, UsageError."""
    name = _deployed(target, words.usecase, words.image) if words.image in STAGES[1:] else words.image
    if target.name != LAB:
        raise SetupError(
            f"{name} is in the cluster's registry",
            hint=f"oc image extract {name} --path /opt/app-root/{FILE}:. writes the list here",
        )
    paths = lab_paths()
    found = ImageStore(paths.images).resolve(name)
    if found is None:
        raise UsageError(f"the lab has no image {name}", hint="workshop sbom production, or: oc get istag")
    document = _document(found, name)
    if words.output == output.JSON:
        output.emit(document)
        return 0
    listed = sorted(document.get("components") or (), key=lambda one: str(one["name"]).lower())
    rows = [[one["name"], one.get("version", ""), _licence(one)] for one in listed]
    output.table(["PACKAGE", "VERSION", "LICENCE"], rows)
    return 0


def _deployed(target: CommandTarget, folder: str, stage: str) -> str:
    """The image that a stage serves for the use case of a folder. Raises SetupError when it serves none, UsageError."""
    namespace = target.namespace(stage)
    found = target.client().find("SeldonDeployment", namespace, use_case(target, folder).deployment)
    predictors = ((found or {}).get("spec") or {}).get("predictors") or []
    for predictor in predictors:
        for part in predictor.get("componentSpecs") or ():
            for container in part["spec"]["containers"]:
                return str(container["image"])
    raise SetupError(f"nothing is deployed in {namespace}", hint="workshop lab takes a model to production")


def _document(image: Image, name: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((image.app_root / FILE).read_text())
    except FileNotFoundError as e:
        raise SetupError(f"the image {name} has no list of its packages", hint="a new build writes one") from e
    return document


def _licence(component: dict[str, Any]) -> str:
    for one in component.get("licenses") or ():
        licence = one.get("license") or {}
        return str(one.get("expression") or licence.get("id") or licence.get("name") or "")
    return ""
