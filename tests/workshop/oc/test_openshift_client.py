"""The participants' Python client works through the built-in oc, and through kubectl where there is one."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import openshift_client  # type: ignore[import-untyped]
import pytest

from tests.workshop.lab.serving import Lab

KIT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["built-in", "kubectl"])
def client(
    request: pytest.FixtureRequest, lab: Lab, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    monkeypatch.setenv("KUBECONFIG", str(lab.state.kubeconfig))
    monkeypatch.setenv("HOME", str(tmp_path))
    binary = shutil.which("kubectl") or ""
    if request.param == "built-in":
        wrapper = tmp_path / "oc"
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH="{KIT}" exec "{sys.executable}" -m workshop.oc "$@"\n')
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        binary = str(wrapper)
    elif not binary:
        pytest.skip("kubectl is not installed")
    openshift_client.set_default_oc_path(binary)
    with openshift_client.timeout(60), openshift_client.project(namespace):
        yield request.param
    assert os.environ["HOME"] == str(tmp_path)


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


def test_verbs_of_oc_itself_work_where_oc_is(client: str, lab: Lab) -> None:
    if client == "kubectl":
        pytest.skip("whoami and new-project are verbs of oc alone")
    assert openshift_client.whoami() == "user1"
    assert openshift_client.get_project_name()
