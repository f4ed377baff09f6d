"""The overlays: admitted as they stand, the same promise in `traffic` and Route, and the README's words about them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tests.kubectl import kustomize
from tests.workshop.lab.serving import Lab
from workshop.lab.admission.seldon import parse
from workshop.lab.controllers.seldon.reconcile import replicas_of
from workshop.lab.paths import KIT

SELDON = KIT / "seldon"
OVERLAYS = sorted(one.name for one in (SELDON / "overlays").iterdir())
PATHS = {
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "PodMonitor": "/apis/monitoring.coreos.com/v1/namespaces/{}/podmonitors",
    "PrometheusRule": "/apis/monitoring.coreos.com/v1/namespaces/{}/prometheusrules",
    "Route": "/apis/route.openshift.io/v1/namespaces/{}/routes",
    "SeldonDeployment": "/apis/machinelearning.seldon.io/v1/namespaces/{}/seldondeployments",
}
README = (SELDON / "README.md").read_text()
Objects = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    it = Lab(tmp_path_factory.mktemp("lab"))
    yield it
    it.stop()


def overlay(name: str) -> Objects:
    return {one["kind"]: one for one in kustomize(SELDON / "overlays" / name)}


def predictors(objects: Objects) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in objects["SeldonDeployment"]["spec"]["predictors"]}


def pods(predictor: dict[str, Any]) -> int:
    component = predictor["componentSpecs"][0]
    return int(component["hpaSpec"]["minReplicas"] if "hpaSpec" in component else predictor.get("replicas", 1))


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_is_admitted_with_no_unknown_field(name: str, lab: Lab) -> None:
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    for kind, obj in overlay(name).items():
        code, answer = lab.ask("POST", PATHS[kind].format(name) + "?fieldValidation=Strict", obj)
        assert code == 201, answer


def test_a_field_that_does_not_exist_would_be_seen(lab: Lab) -> None:
    for kind, obj in overlay("production").items():
        wrong = {**obj, "spec": {**obj["spec"], "nope": 1}}
        code, _ = lab.ask("POST", PATHS[kind].format("default") + "?fieldValidation=Strict", wrong)
        assert code in (400, 422), kind


def test_oc_scale_sets_the_replicas_of_predictors_that_say_nothing_themselves(lab: Lab) -> None:
    path = PATHS["SeldonDeployment"].format("default") + "/flight-delay"
    lab.ask("POST", PATHS["SeldonDeployment"].format("default"), overlay("staging")["SeldonDeployment"])
    media = "application/merge-patch+json"
    code, scale = lab.ask("PATCH", path + "/scale", {"spec": {"replicas": 3}}, media=media)
    assert (code, scale["kind"], scale["spec"]) == (200, "Scale", {"replicas": 3})
    obj = lab.ask("GET", path)[1]
    assert obj["spec"]["replicas"] == 3
    sdep = parse(obj)
    (one,) = sdep.spec.predictors
    assert replicas_of(sdep, one) == 1, "the predictor's own replicas come first"
    assert replicas_of(sdep, msgspec.structs.replace(one, replicas=None)) == 3


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_route_gives_each_predictor_the_part_that_its_traffic_says(name: str) -> None:
    objects = overlay(name)
    spec = objects["Route"]["spec"]
    weights = {one["name"]: one["weight"] for one in (spec["to"], *spec.get("alternateBackends", []))}
    live = {f"flight-delay-{n}": p.get("traffic", 100) for n, p in predictors(objects).items() if not p.get("shadow")}
    assert weights == live


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("staging", {"main": "flight-delay"}),
        ("production", {"main": "flight-delay"}),
        ("canary", {"main": "flight-delay", "canary": "flight-delay-canary"}),
        ("shadow", {"main": "flight-delay", "shadow": "flight-delay-shadow"}),
        ("ab-test", {"logistic": "flight-delay-logistic", "boosted": "flight-delay-boosted"}),
    ],
)
def test_each_overlay_has_its_predictors_with_their_images(name: str, images: dict[str, str]) -> None:
    found = predictors(overlay(name))
    assert {n: one["image"] for n, p in found.items() for one in p["componentSpecs"][0]["spec"]["containers"]} == images


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_model_server_is_bounded_probed_and_unprivileged(name: str) -> None:
    for predictor in predictors(overlay(name)).values():
        assert predictor["annotations"]["seldon.io/no-engine"] == "true"
        (container,) = predictor["componentSpecs"][0]["spec"]["containers"]
        assert set(container["resources"]) == {"requests", "limits"}
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/status"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/ping"
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_production_scales_and_survives_a_drain_and_other_predictors_do_not() -> None:
    for name, scaled in (("production", {"main"}), ("canary", {"main"}), ("shadow", {"main"}), ("staging", set())):
        components = {n: p["componentSpecs"][0] for n, p in predictors(overlay(name)).items()}
        assert {n for n, one in components.items() if "hpaSpec" in one and "pdbSpec" in one} == scaled


def test_only_the_router_the_namespace_and_monitoring_get_in() -> None:
    spec = overlay("production")["NetworkPolicy"]["spec"]
    assert spec["podSelector"]["matchLabels"] == {"seldon-deployment-id": "flight-delay"}
    by_port = {rule["ports"][0]["port"]: rule["from"] for rule in spec["ingress"]}
    assert set(by_port) == {"http", "metrics"}
    router = {"namespaceSelector": {"matchLabels": {"policy-group.network.openshift.io/ingress": ""}}}
    assert by_port["http"] == [router, {"podSelector": {}}], "other participants' Pods do not"
    assert {"podSelector": {}} not in by_port["metrics"]


def test_the_readmes_sum_is_the_overlays() -> None:
    def asked(name: str) -> tuple[int, int, int]:
        found = predictors(overlay(name)).values()
        count = sum(pods(p) for p in found)
        requests = next(iter(found))["componentSpecs"][0]["spec"]["containers"][0]["resources"]["requests"]
        return count, count * int(requests["cpu"].rstrip("m")), count * int(requests["memory"].removesuffix("Mi"))

    staging, production, canary = asked("staging"), asked("production"), asked("canary")
    added = tuple(a - b for a, b in zip(canary, production, strict=True))
    rows = {
        "staging": staging,
        "production, at rest": production,
        "a canary or a shadow": added,
        "one participant": tuple(map(sum, zip(staging, production, added, strict=True))),
    }
    for row, (count, cpu, memory) in rows.items():
        assert f"| {row} | {count} | {cpu}m | {memory}Mi |" in README
    count, cpu, memory = (30 * one for one in rows["one participant"])
    assert f"| **30 participants** | {count} | **{cpu // 1000} CPU** | **{memory // 1024} GiB** |" in README


def test_the_readmes_examples_build(tmp_path: Path) -> None:
    shutil.copytree(SELDON, tmp_path / "seldon", ignore=shutil.ignore_patterns("client"))
    shutil.copytree(KIT / "grafana/alerts", tmp_path / "grafana/alerts")
    release = tmp_path / "seldon/.release"
    release.mkdir()
    first, more, without = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    first = re.sub(r"<[^>]+>", "00", first)
    patches = yaml.safe_load(more)["patches"] + yaml.safe_load(without)["patches"]
    (release / "kustomization.yaml").write_text(yaml.safe_dump({**yaml.safe_load(first), "patches": patches}))
    objects = {one["kind"]: one for one in kustomize(release)}
    assert "Route" not in objects
    found = predictors(objects)
    assert {n: p["traffic"] for n, p in found.items()} == {"main": 50, "canary": 50}
    images = {p["componentSpecs"][0]["spec"]["containers"][0]["image"] for p in found.values()}
    assert images == {"image-registry.openshift-image-registry.svc:5000/user1-dev/flight-delay@sha256:00"}
