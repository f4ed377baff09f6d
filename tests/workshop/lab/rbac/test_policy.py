"""Decisions by the Roles and bindings of a store."""

from __future__ import annotations

from typing import Any

import pytest

from workshop.lab.identity.account_tokens import account_user
from workshop.lab.identity.users import ADMINISTRATOR, AUTHENTICATED, MASTERS, User, person
from workshop.lab.kinds import built_in
from workshop.lab.rbac.attributes import Attributes
from workshop.lab.rbac.defaults import grant, namespace_bindings, reconcile_defaults
from workshop.lab.rbac.policy import Policy
from workshop.lab.store import Store
from workshop.manifests.objects import Object

ANN = person("ann")
PIPELINE = account_user("dev", "pipeline")
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def store() -> Store:
    made = Store()
    reconcile_defaults(made)
    return made


def create(store: Store, kind: str, name: str, namespace: str = "", **fields: Any) -> Object:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return store.create(built_in(kind), {"metadata": meta, **fields})


def bind(store: Store, role: str, *subjects: Object, namespace: str = "ns", kind: str = "ClusterRole") -> None:
    create(
        store,
        "RoleBinding" if namespace else "ClusterRoleBinding",
        f"{role}-{len(subjects)}",
        namespace,
        roleRef={"apiGroup": RBAC, "kind": kind, "name": role},
        subjects=list(subjects),
    )


def user(name: str) -> Object:
    return {"apiGroup": RBAC, "kind": "User", "name": name}


def allowed(store: Store, who: User, verb: str, resource: str, namespace: str = "ns", group: str = "") -> bool:
    return Policy(store).decide(who, Attributes(verb, group, resource, namespace)).allowed


def test_nobody_may_do_anything_without_a_binding(store: Store) -> None:
    assert not allowed(store, ANN, "get", "pods")
    assert not allowed(store, PIPELINE, "get", "pods")


def test_a_role_binding_grants_a_cluster_role_in_its_namespace_alone(store: Store) -> None:
    bind(store, "view", user("ann"))
    assert allowed(store, ANN, "list", "pods")
    assert not allowed(store, ANN, "list", "pods", "other")
    assert not allowed(store, ANN, "list", "pods", "")
    assert not allowed(store, ANN, "delete", "pods")
    assert not allowed(store, ANN, "get", "secrets")


def test_a_cluster_role_binding_grants_it_everywhere(store: Store) -> None:
    bind(store, "view", user("ann"), namespace="")
    assert all(allowed(store, ANN, "list", "pods", namespace) for namespace in ("ns", "other", ""))


@pytest.mark.parametrize(
    ("subject", "who"),
    [
        ({"kind": "ServiceAccount", "name": "pipeline", "namespace": "dev"}, PIPELINE),
        ({"kind": "ServiceAccount", "name": "pipeline", "namespace": "other"}, account_user("other", "pipeline")),
        ({"kind": "ServiceAccount", "name": "pipeline"}, account_user("ns", "pipeline")),
        ({"apiGroup": RBAC, "kind": "User", "name": "system:serviceaccount:dev:pipeline"}, PIPELINE),
        ({"apiGroup": RBAC, "kind": "Group", "name": "system:serviceaccounts:dev"}, PIPELINE),
        ({"apiGroup": RBAC, "kind": "Group", "name": "system:serviceaccounts"}, PIPELINE),
        ({"apiGroup": RBAC, "kind": "Group", "name": AUTHENTICATED}, PIPELINE),
        ({"apiGroup": RBAC, "kind": "Group", "name": "system:authenticated:oauth"}, ANN),
    ],
)
def test_a_subject_is_a_user_an_account_or_a_group(store: Store, subject: Object, who: User) -> None:
    bind(store, "view", subject)
    assert allowed(store, who, "get", "pods")
    others = [account_user("other", "pipeline"), account_user("dev", "default"), person("bob"), ANN, PIPELINE]
    group = subject["kind"] == "Group"
    assert group or not any(allowed(store, one, "get", "pods") for one in others if one != who)


def test_a_namespaces_accounts_group_means_that_namespace(store: Store) -> None:
    bind(store, "view", {"apiGroup": RBAC, "kind": "Group", "name": "system:serviceaccounts:dev"})
    assert not allowed(store, account_user("other", "pipeline"), "get", "pods")


def test_masters_may_do_everything_whatever_the_roles_say() -> None:
    empty = Store()
    assert allowed(empty, User(ADMINISTRATOR, (MASTERS,)), "delete", "clusterroles", "", RBAC)


def test_a_change_of_a_role_or_a_binding_counts_at_once(store: Store) -> None:
    policy, wanted = Policy(store), Attributes("get", "", "configmaps", "ns")
    role = create(store, "Role", "reader", "ns", rules=[{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}])
    bind(store, "reader", user("ann"), kind="Role")
    assert not policy.decide(ANN, wanted).allowed
    role["rules"][0]["resources"] = ["pods", "configmaps"]
    store.update(built_in("Role"), role)
    assert policy.decide(ANN, wanted).allowed
    store.delete(built_in("RoleBinding"), "ns", "reader-1")
    assert not policy.decide(ANN, wanted).allowed


def test_a_decision_names_the_binding_or_the_role_that_is_missing(store: Store) -> None:
    bind(store, "view", {"kind": "ServiceAccount", "name": "pipeline", "namespace": "dev"})
    bind(store, "gone", user("ann"), kind="Role")
    policy, wanted = Policy(store), Attributes("get", "", "pods", "ns")
    account = 'ServiceAccount "pipeline/dev"'
    assert policy.decide(PIPELINE, wanted).reason == (
        f'RBAC: allowed by RoleBinding "view-1/ns" of ClusterRole "view" to {account}'
    )
    assert policy.decide(ANN, wanted).reason == 'RBAC: role.rbac.authorization.k8s.io "gone" not found'


@pytest.mark.parametrize(
    ("role", "verb", "group", "resource", "may"),
    [
        ("view", "get", "tekton.dev", "pipelineruns", True),
        ("view", "get", "", "secrets", False),
        ("edit", "create", "tekton.dev", "pipelineruns", True),
        ("edit", "create", "triggers.tekton.dev", "eventlisteners", True),
        ("edit", "create", "route.openshift.io", "routes", True),
        ("edit", "create", "build.openshift.io", "buildconfigs/instantiate", True),
        ("edit", "get", "monitoring.coreos.com", "prometheusrules", True),
        ("edit", "create", "monitoring.coreos.com", "prometheusrules", False),
        ("edit", "get", "monitoring.coreos.com", "podmonitors", False),
        ("edit", "get", "machinelearning.seldon.io", "seldondeployments", False),
        ("edit", "create", RBAC, "rolebindings", False),
        ("edit", "create", "", "serviceaccounts/token", True),
        ("admin", "create", RBAC, "rolebindings", True),
        ("admin", "get", "", "secrets", True),
        ("admin", "update", "", "resourcequotas", False),
        ("monitoring-edit", "create", "monitoring.coreos.com", "podmonitors", True),
        ("system:image-puller", "get", "image.openshift.io", "imagestreams/layers", True),
    ],
)
def test_built_in_roles_have_a_clusters_rules(
    store: Store, role: str, verb: str, group: str, resource: str, may: bool
) -> None:
    bind(store, role, user("ann"))
    assert allowed(store, ANN, verb, resource, group=group) is may


def test_everybody_who_logged_in_may_ask_and_request_a_project(store: Store) -> None:
    assert allowed(store, ANN, "create", "selfsubjectaccessreviews", "", "authorization.k8s.io")
    assert allowed(store, ANN, "create", "projectrequests", "", "project.openshift.io")
    assert allowed(store, PIPELINE, "create", "selfsubjectaccessreviews", "", "authorization.k8s.io")
    assert not allowed(store, PIPELINE, "create", "projectrequests", "", "project.openshift.io")


def test_a_namespace_has_openshifts_bindings_and_a_system_namespace_has_none(store: Store) -> None:
    for binding in namespace_bindings("dev"):
        store.create(built_in("RoleBinding"), binding)
    assert allowed(store, PIPELINE, "create", "pipelineruns", "dev", "tekton.dev")
    assert allowed(store, account_user("dev", "any"), "get", "imagestreams/layers", "dev", "image.openshift.io")
    assert not allowed(store, account_user("other", "any"), "get", "imagestreams/layers", "dev", "image.openshift.io")
    assert namespace_bindings("openshift-monitoring") == []


def test_who_can_lists_users_accounts_and_groups(store: Store) -> None:
    bind(store, "view", user("ann"), {"kind": "ServiceAccount", "name": "pipeline", "namespace": "dev"})
    store.create(built_in("RoleBinding"), grant("bobs", "ns", "edit", "bob"))
    users, groups, errors = Policy(store).who_can(Attributes("get", "", "pods", "ns"))
    assert users == ["ann", "bob", "system:admin", "system:serviceaccount:dev:pipeline"]
    assert groups == ["system:cluster-admins", "system:cluster-readers", "system:masters"]
    assert errors == []


def test_an_aggregated_role_follows_the_roles_that_it_selects(store: Store) -> None:
    labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    rules = [{"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["widgets"]}]
    store.create(built_in("ClusterRole"), {"metadata": {"name": "widgets", "labels": labels}, "rules": rules})
    reconcile_defaults(store)
    for role in ("view", "edit", "admin", "cluster-reader"):
        assert rules[0] in store.get(built_in("ClusterRole"), "", role)["rules"], role
    store.delete(built_in("ClusterRole"), "", "widgets")
    reconcile_defaults(store)
    assert rules[0] not in store.get(built_in("ClusterRole"), "", "admin")["rules"]


def test_a_second_start_writes_nothing(store: Store) -> None:
    before = store.version
    reconcile_defaults(store)
    assert store.version == before


def test_a_start_restores_a_changed_default_role(store: Store) -> None:
    role = store.get(built_in("ClusterRole"), "", "self-provisioner")
    store.update(built_in("ClusterRole"), {**role, "rules": []})
    reconcile_defaults(store)
    assert store.get(built_in("ClusterRole"), "", "self-provisioner")["rules"] == role["rules"]
