"""The participants' Python client works through the lab's oc, and through kubectl alone."""

from __future__ import annotations

from collections.abc import Iterator

import openshift_client  # type: ignore[import-untyped]
import pytest

from tests.workshop.lab.serving import Lab
from workshop.cluster.kubectl import kubectl


@pytest.fixture(params=["oc", "kubectl"])
def client(
    request: pytest.FixtureRequest, lab: Lab, namespace: str, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    openshift_client.set_default_oc_path("oc" if request.param == "oc" else kubectl())
    with openshift_client.timeout(60), openshift_client.project(namespace):
        yield request.param


def test_objects_live_and_die(client: str) -> None:
    made = openshift_client.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}
    )
    assert [one.name() for one in made.objects()] == ["x"]
    found = openshift_client.selector("cm/x").object()
    assert found.model.data.a == "1"
    found.label({"l": "v"})
    found.patch({"data": {"a": "2"}}, strategy="merge")
    assert [one.model.data.a for one in openshift_client.selector("cm", labels={"l": "v"}).objects()] == ["2"]
    changed, _ = found.modify_and_apply(lambda one: one.model.data.update({"b": "3"}) or True, retries=1)
    assert changed.status() == 0
    openshift_client.selector("cm/x").delete()
    assert (
        openshift_client.selector(
            "cm/x",
        ).count_existing()
        == 0
    )


def test_verbs_of_oc_itself_work_where_oc_is(client: str) -> None:
    if client == "kubectl":
        pytest.skip("whoami and new-project are verbs of oc alone")
    assert openshift_client.whoami() == "user1"
    assert openshift_client.get_project_name()
    with openshift_client.new_project("made-in-python", display_name="Made"):
        assert openshift_client.get_project_name() == "made-in-python"
    openshift_client.delete_project("made-in-python")
    assert openshift_client.selector("project/made-in-python").count_existing() == 0
