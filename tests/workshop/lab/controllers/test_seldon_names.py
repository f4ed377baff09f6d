"""The names of the operator's objects, and the number of Pods."""

from __future__ import annotations

from typing import Any

import pytest

from workshop.lab.admission.seldon import parse
from workshop.lab.controllers.seldon import names
from workshop.lab.controllers.seldon.reconcile import replicas_of
from workshop.lab.controllers.seldon.routing import targets
from workshop.manifests.seldon import SeldonDeployment


def deployment(
    *components: dict[str, Any], name: str = "toy", spec: dict[str, Any] | None = None, **more: Any
) -> SeldonDeployment:
    found = components or ({"spec": {"containers": [{"name": "m", "image": "x"}]}},)
    predictor = {"name": "main", "graph": {"name": "m"}, "componentSpecs": list(found), **more}
    return parse(
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": {"name": name, "namespace": "user1-dev"},
            "spec": {"predictors": [predictor], **(spec or {})},
        }
    )


def component(**more: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "m", "image": "x"}, {"name": "n", "image": "x"}]}, **more}


def test_names_follow_deployment_predictor_component_and_containers() -> None:
    sdep = deployment(component(), component(metadata={"name": "own"}))
    (predictor,) = sdep.spec.predictors
    assert [names.deployment_name(sdep, predictor, i) for i in (0, 1)] == ["toy-main-0-m-n", "toy-main-1-own"]
    assert names.service_name(sdep, predictor) == "toy-main"
    assert names.container_service_name(sdep, predictor, "m") == "toy-main-m"


def test_a_name_that_is_too_long_is_hashed_and_a_service_may_be_named() -> None:
    sdep = deployment(name="t" * 60)
    assert names.service_name(sdep, sdep.spec.predictors[0]).startswith("seldon-")
    assert len(names.service_name(sdep, sdep.spec.predictors[0])) == 39
    named = deployment(annotations={"seldon.io/svc-name": "mine"})
    assert names.service_name(named, named.spec.predictors[0]) == "mine"


def test_pods_carry_the_operators_labels_then_their_own() -> None:
    sdep = deployment(
        component(metadata={"labels": {"team": "a", "version": "c"}, "annotations": {"note": "c"}}),
        labels={"version": "p"},
        annotations={"note": "p", "seldon.io/no-engine": "true"},
        shadow=True,
        spec={"annotations": {"note": "s", "all": "s"}},
    )
    (predictor,) = sdep.spec.predictors
    found = names.labels(sdep, predictor)
    assert found["seldon-deployment-id"] == "toy"
    assert (found["seldon-app"], found["seldon-app-svc"]) == ("toy-main", "toy-main-n")
    assert (found["seldon.io/model"], found["seldon.io/shadow"]) == ("true", "true")
    assert (found["version"], found["team"]) == ("c", "a")
    message = names.pod_annotations(sdep, predictor)
    assert (message["note"], message["all"], message["prometheus.io/path"]) == ("c", "s", "/prometheus")


@pytest.mark.parametrize(
    ("more", "component_replicas", "expected"),
    [
        ({}, None, 1),
        ({"spec": {"replicas": 2}}, None, 2),
        ({"spec": {"replicas": 2}, "replicas": 3}, None, 3),
        ({"replicas": 3}, 4, 4),
    ],
)
def test_the_nearest_replicas_count(more: dict[str, Any], component_replicas: int | None, expected: int) -> None:
    sdep = deployment(component(**({"replicas": component_replicas} if component_replicas else {})), **more)
    assert replicas_of(sdep, sdep.spec.predictors[0]) == expected


def test_traffic_and_a_shadow_replace_no_pod_and_a_parameter_does() -> None:
    def hash_of(**more: Any) -> str:
        sdep = deployment(**more)
        return names.template_hash(sdep, sdep.spec.predictors[0])

    same = hash_of()
    assert hash_of(traffic=100) == hash_of(replicas=4) == hash_of(shadow=True) == same
    parameters = [{"name": "a", "value": "1", "type": "INT"}]
    assert hash_of(graph={"name": "m", "parameters": parameters}) != same
    assert hash_of(annotations={"a": "b"}) != same


def test_the_orchestrator_reads_its_settings_from_the_deployment() -> None:
    env = [{"name": "SELDON_ENABLE_ROUTING_INJECTION", "value": "true"}]
    sdep = deployment(
        annotations={"version": "v3"},
        svcOrchSpec={"env": env},
        spec={"protocol": "v2", "annotations": {"seldon.io/rest-timeout": "1500"}},
    )
    (target,) = targets(sdep, {("main", 0): ("h", 0)}, [], [])
    plan = target.orchestrated
    assert plan is not None
    assert (plan.version, plan.protocol, plan.timeout, plan.tells_routing) == ("v3", "v2", 1.5, True)
    assert plan.images == {"m": "x"}
    assert plan.graph.type == "MODEL"
