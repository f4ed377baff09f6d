"""`workshop replay` finds production by the ConfigMap of the project, on a cluster as in the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workshop.commands.test_target import cluster  # noqa: F401
from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.lab.paths import LabPaths

KIT = Path(__file__).resolve().parents[3]


def replay(lab: Lab, namespace: str, endpoints: dict[str, str], *words: str) -> int:  # noqa: F811
    lab.ask(
        "POST",
        f"/api/v1/namespaces/{namespace}/configmaps",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mlops-endpoints"}, "data": endpoints},
    )
    return main(["replay", *words])


def test_what_the_project_lacks_is_named(
    cluster: LabPaths,  # noqa: F811
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(KIT)
    monkeypatch.delenv("PRODUCTION_URL", raising=False)
    assert replay(lab, namespace, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}) == 5
    assert "PRODUCTION_URL is not set" in capsys.readouterr().err


def test_the_address_is_that_of_the_project_and_a_speed_of_nothing_is_refused(
    cluster: LabPaths,  # noqa: F811
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(KIT)
    endpoints = {"PRODUCTION_URL": "http://127.0.0.1:9", "PRODUCTION_NAMESPACE": "user1-production"}
    assert replay(lab, namespace, endpoints, "--speed", "0") == 5
    assert "got --speed 0 --share 1, allowed: above 0, and a share to 1" in capsys.readouterr().err
