"""The use cases that a participant has deployed, from what their SeldonDeployments say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from delivery import usecase
from delivery.cluster import USE_CASE as NAMES
from delivery.errors import DeliveryError

from workshop.checks.finding import CheckContext
from workshop.manifests.objects import Object, annotations_of
from workshop.usecase import FOLDER, KIT, USE_CASE, folders


@dataclass(frozen=True, slots=True)
class Served:
    """A use case. `folder` is that of its usecase.yaml in the clone; the classes are empty for a regression."""

    deployment: str
    experiment: str
    task: str
    folder: str
    negative: str = ""
    positive: str = ""


MAIN = Served(
    USE_CASE.deployment, USE_CASE.experiment, USE_CASE.task, FOLDER, USE_CASE.negative, USE_CASE.positive
)  # fmt: skip
"""The kit's own use case."""


def served(context: CheckContext) -> list[Served]:
    """The kit's use case, then each other one in production or staging by its name. Raises ApiFailure."""
    found: dict[str, Served] = {}
    for stage in ("production", "staging"):
        for each in context.cluster.list("SeldonDeployment", context.namespace(stage)):
            name = str(each["metadata"]["name"])
            if name != MAIN.deployment and name not in found and (one := _described(each, context.clone)):
                found[name] = one
    return [MAIN, *(found[name] for name in sorted(found))]


def _described(deployment: Object, clone: Path) -> Served | None:
    """What the annotation of a deployment says; None without one. A participant can write it."""
    try:
        names = json.loads(annotations_of(deployment).get(NAMES, ""))
        classes = [str(one) for one in names.get("classes") or ()]
        name = str(deployment["metadata"]["name"])
        return Served(
            name, str(names["experiment"]), str(names["task"]), _folder(clone, name), *(classes[:2] or ("", ""))
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _folder(clone: Path, deployment: str) -> str:
    """The folder with a deployment's usecase.yaml; by its name when the clone has another branch checked out."""
    for root in (clone, KIT):
        for folder, name in _deployments(root):
            if name == deployment:
                return folder.relative_to(root).as_posix()
    return f"workshop/usecases/{deployment}"


def _deployments(root: Path) -> Iterator[tuple[Path, str]]:
    for folder in folders(root):
        try:
            yield folder, usecase.read(folder).deployment
        except DeliveryError:
            continue
