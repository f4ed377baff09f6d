"""Routes: a host for each, the weights of its Services, and its status."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.workshop.lab.gateway.nodes import gateway, running
from workshop.lab.admission.route import admit_route
from workshop.lab.api.tables import table
from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.routes.router import RouteController
from workshop.lab.kinds import built_in
from workshop.lab.routes import Backend, Routes, Target
from workshop.lab.store import Store

ROUTE = built_in("Route")
NAMESPACE = "user1-production"
HOST = "flight-delay-user1-production.localhost"


def route(name: str = "flight-delay", **spec: Any) -> dict[str, Any]:
    to = {"kind": "Service", "name": "flight-delay-main", "weight": 100}
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"to": to, "port": {"targetPort": "http"}, **spec},
    }


def weighted(main: int, canary: int) -> dict[str, Any]:
    return route(
        to={"kind": "Service", "name": "flight-delay-main", "weight": main},
        alternateBackends=[{"kind": "Service", "name": "flight-delay-canary", "weight": canary}],
    )


def reconciled(*objects: dict[str, Any]) -> tuple[Store, Routes]:
    store, routes = Store(), Routes()
    for one in objects:
        store.create(ROUTE, admit_route(one, None))
    asyncio.run(RouteController(store, routes, 18000).reconcile("", ""))
    return store, routes


def test_a_route_without_a_host_gets_one_that_leads_to_this_machine() -> None:
    store, routes = reconciled(route())
    got = store.get(ROUTE, NAMESPACE, "flight-delay")
    assert got["spec"]["host"] == HOST
    ingress = got["status"]["ingress"][0]
    assert ingress["host"] == f"{HOST}:18000"
    assert ingress["conditions"][0] | {"lastTransitionTime": ""} == {
        "type": "Admitted",
        "status": "True",
        "lastTransitionTime": "",
    }
    assert list(routes.hosts) == [HOST]


def test_applying_the_manifest_again_keeps_the_host() -> None:
    first = admit_route(route(host="mine.localhost"), None)
    assert admit_route(route(), first)["spec"]["host"] == "mine.localhost"


def test_of_two_routes_with_one_host_the_older_is_admitted() -> None:
    store, routes = reconciled(route("a", host="x.localhost"), route("b", host="x.localhost"))
    conditions = {n: store.get(ROUTE, NAMESPACE, n)["status"]["ingress"][0]["conditions"][0] for n in "ab"}
    assert [conditions[n]["status"] for n in "ab"] == ["True", "False"]
    assert conditions["b"]["reason"] == "HostAlreadyClaimed"
    assert [one.route for one in routes.hosts["x.localhost"]] == ["a"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"to": {"kind": "Pod", "name": "x"}}, "must be Service"),
        ({"to": {"kind": "Service", "name": "x", "weight": 257}}, "must be from 0 to 256"),
        ({"alternateBackends": [{"name": n} for n in "abcd"]}, "cannot specify more than 3 alternate backends"),
        ({"path": "api"}, "path must begin with /"),
        ({"tls": {"termination": "passthrough"}}, "only edge is taken"),
        ({"wildcardPolicy": "Subdomain"}, "the lab admits no wildcards"),
        ({"httpHeaders": {"actions": {}}}, "the lab's gateway changes no headers"),
        ({"subdomain": "x"}, "the lab has one domain"),
        ({"port": {"targetPort": "grpc"}}, "the lab's gateway speaks HTTP"),
    ],
)
def test_a_route_that_a_router_or_the_lab_does_not_support_is_refused(spec: dict[str, Any], why: str) -> None:
    with pytest.raises(ApiError) as caught:
        admit_route(route(**spec), None)
    assert why in caught.value.message
    assert caught.value.code == 422


@pytest.mark.parametrize(("main", "canary", "answered"), [(0, 100, {"canary"}), (256, 0, {"main"}), (1, 1, None)])
def test_the_host_is_answered_by_the_weights_of_its_services(main: int, canary: int, answered: set[str] | None) -> None:
    _, routes = reconciled(weighted(main, canary))

    async def scenario() -> None:
        async with running(main=lambda path, body: "main", canary=lambda path, body: "canary") as nodes:
            routes.set(
                NAMESPACE,
                "flight-delay",
                # The object's own traffic is for the other URL.
                tuple(Target(n, f"flight-delay-{n}", (Backend(n, nodes[n].port),), 100 * (n == "main")) for n in nodes),
            )
            async with gateway(routes) as client:
                headers = {"Host": f"{HOST}:18000"}
                got = [await client.post("/api/v1.0/predictions", json={}, headers=headers) for _ in range(60)]
        assert {a.status_code for a in got} == {200}
        assert {a.json() for a in got} == (answered or {"main", "canary"})
        assert {path for node in nodes.values() for path, _ in node.asked} == {"/api/v1.0/predictions"}

    asyncio.run(scenario())


def test_a_path_and_an_unknown_host() -> None:
    _, routes = reconciled(route(path="/api"))

    async def scenario() -> None:
        async with running(main=lambda path, body: "main") as nodes:
            routes.set(
                NAMESPACE, "flight-delay", (Target("main", "flight-delay-main", (Backend("m", nodes["main"].port),)),)
            )
            async with gateway(routes) as client:
                codes = [
                    (await client.get(path, headers={"Host": host})).status_code
                    for path, host in (("/api/x", HOST), ("/apix", HOST), ("/", HOST), ("/api", "other.localhost"))
                ]
        assert codes == [200, 503, 503, 503]

    asyncio.run(scenario())


def test_oc_get_route_shows_the_address_and_the_shares() -> None:
    store, _ = reconciled(weighted(90, 10))
    shown = table(ROUTE, [store.get(ROUTE, NAMESPACE, "flight-delay")], {})
    cells = shown["rows"][0]["cells"]
    assert cells[1] == f"{HOST}:18000"
    assert cells[3] == "flight-delay-main(90%),flight-delay-canary(10%)"
