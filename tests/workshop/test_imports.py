"""A rule that import-linter does not have: a name with a leading underscore belongs to its module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from workshop.lab.paths import KIT

ROOTS = ("workshop", "grafana", "model/flights", "tekton/from-dvc/fromdvc", "tekton/toolbox/delivery")


def private_imports(file: Path) -> list[str]:
    """The private names that a module imports from another module of the kit."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    packages = tuple(Path(root).name for root in ROOTS)
    return [
        f"{file.relative_to(KIT)}:{node.lineno} {node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in packages
        for alias in node.names
        if alias.name.startswith("_")
    ]


@pytest.mark.parametrize("root", ROOTS)
def test_no_module_imports_a_private_name_of_another(root: str) -> None:
    files = [file for file in (KIT / root).rglob("*.py") if "__pycache__" not in file.parts]
    assert files
    assert [found for file in files for found in private_imports(file)] == []
