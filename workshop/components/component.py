"""Finds the components of folders and reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.errors import ManifestError, UsageError
from workshop.manifests.load import Manifest, load
from workshop.manifests.objects import Object

README, LOCK, RUN = "README.md", "interface.lock", Path("tests/run.yaml")
ENVIRONMENT = Path("tests/environment.yaml")
VERSION = "app.kubernetes.io/version"
_SKIPPED = {"node_modules", "__pycache__"}
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True)
class Component:
    """A folder with a Task of the same name."""

    folder: Path
    task: Object

    @property
    def name(self) -> str:
        """The name of the Task, its file and its folder."""
        return str(self.task["metadata"]["name"])

    @property
    def file(self) -> Path:
        """The file of the Task."""
        return self.folder / f"{self.folder.resolve().name}.yaml"

    @property
    def spec(self) -> dict[str, Any]:
        """The Task's spec."""
        found: dict[str, Any] = self.task["spec"]
        return found

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations of the Task."""
        return dict(self.task["metadata"].get("annotations") or {})

    @property
    def version(self) -> str:
        """Its semantic version. Raises ManifestError."""
        found = str((self.task["metadata"].get("labels") or {}).get(VERSION, ""))
        if not _VERSION.fullmatch(found):
            raise ManifestError(
                f"{self.file}: metadata.labels: {VERSION}: got {found!r}, allowed: MAJOR.MINOR.PATCH",
                hint='a first version is "1.0.0"',
            )
        return found

    def test_documents(self) -> list[Manifest]:
        """The Task, its run, and the Tasks of folders next to its own that the run names.

        The nearest tests/environment.yaml has ConfigMaps and Secrets for a test without a cluster. Raises
        ManifestError.
        """
        run = self.folder / RUN
        if not run.is_file():
            raise ManifestError(
                f"{run} is missing, so {self.name} has no test", hint="workshop component new NAME makes an example"
            )
        around = (self.folder.resolve(), *self.folder.resolve().parents)
        found = next((one / ENVIRONMENT for one in around if (one / ENVIRONMENT).is_file()), None)
        documents = load(run)
        tasks = [task for one in documents for task in one.object["spec"].get("pipelineSpec", {}).get("tasks", [])]
        names = {str(task["taskRef"].get("name")) for task in tasks if "taskRef" in task} - {self.name}
        beside = [self.folder.parent / name / f"{name}.yaml" for name in sorted(names)]
        needed = [document for file in beside if file.is_file() for document in load(file)]
        return [*load(self.file), *needed, *(load(found) if found else []), *documents]


def find(words: Iterable[str]) -> list[Component]:
    """The components of folders and below them, by name. Raises UsageError, ManifestError."""
    found: dict[Path, Component] = {}
    for word in words:
        folder = Path(word)
        if not folder.is_dir():
            raise UsageError(f"{word} is no folder", hint="workshop component test tekton/base/tasks/train")
        here = {one.resolve(): read(one) for one in _folders(folder)}
        if not here:
            raise UsageError(
                f"{word} has no component: a folder NAME with a Task in NAME.yaml", hint="workshop component new NAME"
            )
        found |= here
    return sorted(found.values(), key=lambda one: (one.name, str(one.folder)))


def read(folder: Path) -> Component:
    """The component of a folder. Raises ManifestError when its file has anything else than one Task of its name."""
    name = folder.resolve().name
    documents = load(folder / f"{name}.yaml")
    if len(documents) != 1 or documents[0].object["kind"] != "Task" or not documents[0].object.get("spec"):
        kinds = ", ".join(str(one.object["kind"]) for one in documents) or "nothing"
        raise ManifestError(f"{folder / name}.yaml: got {kinds}, allowed: one Task")
    (document,) = documents
    found = (document.object.get("metadata") or {}).get("name")
    if found != name:
        raise ManifestError(f"{document.where}: metadata.name: got {found!r}, allowed: {name!r}, as the folder")
    return Component(folder, document.object)


def _folders(top: Path) -> Iterator[Path]:
    """The folders that have NAME/NAME.yaml with a test or a README: not those of a kustomization alone."""
    for place, folders, files in os.walk(top):
        folders[:] = sorted(one for one in folders if not one.startswith(".") and one not in _SKIPPED)
        folder = Path(place)
        if f"{folder.resolve().name}.yaml" in files and {"README.md", "tests"} & {*files, *folders}:
            yield folder
