"""Requests are authorized by the Roles and bindings in the store; refusals have the API server's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.workshop.lab.api.conftest import Run
from tests.workshop.lab.serving import Lab
from workshop.lab.kinds import built_in
from workshop.lab.rbac.defaults import grant

RBAC = "rbac.authorization.k8s.io"
BINDINGS = f"/apis/{RBAC}/v1/namespaces/{{}}/rolebindings"
ROLES = f"/apis/{RBAC}/v1/namespaces/{{}}/roles"
Ask = Callable[..., tuple[int, Any]]
OAUTH = "system:authenticated:oauth"


@pytest.fixture
def ann(lab: Lab) -> Ask:
    """Ask as the user `ann`, who has no rights but those of everybody."""

    def ask(method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        sent = {"Impersonate-User": "ann", "Impersonate-Group": OAUTH, **more.pop("headers", {})}
        return lab.ask(method, path, body, headers=sent, **more)

    return ask


def bind(lab: Lab, namespace: str, role: str, name: str = "ann") -> None:
    lab.call(lab.store.create, built_in("RoleBinding"), grant(f"{role}-{name}", namespace, role, name))


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules)}


def binding(name: str, kind: str, of: str, *users: str) -> dict[str, Any]:
    subjects = [{"kind": "User", "name": user} for user in users]
    return {"metadata": {"name": name}, "roleRef": {"kind": kind, "name": of}, "subjects": subjects}


def rule(resource: str, *verbs: str, group: str = "") -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "message", "details"),
    [
        (
            "GET",
            "/api/v1/namespaces/{}/pods/web",
            'pods "web" is forbidden: User "ann" cannot get resource "pods" in API group "" in the namespace "{}"',
            {"name": "web", "kind": "pods"},
        ),
        (
            "GET",
            "/api/v1/namespaces/{}/pods",
            'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "{}"',
            {"kind": "pods"},
        ),
        (
            "GET",
            "/apis/tekton.dev/v1/taskruns?watch=true",
            'taskruns.tekton.dev is forbidden: User "ann" cannot watch resource "taskruns" in API group "tekton.dev" '
            "at the cluster scope",
            {"group": "tekton.dev", "kind": "taskruns"},
        ),
        (
            "GET",
            "/api/v1/namespaces/{}/pods/web/log",
            'pods "web" is forbidden: User "ann" cannot get resource "pods/log" in API group "" in the namespace "{}"',
            {"name": "web", "kind": "pods"},
        ),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/{}/deployments",
            'deployments.apps is forbidden: User "ann" cannot deletecollection resource "deployments" in API group '
            '"apps" in the namespace "{}"',
            {"group": "apps", "kind": "deployments"},
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/{}/deployments/web/scale",
            'deployments.apps "web" is forbidden: User "ann" cannot patch resource "deployments/scale" in API group '
            '"apps" in the namespace "{}"',
            {"name": "web", "group": "apps", "kind": "deployments"},
        ),
        (
            "GET",
            "/api/v1/namespaces/{}",
            'namespaces "{}" is forbidden: User "ann" cannot get resource "namespaces" in API group "" in the '
            'namespace "{}"',
            {"name": "{}", "kind": "namespaces"},
        ),
        (
            "GET",
            "/api/v1/namespaces/{}/pods?fieldSelector=metadata.name%3Dweb",
            'pods "web" is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "{}"',
            {"name": "web", "kind": "pods"},
        ),
        ("GET", "/metrics", 'forbidden: User "ann" cannot get path "/metrics"', {}),
    ],
)
def test_a_refusal_says_who_wanted_what_where(
    namespace: str, ann: Ask, method: str, path: str, message: str, details: dict[str, str]
) -> None:
    body: dict[str, Any] | None = {} if method in ("PATCH", "DELETE") else None
    code, said = ann(method, path.format(namespace), body)
    assert code == 403
    assert said == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message.replace("{}", namespace),
        "reason": "Forbidden",
        "details": {key: value.replace("{}", namespace) for key, value in details.items()},
        "code": 403,
    }


def test_a_refusal_names_a_role_that_a_binding_misses(lab: Lab, namespace: str, ann: Ask) -> None:
    bind(lab, namespace, "no-such-role")
    said = ann("GET", f"/api/v1/namespaces/{namespace}/pods")[1]["message"]
    assert said.endswith(f'in the namespace "{namespace}": RBAC: clusterrole.{RBAC} "no-such-role" not found')


def test_a_request_without_a_valid_token_is_unauthorized(lab: Lab) -> None:
    for header in ("", "Bearer wrong", "Bearer a.b.c"):
        assert lab.ask("GET", "/api/v1/pods", headers={"Authorization": header})[0] == 401


def test_discovery_is_for_everybody_with_a_token(ann: Ask) -> None:
    for path in ("/api", "/apis", "/api/v1", "/apis/tekton.dev/v1", "/openapi/v3", "/version"):
        assert ann("GET", path)[0] == 200, path


# -- grants ------------------------------------------------------------------------------------------------------------


def test_a_role_grants_its_verbs_on_its_names_alone(lab: Lab, namespace: str, ann: Ask) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for name in ("mine", "other"):
        assert lab.ask("POST", path, {"metadata": {"name": name}})[0] == 201
    rules = [{**rule("configmaps", "get", "watch", "patch"), "resourceNames": ["mine"]}, rule("configmaps", "create")]
    assert lab.ask("POST", ROLES.format(namespace), role("r", *rules))[0] == 201
    assert lab.ask("POST", BINDINGS.format(namespace), binding("b", "Role", "r", "ann"))[0] == 201
    merge = "application/merge-patch+json"
    assert ann("GET", f"{path}/mine")[0] == 200
    assert ann("PATCH", f"{path}/mine", {"data": {"a": "b"}}, media=merge)[0] == 200
    assert ann("POST", path, {"metadata": {"name": "new"}})[0] == 201
    refused = [
        ann("GET", f"{path}/other"),
        ann("GET", path),
        ann("PUT", f"{path}/mine", {"metadata": {"name": "mine"}}),
        ann("DELETE", f"{path}/mine"),
        ann("DELETE", path),
    ]
    assert [code for code, _ in refused] == [403] * len(refused)


def test_an_apply_that_creates_needs_the_verb_create(lab: Lab, namespace: str, ann: Ask) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/new?fieldManager=ann"
    assert lab.ask("POST", ROLES.format(namespace), role("r", rule("configmaps", "get", "patch")))[0] == 201
    assert lab.ask("POST", BINDINGS.format(namespace), binding("b", "Role", "r", "ann"))[0] == 201
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}, "data": {"a": "b"}}
    code, said = ann("PATCH", path, config, media="application/apply-patch+yaml")
    assert (code, said["message"].startswith('configmaps "new" is forbidden: User "ann" cannot create')) == (403, True)
    assert lab.ask("PATCH", path, config, media="application/apply-patch+yaml")[0] == 201
    assert ann("PATCH", path, {**config, "data": {"a": "c"}}, media="application/apply-patch+yaml")[0] == 200


def test_projects_are_those_that_a_user_may_get(lab: Lab, namespace: str, ann: Ask) -> None:
    projects = "/apis/project.openshift.io/v1/projects"
    assert ann("GET", projects)[1]["items"] == []
    assert ann("GET", f"{projects}/{namespace}")[0] == 403
    bind(lab, namespace, "view")
    assert [one["metadata"]["name"] for one in ann("GET", projects)[1]["items"]] == [namespace]
    assert ann("GET", f"{projects}/{namespace}")[0] == 200
    assert ann("GET", "/api/v1/namespaces")[0] == 403
    assert ann("DELETE", f"{projects}/{namespace}")[0] == 403


def test_the_requester_of_a_project_is_its_admin(lab: Lab, namespace: str, ann: Ask) -> None:
    made = {"metadata": {"name": f"{namespace}-mine"}}
    code, project = ann("POST", "/apis/project.openshift.io/v1/projectrequests", made)
    assert (code, project["metadata"]["annotations"]["openshift.io/requester"]) == (201, "ann")
    assert ann("POST", BINDINGS.format(f"{namespace}-mine"), binding("b", "ClusterRole", "edit", "bob"))[0] == 201
    assert ann("DELETE", f"/apis/project.openshift.io/v1/projects/{namespace}-mine")[0] == 200


# -- escalation --------------------------------------------------------------------------------------------------------


def test_a_user_grants_no_rights_that_they_lack(lab: Lab, namespace: str, ann: Ask) -> None:
    bind(lab, namespace, "admin")
    granted = role("r", rule("pods", "get"), rule("nodes", "get", "list"))
    code, said = ann("POST", ROLES.format(namespace), granted)
    assert (code, said["message"]) == (
        403,
        f'roles.{RBAC} "r" is forbidden: user "ann" (groups=["{OAUTH}" "system:authenticated"]) is attempting to grant '
        'RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}',
    )
    assert ann("POST", ROLES.format(namespace), role("r", rule("pods", "get", "list")))[0] == 201
    code, said = ann("PUT", f"{ROLES.format(namespace)}/r", granted)
    assert (code, "permissions not currently held" in said["message"]) == (403, True)
    code, said = ann("POST", BINDINGS.format(namespace), binding("b", "ClusterRole", "cluster-admin", "ann"))
    assert code == 403 and said["message"].startswith(f'rolebindings.{RBAC} "b" is forbidden: user "ann"')
    assert ann("POST", BINDINGS.format(namespace), binding("b", "ClusterRole", "view", "bob"))[0] == 201
    code, said = ann("POST", BINDINGS.format(namespace), binding("c", "ClusterRole", "gone", "bob"))
    assert (code, said["message"]) == (404, f'clusterroles.{RBAC} "gone" not found')


def test_the_verbs_escalate_and_bind_allow_it(lab: Lab, namespace: str, ann: Ask) -> None:
    roles, bindings = ROLES.format(namespace), BINDINGS.format(namespace)
    may = role(
        "may",
        rule("roles", "create", "escalate", group=RBAC),
        rule("rolebindings", "create", group=RBAC),
        {**rule("clusterroles", "bind", group=RBAC), "resourceNames": ["edit"]},
    )
    assert lab.ask("POST", roles, may)[0] == 201
    assert lab.ask("POST", bindings, binding("may", "Role", "may", "ann"))[0] == 201
    assert ann("POST", roles, role("r", rule("*", "*", group="*")))[0] == 201
    assert ann("POST", bindings, binding("edit", "ClusterRole", "edit", "bob"))[0] == 201
    assert ann("POST", bindings, binding("admin", "ClusterRole", "admin", "bob"))[0] == 403


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            binding("b", "Group", "x"),
            'roleRef.kind: Unsupported value: "Group": supported values: "ClusterRole", "Role"',
        ),
        (
            {**binding("b", "Role", "x"), "subjects": [{"kind": "Person", "name": "ann"}]},
            'subjects[0].kind: Unsupported value: "Person": supported values: "Group", "ServiceAccount", "User"',
        ),
        (
            role("r", {"verbs": ["get"], "nonResourceURLs": ["/x"]}),
            "namespaced rules cannot apply to non-resource URLs",
        ),
        (role("a/b"), "metadata.name: Invalid value: \"a/b\": may not contain '/'"),
        (role("r", {"verbs": ["get"]}), "rules[0].apiGroups: Required value: resource rules must supply at least one"),
    ],
)
def test_a_role_or_binding_that_means_nothing_is_invalid(
    lab: Lab, namespace: str, made: dict[str, Any], said: str
) -> None:
    path = BINDINGS if "roleRef" in made else ROLES
    code, answer = lab.ask("POST", path.format(namespace), made)
    assert (code, said in answer["message"]) == (422, True), answer["message"]


def test_the_role_of_a_binding_cannot_change(lab: Lab, namespace: str) -> None:
    path = BINDINGS.format(namespace)
    assert lab.ask("POST", path, binding("b", "ClusterRole", "view", "ann"))[0] == 201
    code, answer = lab.ask("PUT", f"{path}/b", binding("b", "ClusterRole", "edit", "ann"))
    assert (code, answer["message"].endswith("cannot change roleRef")) == (422, True)


# -- impersonation -----------------------------------------------------------------------------------------------------


def test_acting_for_somebody_else_needs_the_verb_impersonate(lab: Lab, namespace: str) -> None:
    token = {"Authorization": f"Bearer {lab.plain_token}"}
    code, said = lab.ask("GET", "/api/v1/pods", headers={**token, "Impersonate-User": "system:admin"})
    assert (code, said["message"]) == (
        403,
        'users "system:admin" is forbidden: User "bea" cannot impersonate resource "users" in API group "" at the '
        "cluster scope",
    )
    account = f"system:serviceaccount:{namespace}:pipeline"
    code, said = lab.ask("GET", "/api/v1/pods", headers={**token, "Impersonate-User": account})
    assert (code, said["message"]) == (
        403,
        f'serviceaccounts "pipeline" is forbidden: User "bea" cannot impersonate resource "serviceaccounts" in API '
        f'group "" in the namespace "{namespace}"',
    )
    bind(lab, namespace, "edit", "bea")
    code, said = lab.ask("GET", "/api/v1/pods", headers={**token, "Impersonate-User": account})
    assert (code, said["message"].startswith(f'pods is forbidden: User "{account}" cannot list')) == (403, True)


def test_an_impersonated_account_is_in_its_groups(lab: Lab, namespace: str) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    account = f"system:serviceaccount:{namespace}:pipeline"
    answer = lab.ask("POST", path, {}, headers={"Impersonate-User": account})[1]
    assert answer["status"]["userInfo"] == {
        "username": account,
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
    }


def test_an_answer_to_an_approval_is_the_senders_own_whatever_their_roles(lab: Lab, namespace: str) -> None:
    path = f"/apis/openshift-pipelines.org/v1alpha1/namespaces/{namespace}/approvaltasks"
    approver = {"name": "user1", "type": "User", "input": "pending"}
    spec = {"approvers": [approver], "numberOfApprovalsRequired": 1}
    assert lab.ask("POST", path, {"metadata": {"name": "a"}, "spec": spec})[0] == 201
    change = {"spec": {**spec, "approvers": [{**approver, "input": "approve"}]}}
    merge = "application/merge-patch+json"
    bob = {"Impersonate-User": "bob", "Impersonate-Group": "system:masters"}
    code, said = lab.ask("PATCH", f"{path}/a", change, headers=bob, media=merge)
    assert (code, said["message"].endswith("User does not exist in the approval list")) == (400, True)
    assert lab.ask("PATCH", f"{path}/a", change, media=merge)[0] == 200


# -- what kubectl and oc ask -------------------------------------------------------------------------------------------


def test_kubectl_says_what_a_user_can_do(lab: Lab, namespace: str, kubectl: Run) -> None:
    bind(lab, namespace, "view")
    assert kubectl("auth", "can-i", "get", "pods", "--as=ann").stdout == "yes\n"
    refused = kubectl("auth", "can-i", "create", "pods", "--as=ann")
    assert (refused.returncode, refused.stdout) == (1, "no\n")
    assert kubectl("auth", "can-i", "get", "pods", "--subresource=log", "--as=ann").stdout == "yes\n"
    assert kubectl("auth", "can-i", "get", "/version", "--as=ann").stdout == "yes\n"
    assert kubectl("auth", "can-i", "*", "*").stdout == "yes\n"
    listed = kubectl("auth", "can-i", "--list", "--as=ann").stdout
    assert "pods/log" in listed and "[/openapi/*]" in listed and "secrets" not in listed
    assert "Username" in kubectl("auth", "whoami", "--as=ann").stdout


def test_kubectl_reconciles_roles(namespace: str, kubectl: Run) -> None:
    made = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        **role("r", rule("pods", "get")),
        "metadata": {"name": "r", "namespace": namespace},
    }
    done = kubectl("auth", "reconcile", "-f", "-", stdin=json.dumps(made))
    assert f"role.{RBAC}/r reconciled" in done.stdout, done.stderr


def test_kubectl_makes_roles_and_bindings(namespace: str, kubectl: Run) -> None:
    for words in (
        ("role", "reader", "--verb=get", "--resource=pods"),
        ("rolebinding", "reader", "--role=reader", "--user=ann", "--serviceaccount=default:x"),
        ("clusterrole", f"{namespace}-a", "--aggregation-rule=team=a"),
    ):
        done = kubectl("create", *words)
        assert done.returncode == 0, done.stderr
    assert kubectl("auth", "can-i", "get", "pods", "--as=ann").stdout == "yes\n"
    assert kubectl("auth", "can-i", "get", "pods", "--as=system:serviceaccount:default:x").stdout == "yes\n"


def test_oc_policy_who_can(lab: Lab, namespace: str) -> None:
    bind(lab, namespace, "view")
    asked = {
        "kind": "ResourceAccessReview",
        "apiVersion": "authorization.openshift.io/v1",
        **{"namespace": namespace, "verb": "get", "resourceAPIGroup": "", "resourceAPIVersion": "", "resource": "pods"},
        **{"resourceName": "", "path": "", "isNonResourceURL": False, "content": None},
    }
    here = f"/apis/authorization.openshift.io/v1/namespaces/{namespace}/localresourceaccessreviews"
    for path in ("/apis/authorization.openshift.io/v1/resourceaccessreviews", here):
        code, answer = lab.ask("POST", path, {**asked, "kind": asked["kind"] if "local" not in path else "Local"})
        assert (code, answer["kind"], answer["namespace"]) == (201, "ResourceAccessReviewResponse", namespace)
        assert "ann" in answer["users"] and "system:masters" in answer["groups"]


def test_oc_policy_who_can_is_sent_as_protobuf(lab: Lab, namespace: str) -> None:
    def field(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    action = field(1, namespace.encode()) + field(2, b"get") + field(5, b"pods")
    about = field(1, b"authorization.openshift.io/v1") + field(2, b"ResourceAccessReview")
    body = b"k8s\x00" + field(1, about) + field(2, field(1, action))
    code, answer = lab.ask(
        "POST",
        "/apis/authorization.openshift.io/v1/resourceaccessreviews",
        body,
        media="application/vnd.kubernetes.protobuf",
    )
    assert (code, answer["namespace"], "system:masters" in answer["groups"]) == (201, namespace, True)


def test_a_subject_access_review_is_about_another_subject(lab: Lab, namespace: str) -> None:
    bind(lab, namespace, "view")
    attributes = {"namespace": namespace, "verb": "get", "resource": "pods", "subresource": "log"}
    spec = {"user": "ann", "resourceAttributes": attributes}
    path = "/apis/authorization.k8s.io/v1/{}subjectaccessreviews"
    answers = [
        lab.ask("POST", path.format(""), {"spec": spec}),
        lab.ask("POST", path.format(f"namespaces/{namespace}/local"), {"spec": spec}),
    ]
    for code, answer in answers:
        assert (code, answer["status"]) == (
            201,
            {"allowed": True, "reason": f'RBAC: allowed by RoleBinding "view-ann/{namespace}" of ClusterRole "view" '
             'to User "ann"'},
        )  # fmt: skip
    code, answer = lab.ask("POST", path.format(""), {"spec": {**spec, "user": "bob"}})
    assert (code, answer["status"]) == (201, {"allowed": False})
    code, answer = lab.ask("POST", path.format(""), {"spec": {"resourceAttributes": attributes}})
    assert (code, "at least one of user or group must be specified" in answer["message"]) == (422, True)
