"""The shared parts are installed, waited for and removed; what others have made stays as it is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit import until
from tests.workshop.installation.openshift import CRDS, MERGE, SUCCEEDED, crd
from tests.workshop.lab.serving import Lab
from workshop.cluster import config as configs
from workshop.cluster.bulk import BulkClient
from workshop.cluster.client import Client
from workshop.errors import SetupError, TimedOut
from workshop.installation.install import Installer, Options
from workshop.installation.preflight import Finding, preflight
from workshop.installation.table import Chart, Merge, Operator, Part, Table, sizing, table

Events = list[tuple[str, dict[str, Any]]]


def write(folder: Path, name: str, *objects: str) -> str:
    """A kustomization with one object a file."""
    where = folder / name
    where.mkdir(parents=True)
    for number, text in enumerate(objects):
        (where / f"{number}.yaml").write_text(text)
    resources = "".join(f"  - {number}.yaml\n" for number in range(len(objects)))
    header = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    (where / "kustomization.yaml").write_text(f"{header}resources:\n{resources}")
    return name


def configmap(namespace: str, name: str = "settings", value: str = "1") -> str:
    meta = f"metadata: {{name: {name}, namespace: {namespace}}}"
    return f"apiVersion: v1\nkind: ConfigMap\n{meta}\ndata: {{value: '{value}'}}\n"


@pytest.fixture
def run(lab: Lab, tmp_path: Path) -> Callable[..., Any]:
    """Call something with an Installer of some parts; returns its result and the events."""

    def on(parts: list[Part], do: Callable[[Installer], Any], seconds: float = 10.0) -> tuple[Any, Events]:
        events: Events = []

        async def inside() -> Any:
            async with BulkClient(configs.find(lab.state.kubeconfig), "mlops-workshop") as client:
                known = Table(tuple(parts), (), ())
                report = lambda event, fields: events.append((event, fields))  # noqa: E731
                installer = Installer(tmp_path, client, known, report, Options(seconds))
                await installer.discover()
                return await do(installer)

        return asyncio.run(inside()), events

    return on


def states(events: Events) -> dict[str, str]:
    """The last state of each part."""
    return {fields["name"]: fields["state"] for event, fields in events if event == "part"}


async def uninstall(installer: Installer) -> list[str]:
    await installer.uninstall((await installer.installed()).objects)
    return [key.described for key, _ in (await installer.installed()).objects]


def test_a_folder_is_applied_and_the_second_time_nothing_is_written(
    run: Callable[..., Any],
    lab: Lab,
    namespace: str,
    tmp_path: Path,
) -> None:
    part = Part("shared", "it", "x", folder=write(tmp_path, "shared", configmap(namespace)))
    _, events = run([part], Installer.install)
    assert events[-1][1] == {"name": "shared", "state": "ready", "written": 1}
    _, events = run([part], Installer.install)
    assert events[-1][1] == {"name": "shared", "state": "ready", "written": 0}
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    assert lab.ask("GET", path)[1]["metadata"]["labels"]["mlops-workshop/part"] == "shared"
    left, _ = run([part], uninstall)
    assert left == [] and lab.ask("GET", path)[0] == 404


def test_what_somebody_else_made_is_neither_changed_nor_removed(
    run: Callable[..., Any],
    lab: Lab,
    namespace: str,
    tmp_path: Path,
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    theirs = {"metadata": {"name": "settings"}, "data": {"value": "theirs"}}
    assert lab.ask("POST", path, theirs)[0] == 201
    folder = write(tmp_path, "shared", configmap(namespace, "own"), configmap(namespace))
    part = Part("shared", "it", "x", folder=folder)
    with pytest.raises(SetupError, match=rf"somebody else has made ConfigMap settings in {namespace}"):
        run([part], Installer.install)
    assert lab.ask("GET", f"{path}/own")[0] == 404
    labelled = {"metadata": {"labels": {"mlops-workshop/part": "shared"}}}
    lab.ask("PATCH", f"{path}/settings", labelled, media="application/merge-patch+json")
    run([part], uninstall)
    assert lab.ask("GET", f"{path}/settings")[1]["data"] == {"value": "theirs"}, "a label alone does not make it ours"


def test_a_part_that_does_not_get_ready_ends_with_the_reason(
    run: Callable[..., Any],
    namespace: str,
    tmp_path: Path,
) -> None:
    deployment = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: web}}]}}
"""
    part = Part("web", "it", "x", folder=write(tmp_path, "web", deployment))
    with pytest.raises(TimedOut, match=r"part web is not ready after 1 s: Deployment web in .*the lab runs the Pods"):
        run([part], Installer.install, 1.0)
    run([part], uninstall)


OLM = "/apis/operators.coreos.com/v1alpha1"
WIDGET = "widgets.example.org"


@pytest.fixture
def widgets(lab: Lab, namespace: str) -> Iterator[Part]:
    """A part that an operator brings, on a cluster that has the Operator Lifecycle Manager."""
    kinds = [("operators.coreos.com", "v1alpha1", kind) for kind in ("Subscription", "ClusterServiceVersion")]
    for kind in kinds:
        lab.ask("POST", CRDS, crd(*kind))
    operator = Operator("widgets", "stable", "widgets.v1", "catalog", namespace)
    yield Part("widgets", "it", "x", ("Widget.example.org/v1",), operator=operator)
    for name in (WIDGET, "subscriptions.operators.coreos.com", "clusterserviceversions.operators.coreos.com"):
        lab.ask("DELETE", f"{CRDS}/{name}")


@contextlib.contextmanager
def operated(lab: Lab, namespace: str) -> Iterator[str]:
    """While an operator does its work: the path of its Subscription."""
    path, versions = (f"{OLM}/namespaces/{namespace}/{name}" for name in ("subscriptions", "clusterserviceversions"))

    def work() -> None:
        until(lambda: lab.ask("GET", f"{path}/widgets")[0] == 200, what="the Subscription")
        lab.ask("POST", CRDS, crd("example.org", "v1", "Widget"))
        lab.ask("POST", versions, {"metadata": {"name": "widgets.v1"}, "status": SUCCEEDED})
        lab.ask("PATCH", f"{path}/widgets", {"status": {"installedCSV": "widgets.v1"}}, media=MERGE)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield f"{path}/widgets"
    thread.join(10)


def test_an_operator_is_subscribed_and_waited_for(
    run: Callable[..., Any], lab: Lab, namespace: str, widgets: Part
) -> None:
    with operated(lab, namespace) as path:
        _, events = run([widgets], Installer.install)
    assert states(events) == {"widgets": "ready"}
    spec = lab.ask("GET", path)[1]["spec"]
    assert (spec["channel"], spec["startingCSV"], spec["source"]) == ("stable", "widgets.v1", "catalog")
    versions = f"{OLM}/namespaces/{namespace}/clusterserviceversions"
    assert lab.ask("POST", versions, {"metadata": {"name": "other.v1"}})[0] == 201
    left, _ = run([widgets], uninstall)
    assert left == [] and lab.ask("GET", path)[0] == 404
    found = [one["metadata"]["name"] for one in lab.ask("GET", versions)[1]["items"]]
    assert found == ["other.v1"], "the operator ends with its ClusterServiceVersion"
    assert lab.ask("GET", f"{CRDS}/{WIDGET}")[0] == 200, "its kinds stay"


def test_an_operator_that_was_removed_is_installed_again_although_its_kinds_are_there(
    run: Callable[..., Any], lab: Lab, namespace: str, widgets: Part
) -> None:
    with operated(lab, namespace):
        run([widgets], Installer.install)
    run([widgets], uninstall)
    with operated(lab, namespace) as path:
        _, events = run([widgets], Installer.install)
    assert lab.ask("GET", path)[0] == 200 and events[-1][1] == {"name": "widgets", "state": "ready", "written": 1}


def test_kinds_that_somebody_else_has_brought_are_not_subscribed_to(
    run: Callable[..., Any], lab: Lab, namespace: str, widgets: Part
) -> None:
    lab.ask("POST", CRDS, crd("example.org", "v1", "Widget"))
    _, events = run([widgets], Installer.install)
    assert events[-1][1] == {"name": "widgets", "state": "ready", "written": 0}
    assert lab.ask("GET", f"{OLM}/subscriptions")[1]["items"] == []


def test_an_operator_that_does_not_run_keeps_its_part_from_being_ready(
    run: Callable[..., Any], lab: Lab, namespace: str, widgets: Part
) -> None:
    lab.ask("POST", CRDS, crd("example.org", "v1", "Widget"))
    where = f"{OLM}/namespaces/{namespace}"
    status = {"installedCSV": "widgets.v1"}
    theirs = {"metadata": {"name": "theirs"}, "spec": {"name": "widgets"}, "status": status}
    lab.ask("POST", f"{where}/subscriptions", theirs)
    lab.ask(
        "POST", f"{where}/clusterserviceversions", {"metadata": {"name": "widgets.v1"}, "status": {"phase": "Failed"}}
    )
    waiting, _ = run([widgets], lambda installer: installer.waiting_for(widgets))
    assert waiting == ["ClusterServiceVersion widgets.v1 is Failed"]


def test_settings_of_the_cluster_are_merged_and_taken_back(
    run: Callable[..., Any],
    lab: Lab,
    namespace: str,
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    theirs = {"metadata": {"name": "monitoring"}, "data": {"config.yaml": "prometheusK8s: {retention: 7d}\n", "b": "c"}}
    lab.ask("POST", path, theirs)
    merge = Merge(namespace, "monitoring", "config.yaml", {"enableUserWorkload": True})
    part = Part("monitoring", "it", "x", ("ConfigMap.v1",), merge=merge)

    def data() -> Any:
        return lab.ask("GET", f"{path}/monitoring")[1]["data"]

    waiting, _ = run([part], lambda installer: installer.waiting_for(part))
    assert waiting == [f"ConfigMap monitoring in {namespace} does not set enableUserWorkload"]
    run([part], Installer.install)
    assert run([part], lambda installer: installer.waiting_for(part))[0] == []
    assert data()["b"] == "c" and "retention: 7d" in data()["config.yaml"]
    assert "enableUserWorkload: true" in data()["config.yaml"]
    before = lab.ask("GET", f"{path}/monitoring")[1]["metadata"]["resourceVersion"]
    run([part], Installer.install)
    assert lab.ask("GET", f"{path}/monitoring")[1]["metadata"]["resourceVersion"] == before
    run([part], uninstall)
    assert "enableUserWorkload" not in data()["config.yaml"] and "retention: 7d" in data()["config.yaml"]


def test_a_setting_that_was_there_before_stays_after_uninstall(
    run: Callable[..., Any],
    lab: Lab,
    namespace: str,
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    lab.ask("POST", path, {"metadata": {"name": "monitoring"}, "data": {"config.yaml": "enableUserWorkload: true\n"}})
    merge = Merge(namespace, "monitoring", "config.yaml", {"enableUserWorkload": True})
    part = Part("monitoring", "it", "x", ("ConfigMap.v1",), merge=merge)
    run([part], Installer.install)
    run([part], uninstall)
    assert lab.ask("GET", f"{path}/monitoring")[1]["data"]["config.yaml"] == "enableUserWorkload: true\n"


def test_a_setting_inside_a_map_leaves_the_others_of_the_map(
    run: Callable[..., Any],
    lab: Lab,
    namespace: str,
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    theirs = "alertmanager: {enabled: true, logLevel: debug}\n"
    lab.ask("POST", path, {"metadata": {"name": "monitoring"}, "data": {"config.yaml": theirs}})
    values = {"alertmanager.enabled": True, "alertmanager.enableAlertmanagerConfig": True, "thanos.x": 1}
    part = Part("alerts", "it", "x", ("ConfigMap.v1",), merge=Merge(namespace, "monitoring", "config.yaml", values))

    def data() -> Any:
        return yaml.safe_load(lab.ask("GET", f"{path}/monitoring")[1]["data"]["config.yaml"])

    run([part], Installer.install)
    both = {"enabled": True, "logLevel": "debug", "enableAlertmanagerConfig": True}
    assert data() == {"alertmanager": both, "thanos": {"x": 1}}
    run([part], uninstall)
    assert data() == {"alertmanager": {"enabled": True, "logLevel": "debug"}}


def test_without_helm_the_command_for_another_machine_is_shown(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (chart,) = [part.chart for part in table().parts if part.chart]
    part = Part("seldon", "it", "x", ("Gadget.example.org/v1",), chart=chart)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="helm is not on PATH") as refused:
        run([part], Installer.install)
    assert "--version 1.17.1" in refused.value.hint and "defaultUserID=" in refused.value.hint


def test_a_chart_whose_kind_is_in_use_is_not_removed(run: Callable[..., Any], lab: Lab, namespace: str) -> None:
    chart = Chart("https://charts.example", "gadgets", "1", namespace, {})
    part = Part("gadgets", "it", "x", ("Gadget.example.org/v1",), chart=chart)
    lab.ask("POST", CRDS, crd("example.org", "v1", "Gadget"))
    gadgets = f"/apis/example.org/v1/namespaces/{namespace}/gadgets"
    assert lab.ask("POST", gadgets, {"metadata": {"name": "theirs"}})[0] == 201
    assert run([part], uninstall)[0] == [], "without a release there is nothing to remove"
    release = {"metadata": {"name": "release", "labels": {"owner": "helm", "name": "mlops-workshop"}}}
    assert lab.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", release)[0] == 201
    with pytest.raises(SetupError, match=f"in use by Gadget {namespace}/theirs; nothing was removed"):
        run([part], uninstall)
    lab.ask("DELETE", f"{CRDS}/gadgets.example.org")


def test_preflight_says_that_an_operator_of_left_over_kinds_comes_back(
    run: Callable[..., Any], lab: Lab, namespace: str, widgets: Part
) -> None:
    async def look(installer: Installer) -> Finding:
        found = await preflight(installer.client, installer.known, installer.table, sizing())
        return next(one for one in found.findings if one.name == "widgets")

    with operated(lab, namespace):
        run([widgets], Installer.install)
    assert run([widgets], look)[0].found == "widgets.v1, channel stable"
    run([widgets], uninstall)
    assert run([widgets], look)[0].found == "no catalog offers widgets"


def test_preflight_reads_only_and_says_what_install_brings(lab: Lab) -> None:
    async def look() -> tuple[list[Finding], int]:
        async with BulkClient(configs.find(lab.state.kubeconfig), "mlops-workshop") as client:
            known = Client.load(lab.state.kubeconfig).resources
            found = await preflight(client, known, table(), sizing())
            return found.findings, client.writes

    findings, writes = asyncio.run(look())
    assert writes == 0
    found = {one.name: one for one in findings}
    assert found["pipelines"].state == "ok" and found["seldon"].state == "ok"
    assert found["grafana"].state == "choice" and "operator" in found["grafana"].fix
    assert found["monitoring"].state == "change" and "enableUserWorkload" in found["monitoring"].fix
    assert found["rights"].state == "ok"
    assert found["shared"].fix == "applies workshop/installation/objects/shared"


def test_preflight_asks_the_catalog_for_the_pinned_channel(lab: Lab) -> None:
    async def look(part: Part) -> Finding:
        async with BulkClient(configs.find(lab.state.kubeconfig), "mlops-workshop") as client:
            known = Client.load(lab.state.kubeconfig).resources
            found = await preflight(client, known, Table((part,), (), ()), sizing())
            return next(one for one in found.findings if one.name == part.name)

    def offer(*channels: str) -> None:
        where = "/apis/packages.operators.coreos.com/v1/namespaces/openshift-marketplace/packagemanifests"
        lab.ask("DELETE", f"{where}/widgets")
        status = {"channels": [{"name": name, "currentCSV": f"widgets.{name}"} for name in channels]}
        assert lab.ask("POST", where, {"metadata": {"name": "widgets"}, "status": status})[0] == 201

    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "openshift-marketplace"}})
    lab.ask("POST", CRDS, crd("operators.coreos.com", "v1alpha1", "Subscription"))
    lab.ask("POST", CRDS, crd("packages.operators.coreos.com", "v1", "PackageManifest"))
    operator = Operator("widgets", "v1", "widgets.v1", "catalog", "default")
    part = Part("widgets", "it", "x", ("Widget.example.org/v1",), operator=operator)
    none = asyncio.run(look(part))
    assert none.state == "missing" and none.found == "no catalog offers widgets"
    offer("v0", "v2")
    other = asyncio.run(look(part))
    assert other.state == "missing" and other.found == "no channel v1; offered: v0, v2"
    offer("v1", "v2")
    right = asyncio.run(look(part))
    assert right.state == "change" and right.found == "not there; newest is widgets.v1"
    assert right.fix == "subscribes to widgets, channel v1, from widgets.v1"
    for name in ("subscriptions.operators.coreos.com", "packagemanifests.packages.operators.coreos.com"):
        lab.ask("DELETE", f"{CRDS}/{name}")
