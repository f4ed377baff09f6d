"""Serving uses the versions of training and of the tests, each with a hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

MODEL = Path(__file__).resolve().parents[2]
LOCK = MODEL.parent / "uv.lock"


def pinned() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (MODEL / "requirements.txt").read_text(), re.M):
        found.setdefault(name, set()).add(version)
    return found


def test_every_requirement_has_a_hash() -> None:
    blocks = re.split(r"\n(?=[a-z])", (MODEL / "requirements.txt").read_text().strip())
    assert len(blocks) >= 5
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.skipif(not LOCK.exists(), reason="this checkout has no platform environment")
def test_serving_and_training_versions_agree() -> None:
    locked: dict[str, set[str]] = {}
    for package in tomllib.loads(LOCK.read_text())["package"]:
        locked.setdefault(package["name"], set()).add(package["version"])
    for name, versions in pinned().items():
        assert versions == locked.get(name), f"{name}: make requirements.txt again, as requirements.in says"


def test_requirements_are_those_of_the_distribution() -> None:
    project = tomllib.loads((MODEL / "pyproject.toml").read_text())["project"]
    asked = {line.strip() for line in (MODEL / "requirements.in").read_text().splitlines() if line[:1].isalpha()}
    assert {re.split(r"[<>=]", line)[0] for line in project["dependencies"]} == asked
    assert asked <= set(pinned())
