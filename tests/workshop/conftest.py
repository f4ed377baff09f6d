"""Fixtures of the tests of `workshop`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from workshop.cluster.kustomize import build
from workshop.manifests.objects import Object
from workshop.participants import objects

KIT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def kustomizations_of_the_kit_are_built_once() -> Iterator[None]:
    """kubectl takes 0.2 s for a room's kustomization, and a hundred tests use it. The kit's files do not change."""
    built = lru_cache(build)

    def once(folder: Path) -> list[Object]:
        return copy.deepcopy(built(folder)) if KIT in folder.parents else build(folder)

    patch = pytest.MonkeyPatch()
    patch.setattr(objects, "build", once)
    yield
    patch.undo()
