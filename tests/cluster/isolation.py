"""What a participant and the accounts of their projects may do, asked of the server's own authorizer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from workshop.cluster import config as configs
from workshop.cluster.bulk import BulkClient, every
from workshop.participants.names import Participant

READ, CHANGE = ("get", "list", "watch"), ("create", "update", "patch", "delete", "deletecollection")
RESOURCES = (
    ("", "configmaps"),
    ("", "pods"),
    ("", "pods/exec"),
    ("", "pods/log"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("", "serviceaccounts/token"),
    ("", "services"),
    ("", "persistentvolumeclaims"),
    ("", "resourcequotas"),
    ("", "limitranges"),
    ("apps", "deployments"),
    ("machinelearning.seldon.io", "seldondeployments"),
    ("monitoring.coreos.com", "prometheusrules"),
    ("networking.k8s.io", "networkpolicies"),
    ("openshift-pipelines.org", "approvaltasks"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
    ("tekton.dev", "pipelineruns"),
    ("tekton.dev", "taskruns"),
)
CLUSTER_WIDE = (
    ("", "namespaces"),
    ("", "nodes"),
    ("", "persistentvolumes"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("", "secrets"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
)


class Question(NamedTuple):
    """May `user` do it? The namespace is empty for the whole cluster."""

    user: str
    groups: tuple[str, ...]
    verb: str
    group: str
    resource: str
    namespace: str


def identities(name: str) -> list[tuple[str, tuple[str, ...]]]:
    """A participant and the accounts of their dev namespace, with their groups."""
    dev = Participant(name).namespace("dev")
    accounts = ("system:serviceaccounts", f"system:serviceaccounts:{dev}", "system:authenticated")
    found: list[tuple[str, tuple[str, ...]]] = [(name, ("system:authenticated",))]
    return found + [(f"system:serviceaccount:{dev}:{account}", accounts) for account in ("notebook", "pipeline")]


def foreign(names: Iterable[str], verbs: tuple[str, ...] = (*READ, *CHANGE)) -> list[Question]:
    """Everything of each other participant, in all of their namespaces."""
    known = list(names)
    return [
        Question(user, groups, verb, group, resource, namespace)
        for name in known
        for user, groups in identities(name)
        for other in known
        if other != name
        for namespace in Participant(other).namespaces
        for group, resource in RESOURCES
        for verb in verbs
    ]


def clusterwide(names: Iterable[str]) -> list[Question]:
    """Changes of the cluster itself."""
    return [
        Question(user, groups, verb, group, resource, "")
        for name in names
        for user, groups in identities(name)
        for group, resource in CLUSTER_WIDE
        for verb in CHANGE
    ]


def production(names: Iterable[str]) -> list[Question]:
    """Changes of what a participant's own production serves, and Secrets of it. Its Pipelines alone may do that."""
    served = [one for one in RESOURCES if one[1] not in ("pods/log", "approvaltasks")]
    return [
        Question(user, groups, verb, group, resource, Participant(name).namespace("production"))
        for name in names
        for user, groups in identities(name)
        for group, resource in served
        for verb in (*CHANGE, *(READ if resource == "secrets" else ()))
    ]


def quota(name: str) -> list[Question]:
    """A participant's own limits and networks' labels, which only the instructor changes."""
    return [
        Question(name, ("system:authenticated",), verb, "", resource, namespace)
        for namespace in Participant(name).namespaces
        for resource in ("resourcequotas", "limitranges", "namespaces")
        for verb in ("create", "update", "patch")
    ]


def allowed(kubeconfig: Path, questions: Iterable[Question]) -> list[Question]:
    """The questions that the server answers with yes."""
    granted: list[Question] = []

    async def run() -> None:
        async with BulkClient(configs.find(kubeconfig), "mlops-workshop") as client:

            async def ask(one: Question) -> None:
                resource, _, sub = one.resource.partition("/")
                what = {"verb": one.verb, "group": one.group, "resource": resource, "subresource": sub}
                spec = {"user": one.user, "groups": list(one.groups), "resourceAttributes": what}
                what["namespace"] = one.namespace
                if await client.review(
                    {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
                ):
                    granted.append(one)

            await every(questions, ask)

    asyncio.run(run())
    return granted
