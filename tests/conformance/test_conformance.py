"""Every folder here is a test: `pipeline.yaml` is applied and run, `expect.yaml` says what must come of it.

A document of `expect.yaml` is a part of an object, compared by subset (`null` means absent), or one of
    kind: Logs      containers: {step-s: the whole text}
    kind: Refused   message: the whole message of the admission of the last document
    kind: Needs     namespaces: true (the folder runs only with private file trees)
Each other folder runs twice, with private file trees and without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.harness import RUNS, differences, lab
from workshop.lab.api_errors import ApiError

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent.relative_to(HERE).as_posix() for path in HERE.rglob("expect.yaml"))


def _cases() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        yield folder, "on"
        if "kind: Needs" not in (HERE / folder / "expect.yaml").read_text():
            yield folder, "off"


@pytest.mark.parametrize(("folder", "namespaces"), list(_cases()))
def test_folder(folder: str, namespaces: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_NAMESPACES", namespaces)
    documents = [one for one in yaml.safe_load_all((HERE / folder / "pipeline.yaml").read_text()) if one]
    expected = [one for one in yaml.safe_load_all((HERE / folder / "expect.yaml").read_text()) if one]
    asyncio.run(_run(tmp_path, documents, expected))


async def _run(folder: Path, documents: list[Any], expected: list[Any]) -> None:
    async with lab(folder) as running:
        if any(one["kind"] == "Needs" for one in expected) and not running.launcher.namespaces:
            pytest.skip("needs mount namespaces, which this kernel does not allow here")
        created, refusal = [], ""
        for document in documents:
            try:
                created.append(running.create(document))
            except ApiError as e:
                refusal = e.message
        for run in created:
            if run["kind"] in RUNS:
                await running.done(run["kind"], run["metadata"]["name"])
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
