"""`workshop history`, `promote` and `rollback` work where oc works: also on a cluster, without a lab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from delivery import cluster, history
from delivery.cli import write_results
from delivery.errors import DeliveryError
from delivery.history import History

from tests.delivery.test_history import entry

KIT = Path(__file__).resolve().parents[2]


def workshop(tmp_path: Path, *words: str, cwd: Path = KIT) -> subprocess.CompletedProcess[str]:
    """The command with no lab of its own; the cluster is the one of KUBECONFIG."""
    env = {**os.environ, "WORKSHOP_STATE": str(tmp_path / "no-lab"), "PYTHONPATH": str(KIT), "NO_COLOR": "1"}
    env = {name: value for name, value in env.items() if not name.endswith("_NAMESPACE")}
    return subprocess.run([sys.executable, "-m", "workshop", *words], cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture
def provisioned(production: str) -> str:
    """The namespace, which plays both: where the endpoints are, and production."""
    cluster.oc("create", "configmap", "mlops-endpoints", "-n", production,
               "--from-literal", f"PRODUCTION_NAMESPACE={production}")  # fmt: skip
    return production


def test_the_history_is_read_without_a_lab(provisioned: str, tmp_path: Path) -> None:
    History("flight-delay").change(lambda old: history.entered(history.entered(old, entry(1)), entry(2)))
    done = workshop(tmp_path, "history", "-n", provisioned, "-o", "json")
    assert done.returncode == 0, done.stderr
    assert [one["model_version"] for one in json.loads(done.stdout)["entries"]] == ["2", "1"]
    text = workshop(tmp_path, "history", "-n", provisioned, cwd=KIT / "model").stdout.splitlines()
    assert text[0].startswith(f"* version 2    {entry(2).digest[:19]}  since 2026-01-01T00:00:02Z")
    assert "    left   replaced by version 2" in text


def test_an_unknown_release_is_an_error_that_lists_the_releases(provisioned: str) -> None:
    History("flight-delay").change(lambda old: history.entered(old, entry(1)))
    words = [sys.executable, "-m", "delivery", "rollback", "--", "9"]
    done = subprocess.run(words, cwd=KIT / "model", capture_output=True, text=True)
    assert done.returncode == 1
    assert "production never ran '9', allowed: version 1" in done.stderr
    assert done.stderr.rstrip().endswith("delivery history")


def test_who_cannot_ask_production_learns_what_is_missing(provisioned: str, tmp_path: Path) -> None:
    done = workshop(tmp_path, "rollback", "1", "-n", provisioned)
    assert done.returncode == 3
    assert f"{provisioned}: ConfigMap mlops-endpoints has no PRODUCTION_LISTENER_URL" in done.stderr
    cluster.oc("patch", "configmap", "mlops-endpoints", "-n", provisioned, "--type=merge",
               "-p", '{"data": {"PRODUCTION_LISTENER_URL": "http://127.0.0.1:1/x"}}')  # fmt: skip
    done = workshop(tmp_path, "promote", "-n", provisioned)
    assert done.returncode == 3 and "Secret production-webhook has no secret" in done.stderr
    cluster.oc("create", "secret", "generic", "production-webhook", "-n", provisioned, "--from-literal", "secret=s")
    done = workshop(tmp_path, "promote", "-n", provisioned)
    assert done.returncode == 5
    assert "production's EventListener at http://127.0.0.1:1/x does not answer" in done.stderr


def test_a_namespace_without_endpoints_is_named(production: str, tmp_path: Path) -> None:
    done = workshop(tmp_path, "history", "-n", production)
    assert done.returncode == 3
    assert f"there is no ConfigMap mlops-endpoints in {production}" in done.stderr


def test_outside_a_clone_the_error_names_the_next_command(production: str, tmp_path: Path) -> None:
    done = workshop(tmp_path, "history", "-n", production, cwd=tmp_path)
    assert done.returncode == 3
    assert "is in no clone of the workshop" in done.stderr


def test_results_that_tekton_would_cut_are_refused_and_not_written(tmp_path: Path) -> None:
    files = json.dumps({f"data/flights-{number:04d}.csv": "0" * 32 for number in range(80)})
    with pytest.raises(DeliveryError, match=r"the largest is data-files with .* results-from"):
        write_results(tmp_path, {"data-version": "1", "data-files": files})
    assert not list(tmp_path.iterdir())
    write_results(tmp_path, {"data-files": files[:3000]})
    assert (tmp_path / "data-files").read_text() == files[:3000]
