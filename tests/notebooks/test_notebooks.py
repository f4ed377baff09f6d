"""The notebooks: made from their sources, and clean. A module of the guide runs each, from top to bottom."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

KIT = Path(__file__).resolve().parents[2]
NOTEBOOKS = KIT / "notebooks"
SOURCES = sorted((NOTEBOOKS / "source").glob("*.py"))
LONGEST_FUNCTION = 10


def _build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_build", NOTEBOOKS / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(_build().text(path))["cells"]
    return cells


def test_what_is_committed_is_what_the_sources_make() -> None:
    wanted = _build().built()
    found = {path: path.read_text(encoding="utf-8") for path in NOTEBOOKS.glob("*.ipynb")}
    assert found == wanted, "run `python notebooks/build.py` and commit notebooks/*.ipynb"


def test_a_notebook_is_the_same_each_time_and_holds_no_trace_of_the_machine(tmp_path: Path) -> None:
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
