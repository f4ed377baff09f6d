"""What each SecurityContextConstraint allows, in the words of OpenShift."""

from __future__ import annotations

from typing import Any

import pytest

from workshop.lab.scc.checking import faults
from workshop.lab.scc.constraints import CONSTRAINTS

BY_NAME = {one.name: one for one in CONSTRAINTS}
RANGE = "must be in the ranges: [1000650000, 1000659999]"


def pod(container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A Pod whose container has a security context."""
    context = {"securityContext": container} if container is not None else {}
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", **context}], **spec}}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_pod_that_asks_for_nothing_is_allowed(name: str) -> None:
    assert faults(BY_NAME[name], pod()) == []


@pytest.mark.parametrize(
    "context",
    [
        {"runAsUser": 1000650000},
        {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        {"capabilities": {"add": ["NET_BIND_SERVICE"]}, "seccompProfile": {"type": "RuntimeDefault"}},
    ],
)
def test_restricted_allows(context: dict[str, Any]) -> None:
    assert faults(BY_NAME["restricted-v2"], pod(context)) == []


@pytest.mark.parametrize(
    ("context", "fault"),
    [
        ({"runAsUser": 0}, f".containers[0].runAsUser: Invalid value: 0: {RANGE}"),
        ({"runAsUser": 1001}, f".containers[0].runAsUser: Invalid value: 1001: {RANGE}"),
        ({"privileged": True}, ".containers[0].privileged: Invalid value: true: Privileged containers are not allowed"),
        (
            {"allowPrivilegeEscalation": True},
            ".containers[0].allowPrivilegeEscalation: Invalid value: true: "
            "Allowing privilege escalation for containers is not allowed",
        ),
        (
            {"capabilities": {"add": ["SYS_ADMIN"]}},
            '.containers[0].capabilities.add: Invalid value: "SYS_ADMIN": capability may not be added',
        ),
        (
            {"seccompProfile": {"type": "Unconfined"}},
            ".containers[0].seccompProfile: Forbidden: unconfined is not an allowed seccomp profile. "
            "Valid values are [runtime/default]",
        ),
    ],
)
def test_restricted_refuses(context: dict[str, Any], fault: str) -> None:
    assert faults(BY_NAME["restricted-v2"], pod(context)) == [f"provider restricted-v2: {fault}"]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (
            {"securityContext": {"fsGroup": 5}},
            "provider restricted-v2: .spec.securityContext.fsGroup: Invalid value: []int64{5}: "
            "5 is not an allowed group",
        ),
        (
            {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
            'spec.volumes[0]: Invalid value: "hostPath": hostPath volumes are not allowed to be used',
        ),
        (
            {"hostNetwork": True},
            "provider restricted-v2: .spec.securityContext.hostNetwork: Invalid value: true: "
            "Host network is not allowed to be used",
        ),
    ],
)
def test_restricted_refuses_of_the_pod(spec: dict[str, Any], fault: str) -> None:
    assert faults(BY_NAME["restricted-v2"], pod(**spec))[0] == fault


def test_a_container_gets_the_user_of_its_pod() -> None:
    assert faults(BY_NAME["restricted-v2"], pod(securityContext={"runAsUser": 0})) == [
        f"provider restricted-v2: .containers[0].runAsUser: Invalid value: 0: {RANGE}"
    ]


def test_init_containers_are_looked_at() -> None:
    found = faults(BY_NAME["restricted-v2"], pod(initContainers=[{"name": "i", "securityContext": {"runAsUser": 0}}]))
    assert found == [f"provider restricted-v2: .initContainers[0].runAsUser: Invalid value: 0: {RANGE}"]


@pytest.mark.parametrize(
    ("name", "context", "allowed"),
    [
        ("anyuid", {"runAsUser": 0}, True),
        ("anyuid", {"privileged": True}, False),
        ("anyuid", {"seccompProfile": {"type": "RuntimeDefault"}}, False),
        ("pipelines-scc", {"runAsUser": 0, "capabilities": {"add": ["SETFCAP"]}}, True),
        ("pipelines-scc", {"allowPrivilegeEscalation": True}, False),
        ("nonroot-v2", {"runAsUser": 5}, True),
        ("nonroot-v2", {"runAsUser": 0}, False),
        ("nonroot-v2", {"runAsNonRoot": False}, False),
        ("privileged", {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}}, True),
    ],
)
def test_the_others(name: str, context: dict[str, Any], allowed: bool) -> None:
    assert (faults(BY_NAME[name], pod(context)) == []) is allowed
