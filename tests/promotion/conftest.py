"""Production on a real API server with the lab's oc, and without what makes pods of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flights.promotion import cluster, registry

from tests.kubectl import write_oc
from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab


@pytest.fixture
def production(
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The namespace. Nothing becomes ready here, so waits return at once; the registry knows every version."""
    monkeypatch.setenv("KUBECONFIG", str(lab.state.kubeconfig))
    monkeypatch.setenv("KUBECACHEDIR", str(lab.state.root / "kubectl"))
    monkeypatch.setenv("PATH", str(write_oc(tmp_path / "bin").parent), prepend=":")
    monkeypatch.setenv("PRODUCTION_NAMESPACE", namespace)
    monkeypatch.setattr(cluster, "wait", lambda *_, **__: None)
    monkeypatch.setattr(registry, "tags", lambda version: {"git_commit": "c" * 40, "data_version": "d" * 12})
    return namespace
