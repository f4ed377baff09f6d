"""A cluster without Routes gets Ingresses, with the hosts that OpenShift would give."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.workshop.lab.serving import Lab
from workshop.cli import parser
from workshop.cluster import config as configs
from workshop.cluster import ingresses
from workshop.cluster.bulk import BulkClient
from workshop.cluster.client import Client
from workshop.cohort.objects import CohortObjects
from workshop.errors import UsageError
from workshop.installation.install import Installer, Options
from workshop.installation.table import table
from workshop.manifests.apiresource import ApiResource
from workshop.participants.names import Participant
from workshop.usecase import KIT

DOMAIN = "apps.example.org"


@pytest.fixture(name="client")
def client_(lab: Lab) -> Client:
    return Client.load(lab.state.kubeconfig)


@pytest.fixture
def without_routes(client: Client) -> list[ApiResource]:
    """The kinds of a cluster that is not OpenShift."""
    return [kind for kind in client.resources if not kind.group.endswith(".openshift.io")]


def test_each_route_of_a_participant_becomes_an_ingress(without_routes: list[ApiResource]) -> None:
    objects = CohortObjects.load(KIT, "room", without_routes, DOMAIN)
    made = [obj for key, obj in objects.of(Participant("ann")) if key.resource.kind == "Ingress"]
    hosts = {ingresses.host(obj) for obj in made}
    assert "mlflow-ann-dev.apps.example.org" in hosts and "el-production-ann-production.apps.example.org" in hosts
    for obj in made:
        (rule,), (tls,) = obj["spec"]["rules"], obj["spec"]["tls"]
        assert tls["hosts"] == [rule["host"]], "passwords travel over TLS only"
        assert rule["http"]["paths"][0]["backend"]["service"]["port"]["name"]
    assert "Route" not in {key.resource.kind for key, _ in objects.of(Participant("ann"))}
    assert objects.left_out == {"the Grafana operator": ["GrafanaDatasource"]}


def test_without_a_domain_addresses_are_left_out_and_named(without_routes: list[ApiResource]) -> None:
    objects = CohortObjects.load(KIT, "room", without_routes)
    assert objects.left_out["OpenShift's routes, or an Ingress below --domain"] == ["Route"]


def test_openshift_keeps_its_routes_and_refuses_a_domain(client: Client) -> None:
    objects = CohortObjects.load(KIT, "room", client.resources)
    kinds = {key.resource.kind for key, _ in objects.of(Participant("ann"))}
    assert "Route" in kinds and "Ingress" not in kinds
    with pytest.raises(UsageError, match=r"--domain apps\.example\.org has no effect here: the server has Routes"):
        CohortObjects.load(KIT, "room", client.resources, DOMAIN)


def test_nothing_is_installed_with_a_domain_that_has_no_effect(lab: Lab, tmp_path: Path) -> None:
    async def install() -> None:
        async with BulkClient(configs.find(lab.state.kubeconfig), "mlops-workshop") as bulk:
            installer = Installer(tmp_path, bulk, table(), lambda *_: None, Options(domain=DOMAIN))
            await installer.install()

    with pytest.raises(UsageError, match="has no effect here"):
        asyncio.run(install())


async def _applied(client: Client, known: list[ApiResource], domain: str) -> str | list[str]:
    """Why the Git server's address is left out, or the kinds and hosts that are applied for it."""
    installer = Installer(KIT, client, table(), lambda *_: None, Options(domain=domain))  # type: ignore[arg-type]
    installer.known = known
    (part,) = [part for part in installer.table.parts if part.name == "git-route"]
    return installer.left_out(part) or [
        f"{key.resource.kind} {ingresses.host(obj)}" for key, obj in await installer.objects(part)
    ]


def test_the_git_server_gets_an_address_below_the_domain(client: Client, without_routes: list[ApiResource]) -> None:
    assert asyncio.run(_applied(client, without_routes, DOMAIN)) == ["Ingress git-mlops-workshop.apps.example.org"]
    left_out = asyncio.run(_applied(client, without_routes, ""))
    assert left_out == "it needs OpenShift's Routes; --domain DOMAIN makes an Ingress"
    assert asyncio.run(_applied(client, client.resources, "")) == ["Route "]


@pytest.mark.parametrize("text", ["Apps.example.org", "apps", "a b.c", "*.example.org", "x." * 100 + "org"])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a domain, allowed: apps\.example\.org"):
        parser().parse_args(["cohort", "provision", "--domain", text])
