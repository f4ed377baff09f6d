"""Production on a real API server with the lab's oc, without controllers that create Pods."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery import usecase
from delivery.cluster import Cluster
from delivery.history import History
from delivery.registry import Registry
from delivery.release import Delivery

from tests.kubectl import write_oc
from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab

KIT = Path(__file__).resolve().parents[2]


@pytest.fixture
def production(
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The namespace."""
    monkeypatch.setenv("KUBECONFIG", str(lab.state.kubeconfig))
    monkeypatch.setenv("KUBECACHEDIR", str(lab.state.root / "kubectl"))
    monkeypatch.setenv("PATH", str(write_oc(tmp_path / "bin").parent), prepend=":")
    monkeypatch.setenv("PRODUCTION_NAMESPACE", namespace)
    return namespace


class NothingStarts(Cluster):
    """Production in which waits return at once, because nothing becomes ready."""

    def wait(self, *_: object, **__: object) -> None:
        pass


class Recorder(Registry):
    """A registry with every version, which records the changes."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.changes: list[tuple[str, ...]] = []
        self.candidates: dict[str, str] = {}

    def tags(self, version: str) -> dict[str, str]:
        known = {"git_commit": "c" * 40, "data_version": "d" * 12}
        return known | ({"candidate": self.candidates[version]} if version in self.candidates else {})

    def set_champion(self, version: str, digest: str, why: str) -> str:
        self.changes.append(("champion", version, why))
        return ""

    def refuse(self, version: str, why: str) -> None:
        self.changes.append(("refuse", version, why))


@pytest.fixture
def delivery(production: str) -> Delivery:
    """The flights use case on that production."""
    config = usecase.read(KIT / "model")
    return Delivery(NothingStarts(config), Recorder(config.deployment), History(config.deployment))
