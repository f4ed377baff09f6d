"""`workshop cluster`: what instructors read, what scripts read, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.cohort.proxy import Proxy
from tests.workshop.installation.openshift import OpenShift
from workshop.cli import main
from workshop.installation.table import table

Cluster = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def openshift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShift]:
    """A cluster with nothing of the kit."""
    made = OpenShift(tmp_path_factory.mktemp("lab"))
    yield made
    made.stop()


@pytest.fixture
def cluster(openshift: OpenShift, capsys: pytest.CaptureFixture[str]) -> Iterator[Cluster]:
    """Run `workshop cluster`: the exit code, the output and the messages. At the end nothing is installed."""

    def run(action: str, *words: str, kubeconfig: Path = openshift.state.kubeconfig) -> tuple[int, str, str]:
        where = [] if action == "mirror" else ["--kubeconfig", str(kubeconfig)]
        capsys.readouterr()
        code = main(["cluster", action, *where, *words])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    yield run
    assert run("uninstall", "--yes")[0] == 0


def lines(text: str) -> list[dict[str, Any]]:
    """The events or rows of `-o json`."""
    return [json.loads(line) for line in text.splitlines()]


def test_preflight_prints_what_install_brings(cluster: Cluster) -> None:
    code, out, err = cluster("preflight")
    assert code == 0 and "https://127.0.0.1" in err
    assert "applies workshop/installation/objects/shared" in out and out.endswith("ready: workshop cluster install\n")
    (found,) = lines(cluster("preflight", "-o", "json")[1])
    states = {one["name"]: one["state"] for one in found["findings"]}
    assert found["ready"] and states["shared"] == "change" and states["pipelines"] == "ok"


def test_preflight_exits_with_3_when_somebody_has_to_do_something(cluster: Cluster, openshift: OpenShift) -> None:
    oauth = {
        "apiVersion": "config.openshift.io/v1",
        "kind": "OAuth",
        "metadata": {"name": "cluster"},
        "spec": {"identityProviders": []},
    }
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "metadata": {"name": "oauths.config.openshift.io"},
        "spec": {
            "group": "config.openshift.io",
            "names": {"kind": "OAuth", "plural": "oauths", "singular": "oauth"},
            "scope": "Cluster",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    assert openshift.ask("POST", crds, definition)[0] == 201
    try:
        assert openshift.ask("POST", "/apis/config.openshift.io/v1/oauths", oauth)[0] == 201
        code, out, _ = cluster("preflight")
    finally:
        openshift.ask("DELETE", f"{crds}/oauths.config.openshift.io")
    assert code == 3 and "logins: add one, such as HTPasswd" in out and "not ready" in out


def test_status_says_what_waits_and_verify_exits_with_3(cluster: Cluster) -> None:
    code, out, _ = cluster("status")
    assert (code == 0 and "ConfigMap" in out) or "Namespace mlops-workshop is missing" in out
    code, out, _ = cluster("verify", "-o", "json")
    rows = {row["name"]: row for row in lines(out)}
    assert code == 3 and rows["shared"] == {
        "name": "shared",
        "state": "waiting",
        "message": "Namespace mlops-workshop is missing",
    }


def test_many_reasons_of_a_part_are_counted(cluster: Cluster) -> None:
    rows = {row["name"]: row for row in lines(cluster("status", "-o", "json")[1])}
    assert " more" in rows["jupyterhub"]["message"]


def test_install_prints_each_part_and_verify_agrees(cluster: Cluster) -> None:
    code, out, err = cluster("install")
    assert code == 0 and out.startswith("installed; workshop cohort provision")
    assert "grafana: ready" in err and "shared: ready, 1 written" in err
    assert cluster("verify")[0] == 0
    events = lines(cluster("install", "-o", "json")[1])
    assert {event["written"] for event in events if event["state"] == "ready"} == {0}, "a second run writes nothing"


def test_uninstall_asks_and_says_what_is_left(cluster: Cluster, openshift: OpenShift, tmp_path: Path) -> None:
    assert cluster("install")[0] == 0
    code, _, err = cluster("uninstall")
    assert code == 2 and "with the project its data" in err and "workshop cluster uninstall --yes" in err
    proxy = Proxy(openshift, tmp_path)
    try:
        proxy.fault = lambda number, method, path: 403 if path.endswith("/podmonitors") else 0
        code, out, _ = cluster("uninstall", "--yes", kubeconfig=proxy.kubeconfig)
    finally:
        proxy.stop()
    assert code == 3 and "could not be searched: podmonitors.monitoring.coreos.com: made 403" in out
    assert "nothing that the kit installed is left" not in out
    code, out, _ = cluster("uninstall", "--yes")
    assert code == 0 and "nothing that the kit installed is left" in out


def test_mirror_lists_images_and_what_brings_the_others(cluster: Cluster) -> None:
    code, out, _ = cluster("mirror")
    images = [line.split()[0] for line in out.splitlines() if not line.startswith("#")]
    assert code == 0 and images == [image.reference for image in table().images]
    for part in table().parts:
        if part.operator:
            assert f"package {part.operator.package}, channel {part.operator.channel}" in out
        if part.chart:
            assert f"the chart {part.chart.name} {part.chart.version}" in out
    rows = lines(cluster("mirror", "-o", "json")[1])
    assert {row["kind"] for row in rows} == {"image", "operator", "chart"}
