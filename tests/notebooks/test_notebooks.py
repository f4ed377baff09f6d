"""The notebooks: generated from their sources, and without outputs. A module of the guide runs each of them."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from workshop.lab import participant, process_environment
from workshop.lab.paths import LabPaths

KIT = Path(__file__).resolve().parents[2]
NOTEBOOKS = KIT / "notebooks"
SOURCES = sorted((NOTEBOOKS / "source").glob("*.py"))
LONGEST_FUNCTION = 10


@pytest.fixture(autouse=True)
def _beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts of the folder import each other, as they do when one of them is run."""
    monkeypatch.syspath_prepend(str(NOTEBOOKS))


def _build() -> ModuleType:
    return importlib.import_module("build")


def _clean() -> ModuleType:
    return importlib.import_module("clean")


def _cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(_build().text(path))["cells"]
    return cells


def test_what_is_committed_is_what_the_sources_make() -> None:
    wanted = _build().built()
    found = {path: path.read_text(encoding="utf-8") for path in NOTEBOOKS.glob("*.ipynb")}
    assert found == wanted, "run `python notebooks/build.py` and commit notebooks/*.ipynb"


def test_a_notebook_has_the_same_bytes_each_time_and_no_data_of_the_machine(tmp_path: Path) -> None:
    source = tmp_path / "01_try.py"
    kernel = "#   kernelspec:\n#     display_name: x\n#     language: python\n#     name: somebodys-own\n"
    header = f"# ---\n# jupyter:\n{kernel}# ---\n"
    source.write_text(f'{header}\n# %% [markdown]\n# # Title\n\n# %% tags=["drill"] collapsed=true\nx = 1\n')
    text = _build().text(source)
    assert text == _build().text(source)
    assert "somebodys-own" not in text and "collapsed" not in text
    notebook = json.loads(text)
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code"]
    assert notebook["cells"][1]["metadata"] == {"tags": ["drill"]}
    assert notebook["cells"][1]["outputs"] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_sources_install_nothing_and_leave_long_functions_to_the_model(source: Path) -> None:
    code = [cell for cell in _cells(source) if cell["cell_type"] == "code"]
    assert len(code) <= 40
    for cell in code:
        text = "".join(cell["source"])
        assert not re.search(r"^\s*[!%]\s*(pip|conda)\b", text, re.M), "environments are made by uv, not by a cell"
        for body in re.findall(r"^def .*?(?=^\S|\Z)", text, re.M | re.S):
            assert len(body.strip().splitlines()) <= LONGEST_FUNCTION + 1, f"this belongs in model/: {body[:60]}"


# -- what Git sees of a notebook that was run


def _run_by_jupyterlab(text: str) -> str:
    """The notebook as JupyterLab saves it after it has run."""
    notebook = json.loads(text)
    for count, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] == "code":
            cell["execution_count"] = count
            cell["metadata"] |= {"execution": {"iopub.execute_input": "2026-01-05T10:00:00Z"}, "trusted": True}
            cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["0.730\n"]}]
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "version": "3.12.1", "codemirror_mode": {"version": 3}},
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_filter_gives_a_notebook_that_was_run_the_bytes_that_are_committed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert _clean().clean(text) == text
    assert _clean().clean(_run_by_jupyterlab(text)) == text


def test_the_filter_keeps_what_was_typed_and_leaves_other_texts_alone() -> None:
    text = (NOTEBOOKS / "01_explore.ipynb").read_text(encoding="utf-8")
    notebook = json.loads(text)
    notebook["cells"][-1]["source"] = ["# my note: 27 %, größer\n"]
    assert "my note: 27 %, größer" in _clean().clean(json.dumps(notebook))
    for other in ("", "no JSON", "[]", '{"cells": 1}', '{"cells": [{}]}'):
        assert _clean().clean(other) == other


def test_running_a_notebook_is_no_change_for_git_and_a_note_is_one(tmp_path: Path) -> None:
    lab = LabPaths(tmp_path / "state")
    lab.make()
    env = process_environment.base(lab)
    participant.ensure_repository(lab, env)
    participant.leave_outputs_out(lab, env)
    clone = participant.clone_folder(lab)

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=clone, env=env, check=True, capture_output=True, text=True).stdout

    notebook = clone / "notebooks" / "01_explore.ipynb"
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(_run_by_jupyterlab(text), encoding="utf-8")
    assert git("diff") == ""
    git("switch", "-q", "-c", "cautious")
    (clone / "model" / "params.yaml").write_text("threshold: 0.5\n")
    git("commit", "-q", "-am", "Warn only when it is likely")
    assert git("show", "--format=", "--name-only").split() == ["model/params.yaml"]
    git("switch", "-q", "main")
    git("branch", "-q", "--delete", "--force", "cautious")
    assert "0.730" in notebook.read_text(encoding="utf-8"), "the outputs are in the file as before"
    noted = json.loads(text)
    noted["cells"][-1]["source"] = ["# my note\n"]
    notebook.write_text(json.dumps(noted), encoding="utf-8")
    assert "my note" in git("diff")
