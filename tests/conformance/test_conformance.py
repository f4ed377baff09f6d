"""Every folder here is a test: `pipeline.yaml` is applied and run, `expect.yaml` says what must come of it.

A document of `expect.yaml` is a part of an object, compared by subset (`null` means absent), or one of
    kind: Logs      containers: {step-s: the whole text}
    kind: Refused   message: the whole message of the admission of the last document
    kind: Needs     namespaces: true (as processes, the folder runs only with private file trees)
                    runtime: process (it shows what only processes do, or uses programs that no image here has)
Each other folder runs twice as processes, with private file trees and without. Some folders also run in containers of
podman, where it is: those in which a runtime makes a difference. `pytest --thorough` runs all of them so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.harness import RUNS, differences, lab
from tests.podman import needs_podman
from workshop.lab.api_errors import ApiError

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent.relative_to(HERE).as_posix() for path in HERE.rglob("expect.yaml"))


ON_PODMAN = (
    "sidecars/ready-before-steps", "steps/args-of-bash", "steps/environment", "steps/results", "timeouts/step",
    "volumes/kinds", "workspaces/shared-folder",
)  # fmt: skip


def _cases() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        yield folder, "on"
        if "namespaces: true" not in (HERE / folder / "expect.yaml").read_text():
            yield folder, "off"


@pytest.mark.parametrize(("folder", "namespaces"), list(_cases()))
def test_folder(folder: str, namespaces: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_NAMESPACES", namespaces)
    documents, expected = (_documents(folder, name) for name in ("pipeline", "expect"))
    asyncio.run(_run(tmp_path, documents, expected))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is test_folder_on_podman:
        every = metafunc.config.getoption("--thorough")
        metafunc.parametrize("on_podman", [one for one in FOLDERS if _in_containers(one)] if every else ON_PODMAN)


@pytest.mark.xdist_group("podman")
@needs_podman
def test_folder_on_podman(on_podman: str, tmp_path: Path, podman_images: None) -> None:
    documents, expected = (_documents(on_podman, name) for name in ("pipeline", "expect"))
    asyncio.run(_run(tmp_path, documents, expected, podman=True))


def _in_containers(folder: str) -> bool:
    needs = [one for one in _documents(folder, "expect") if one["kind"] == "Needs"]
    return not any(one.get("runtime") == "process" for one in needs)


def _documents(folder: str, name: str) -> list[Any]:
    return [one for one in yaml.safe_load_all((HERE / folder / f"{name}.yaml").read_text()) if one]


async def _run(folder: Path, documents: list[Any], expected: list[Any], *, podman: bool = False) -> None:
    async with lab(folder, podman=podman) as running:
        needs = any(one.get("namespaces") for one in expected if one["kind"] == "Needs")
        if needs and not podman and not running.launcher.namespaces:
            pytest.skip("needs mount namespaces, which this kernel does not allow here")
        created, refusal = [], ""
        for document in documents:
            try:
                created.append(running.create(document))
            except ApiError as e:
                refusal = e.message
        for run in created:
            if run["kind"] in RUNS:
                await running.done(run["kind"], run["metadata"]["name"], seconds=90 if podman else 30)
        found = []
        for one in expected:
            if one["kind"] == "Refused":
                found += differences(one["message"], refusal, "refusal")
            elif one["kind"] == "Logs":
                pod = one["metadata"]["name"]
                texts = {name: running.log(pod, name).read_text() for name in one["containers"]}
                found += differences(one["containers"], texts, f"logs of {pod}")
            elif one["kind"] != "Needs":
                name = one["metadata"]["name"]
                found += differences(one, running.get(one["kind"], name), f"{one['kind']} {name}")
        assert not found, "\n".join(found)
        assert not refusal or any(one["kind"] == "Refused" for one in expected), refusal
