"""Roles of the kit grant what its Tasks do, and only production's own account changes production."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kubectl import kustomize
from workshop.lab.kinds import Kinds
from workshop.manifests.objects import Object

KIT = Path(__file__).resolve().parents[2]
OBJECTS = kustomize(KIT / "tekton" / "participant")
DEV, STAGING, PRODUCTION = (f"user1-{stage}" for stage in ("dev", "staging", "production"))
OWN = f"system:serviceaccount:{PRODUCTION}:pipeline"
"""Production's account."""
PIPELINE, TERMINAL, PERSON = f"system:serviceaccount:{DEV}:pipeline", f"system:serviceaccount:{DEV}:notebook", "user1"
READING = {"get", "list", "watch"}


class Right(NamedTuple):
    verb: str
    group: str
    resource: str


DEPLOYMENTS = {Right(verb, "apps", "deployments") for verb in READING}
"""`oc wait` and `oc rollout status` of what the operator makes."""


def granted(namespace: str, account: str) -> set[Right]:
    """What the kit's Roles grant an account in a namespace; names of objects are left out."""
    roles = {
        o["metadata"]["name"]: o for o in OBJECTS if o["kind"] == "Role" and o["metadata"]["namespace"] == namespace
    }
    return {
        Right(verb, group, resource)
        for binding in bindings(namespace, account)
        if binding["roleRef"]["kind"] == "Role"
        for rule in roles[binding["roleRef"]["name"]]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def bindings(namespace: str, account: str) -> list[Object]:
    return [
        o
        for o in OBJECTS
        if o["kind"] == "RoleBinding" and o["metadata"]["namespace"] == namespace and account in set(names(o))
    ]


def names(binding: Object) -> Iterator[str]:
    for one in binding["subjects"]:
        account = one["kind"] == "ServiceAccount"
        yield f"system:serviceaccount:{one['namespace']}:{one['name']}" if account else one["name"]


def applied() -> set[Right]:
    """What `oc apply -k` of the overlays asks for: get, then create or patch."""
    kinds = Kinds()
    found = set()
    for overlay in (KIT / "seldon" / "overlays").iterdir():
        for obj in kustomize(overlay):
            kind = kinds.of(obj["apiVersion"], obj["kind"])
            assert kind is not None
            found |= {Right(verb, kind.group, kind.plural) for verb in ("get", "create", "patch")}
    return found


VERBS = {"get": {"get"}, "delete": {"delete"}, "wait": READING, "rollout": READING, "create": {"create"},
         "replace": {"get", "update"}}  # fmt: skip
RESOURCES = {
    "approvaltask": ("openshift-pipelines.org", "approvaltasks"),
    "configmap": ("", "configmaps"),
    "deployment": ("apps", "deployments"),
    "seldondeployment": ("machinelearning.seldon.io", "seldondeployments"),
}
IN_DEV = {"pipelineruns": Right("list", "tekton.dev", "pipelineruns")}
"""What production's account reads in dev; `oc get` without a name is a list."""


def called() -> dict[str, set[Right]]:
    """What delivery asks `oc` for, by file: verbs with the resources that are named in the same call."""
    found: dict[str, set[Right]] = {}
    for path in sorted((KIT / "tekton/toolbox/delivery").rglob("*.py")):
        for verb, rest in re.findall(r'oc\(\(?"(\w+)"(?: if found else "create")?,(.*?)\n', path.read_text()):
            named = re.findall(r"\b(approvaltask|configmap|deployment|seldondeployment)\b", rest)
            # The history is the one object that is created and replaced.
            for resource in set(named or (["configmap"] if path.stem == "history" else [])):
                rights = {Right(one, *RESOURCES[resource]) for one in VERBS[verb]}
                found.setdefault(path.stem, set()).update(rights)
    return found


def test_the_calls_of_delivery_are_found() -> None:
    found = called()
    assert Right("get", "machinelearning.seldon.io", "seldondeployments") in found["cluster"]
    assert (
        Right("get", "", "configmaps") in found["history"]
        and Right("get", "openshift-pipelines.org", "approvaltasks") in found["release"]
    )


def test_productions_account_may_do_all_that_its_tasks_do() -> None:
    needed = applied().union(*called().values(), DEPLOYMENTS, {Right("create", "", "configmaps")})
    assert needed - granted(PRODUCTION, OWN) == set()
    # It finds in staging what to promote.
    assert Right("get", "machinelearning.seldon.io", "seldondeployments") in granted(STAGING, OWN)


def test_the_participants_pipelines_deploy_to_staging() -> None:
    assert applied() | DEPLOYMENTS <= granted(STAGING, PIPELINE)


def test_productions_account_lists_the_runs_of_dev_and_does_nothing_else_there() -> None:
    source = (KIT / "tekton/toolbox/delivery/cluster.py").read_text()
    asked = {IN_DEV[one] for one in re.findall(r'oc\("get", "(\w+)", "--namespace", namespace\(DEV\)', source)}
    assert asked == granted(DEV, OWN) == {Right("list", "tekton.dev", "pipelineruns")}
    assert [o["roleRef"]["kind"] for o in bindings(DEV, OWN)] == ["Role"]


@pytest.mark.parametrize("account", [PIPELINE, TERMINAL, PERSON])
def test_nothing_of_the_participants_changes_production(account: str) -> None:
    changes = {right for right in granted(PRODUCTION, account) if right.verb not in READING}
    # Answering an approval is a person's; the manual approval gate checks who is named.
    allowed = {Right(verb, "openshift-pipelines.org", "approvaltasks") for verb in ("update", "patch")}
    assert changes <= (allowed if account == PERSON else set())
    assert {o["roleRef"]["name"] for o in bindings(PRODUCTION, account) if o["roleRef"]["kind"] == "ClusterRole"} <= {
        "view"
    }


@pytest.mark.parametrize("account", [TERMINAL, PERSON])
def test_the_participant_changes_staging_by_a_commit_alone(account: str) -> None:
    assert {right.verb for right in granted(STAGING, account)} <= READING
    assert {o["roleRef"]["name"] for o in bindings(STAGING, account) if o["roleRef"]["kind"] == "ClusterRole"} <= {
        "view"
    }


def test_only_the_participants_own_namespaces_pull_their_images() -> None:
    (pullers,) = [o for o in OBJECTS if o["kind"] == "RoleBinding" and o["roleRef"]["name"] == "system:image-puller"]
    assert pullers["metadata"]["namespace"] == DEV
    assert set(names(pullers)) == {f"system:serviceaccounts:{namespace}" for namespace in (STAGING, PRODUCTION)}
