"""Read the protobuf that kubectl and oc send.

kubectl posts core kinds as protobuf and does not fall back to JSON (`create configmap`, `create secret`,
`create namespace`, `auth can-i`, `debug`); oc also updates with it (`secrets link`) and copies Pods (`debug`). The
tables contain the field numbers of Kubernetes' published files for the kinds that these commands send; those of a Pod's
spec are in `pod_fields.txt`. A field that is in no table is an error.
Nothing is written: clients accept JSON as the answer.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Any

MAGIC = b"k8s\x00"
"""The prefix of a Kubernetes protobuf body. `runtime.Unknown` follows; its field 2 is the object."""

INLINE = "."
"""The name of a field whose own fields are those of its message: a struct that Go embeds."""

Message = dict[int, list[bytes | int]]


class ProtobufError(ValueError):
    """The bytes are not a valid message, or contain a field that is not in the tables."""


Table = dict[int, tuple[str, str]]
"""The fields of a message by number: name and type.

`skip` is for fields that the server sets. `*` is a pointer in Kubernetes: then the client has set a zero or an empty
message. Other fields are always sent, so their zero means nothing.
"""
_NAMED = {1: ("name", "string")}
_META: Table = {
    1: ("name", "string"),
    2: ("generateName", "string"),
    3: ("namespace", "string"),
    4: ("", "skip"),
    5: ("uid", "string"),
    6: ("resourceVersion", "string"),
    7: ("", "skip"),
    8: ("", "skip"),
    9: ("", "skip"),
    10: ("", "skip"),
    11: ("labels", "map"),
    12: ("annotations", "map"),
    13: ("ownerReferences", "[]OwnerReference"),
    14: ("finalizers", "[]string"),
    17: ("", "skip"),
}
_TABLES: dict[str, Table] = {
    "ObjectMeta": _META,
    "ConfigMap": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "map"),
        3: ("binaryData", "bytesmap"),
        4: ("immutable", "bool"),
    },
    "Secret": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "bytesmap"),
        3: ("type", "string"),
        4: ("stringData", "map"),
        5: ("immutable", "bool"),
    },
    "Namespace": {1: ("metadata", "ObjectMeta"), 2: ("", "skip"), 3: ("", "skip")},
    "ServiceAccount": {
        1: ("metadata", "ObjectMeta"),
        2: ("secrets", "[]ObjectReference"),
        3: ("imagePullSecrets", "[]Named"),
        4: ("automountServiceAccountToken", "bool"),
    },
    "Named": _NAMED,
    "ObjectReference": {
        1: ("kind", "string"),
        2: ("namespace", "string"),
        3: ("name", "string"),
        4: ("uid", "string"),
        5: ("apiVersion", "string"),
        6: ("resourceVersion", "string"),
        7: ("fieldPath", "string"),
    },
    "OwnerReference": {
        1: ("kind", "string"),
        3: ("name", "string"),
        4: ("uid", "string"),
        5: ("apiVersion", "string"),
        6: ("controller", "bool"),
        7: ("blockOwnerDeletion", "bool"),
    },
    "ProjectRequest": {1: ("metadata", "ObjectMeta"), 2: ("displayName", "string"), 3: ("description", "string")},
    "SelfSubjectReview": {1: ("", "skip"), 2: ("", "skip")},
    "SelfSubjectAccessReview": {1: ("", "skip"), 2: ("spec", "AccessSpec"), 3: ("", "skip")},
    "AccessSpec": {1: ("resourceAttributes", "ResourceAttributes"), 2: ("nonResourceAttributes", "PathAttributes")},
    "ResourceAttributes": {
        1: ("namespace", "string"),
        2: ("verb", "string"),
        3: ("group", "string"),
        4: ("version", "string"),
        5: ("resource", "string"),
        6: ("subresource", "string"),
        7: ("name", "string"),
        8: ("", "skip"),
        9: ("", "skip"),
    },
    "PathAttributes": {1: ("path", "string"), 2: ("verb", "string")},
    "SubjectAccessReview": {1: ("", "skip"), 2: ("spec", "SubjectSpec"), 3: ("", "skip")},
    "LocalSubjectAccessReview": {1: ("", "skip"), 2: ("spec", "SubjectSpec"), 3: ("", "skip")},
    "SubjectSpec": {
        1: ("resourceAttributes", "ResourceAttributes"),
        2: ("nonResourceAttributes", "PathAttributes"),
        3: ("user", "string"),
        4: ("groups", "[]string"),
        6: ("uid", "string"),
    },
    "ResourceAccessReview": {1: (INLINE, "Action")},
    "LocalResourceAccessReview": {1: (INLINE, "Action")},
    "Action": {
        1: ("namespace", "string"),
        2: ("verb", "string"),
        3: ("resourceAPIGroup", "string"),
        4: ("resourceAPIVersion", "string"),
        5: ("resource", "string"),
        6: ("resourceName", "string"),
        7: ("", "skip"),
        8: ("path", "string"),
        9: ("isNonResourceURL", "bool"),
    },
    "BuildRequest": {
        1: ("metadata", "ObjectMeta"),
        2: ("revision", "SourceRevision"),
        5: ("binary", "BinarySource"),
        6: ("lastVersion", "int"),
        7: ("env", "[]EnvVar"),
        8: ("triggeredBy", "[]BuildTriggerCause"),
        9: ("dockerStrategyOptions", "DockerOptions"),
        10: ("sourceStrategyOptions", "SourceOptions"),
    },
    "SourceRevision": {1: ("type", "string"), 2: ("git", "GitRevision")},
    "GitRevision": {1: ("commit", "string"), 2: ("", "skip"), 3: ("", "skip"), 4: ("message", "string")},
    "BinarySource": {1: ("asFile", "string")},
    "BuildTriggerCause": {1: ("message", "string")},
    "DockerOptions": {1: ("buildArgs", "[]EnvVar"), 2: ("noCache", "bool")},
    "SourceOptions": {1: ("incremental", "bool")},
    "TokenRequest": {1: ("", "skip"), 2: ("spec", "TokenSpec"), 3: ("", "skip")},
    "TokenSpec": {1: ("audiences", "[]string"), 3: ("boundObjectRef", "BoundObject"), 4: ("expirationSeconds", "int")},
    "BoundObject": {1: ("kind", "string"), 2: ("apiVersion", "string"), 3: ("name", "string"), 4: ("uid", "string")},
    "TokenReview": {1: ("", "skip"), 2: ("spec", "TokenReviewSpec"), 3: ("", "skip")},
    "TokenReviewSpec": {1: ("token", "string"), 2: ("audiences", "[]string")},
    "SelfSubjectRulesReview": {1: ("", "skip"), 2: ("spec", "RulesSpec"), 3: ("", "skip")},
    "RulesSpec": {1: ("namespace", "string")},
    "Role": {1: ("metadata", "ObjectMeta"), 2: ("rules", "[]PolicyRule")},
    "PolicyRule": {
        1: ("verbs", "[]string"),
        2: ("apiGroups", "[]string"),
        3: ("resources", "[]string"),
        4: ("resourceNames", "[]string"),
        5: ("nonResourceURLs", "[]string"),
    },
    "RoleBinding": {1: ("metadata", "ObjectMeta"), 2: ("subjects", "[]Subject"), 3: ("roleRef", "RoleRef")},
    "Subject": {1: ("kind", "string"), 2: ("apiGroup", "string"), 3: ("name", "string"), 4: ("namespace", "string")},
    "RoleRef": {1: ("apiGroup", "string"), 2: ("kind", "string"), 3: ("name", "string")},
    "Deployment": {1: ("metadata", "ObjectMeta"), 2: ("spec", "DeploymentSpec"), 3: ("", "skip")},
    "DeploymentSpec": {
        1: ("replicas", "*int"),
        2: ("selector", "*LabelSelector"),
        3: ("template", "PodTemplate"),
        4: ("strategy", "DeploymentStrategy"),
        5: ("minReadySeconds", "int"),
        6: ("revisionHistoryLimit", "*int"),
        7: ("paused", "bool"),
        9: ("progressDeadlineSeconds", "*int"),
    },
    "DeploymentStrategy": {1: ("type", "string"), 2: ("rollingUpdate", "*RollingUpdate")},
    "RollingUpdate": {1: ("maxUnavailable", "*intstr"), 2: ("maxSurge", "*intstr")},
    "LabelSelector": {1: ("matchLabels", "map"), 2: ("matchExpressions", "[]LabelSelectorRequirement")},
    "LabelSelectorRequirement": {1: ("key", "string"), 2: ("operator", "string"), 3: ("values", "[]string")},
    "PodTemplate": {1: ("metadata", "ObjectMeta"), 2: ("spec", "PodSpec")},
    "Pod": {1: ("metadata", "ObjectMeta"), 2: ("spec", "PodSpec"), 3: ("", "skip")},
    "ClusterRole": {
        1: ("metadata", "ObjectMeta"),
        2: ("rules", "[]PolicyRule"),
        3: ("aggregationRule", "*AggregationRule"),
    },
    "AggregationRule": {1: ("clusterRoleSelectors", "[]LabelSelector")},
    "ClusterRoleBinding": {1: ("metadata", "ObjectMeta"), 2: ("subjects", "[]Subject"), 3: ("roleRef", "RoleRef")},
    "Service": {1: ("metadata", "ObjectMeta"), 2: ("spec", "ServiceSpec"), 3: ("", "skip")},
    "ServiceSpec": {
        1: ("ports", "[]ServicePort"),
        2: ("selector", "map"),
        3: ("clusterIP", "string"),
        4: ("type", "string"),
        5: ("externalIPs", "[]string"),
        7: ("sessionAffinity", "string"),
        8: ("loadBalancerIP", "string"),
        10: ("externalName", "string"),
        11: ("externalTrafficPolicy", "string"),
        12: ("healthCheckNodePort", "int"),
        13: ("publishNotReadyAddresses", "bool"),
        18: ("clusterIPs", "[]string"),
    },
    "ServicePort": {
        1: ("name", "string"),
        2: ("protocol", "string"),
        3: ("port", "int"),
        4: ("targetPort", "intstr"),
        5: ("nodePort", "int"),
        6: ("appProtocol", "string"),
    },
    "PodDisruptionBudget": {1: ("metadata", "ObjectMeta"), 2: ("spec", "BudgetSpec"), 3: ("", "skip")},
    "BudgetSpec": {
        1: ("minAvailable", "*intstr"),
        2: ("selector", "*LabelSelector"),
        3: ("maxUnavailable", "*intstr"),
    },
    "ResourceQuota": {1: ("metadata", "ObjectMeta"), 2: ("spec", "QuotaSpec"), 3: ("", "skip")},
    "QuotaSpec": {1: ("hard", "quantities"), 2: ("scopes", "[]string")},
}


def decode(raw: bytes, kind: str) -> dict[str, Any]:
    """A Kubernetes protobuf body as an object, with apiVersion and kind. Raises ProtobufError."""
    if not raw.startswith(MAGIC):
        raise ProtobufError("the body does not begin as Kubernetes' protobuf does")
    if kind not in _tables():
        raise ProtobufError(f"{kind} is not read as protobuf: send JSON")
    envelope = parse(raw[len(MAGIC) :])
    about = parse(_bytes(envelope.get(1, [b""])[-1]))
    head = {"apiVersion": _string(about.get(1, [b""])[-1]), "kind": _string(about.get(2, [b""])[-1])}
    return {key: value for key, value in head.items() if value} | _read(_bytes(envelope.get(2, [b""])[-1]), kind)


@cache
def _tables() -> dict[str, Table]:
    """The tables above, and those of a Pod's spec."""
    found = dict(_TABLES)
    message = ""
    for line in (Path(__file__).parent / "pod_fields.txt").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if line.startswith("  "):
            number, name, what = words
            found[message][int(number)] = (name, what)
        elif not line.startswith("#"):
            (message,) = words
            found[message] = {}
    return found


def _read(raw: bytes, kind: str) -> dict[str, Any]:
    table = _tables()[kind]
    found: dict[str, Any] = {}
    for number, values in parse(raw).items():
        if number not in table:
            raise ProtobufError(f"field {number} of {kind} is not read as protobuf: send JSON")
        name, what = table[number]
        if what == "skip":
            continue
        value = _value(values, what.removeprefix("*"))
        if name == INLINE:
            found |= value
        elif what.startswith("*") or value not in ("", 0, None, {}, []):
            found[name] = value
    return found


def _value(values: list[bytes | int], what: str) -> Any:
    last = values[-1]
    if what == "string":
        return _string(last)
    if what == "int":
        return (last - 2**64 if last >= 2**63 else last) if isinstance(last, int) else None
    if what == "bool":
        return bool(last)
    if what == "map":
        return {_string(k): _string(v) for k, v in map(_pair, values)}
    if what == "quantity":
        return _quantity(last)
    if what == "quantities":
        return {_string(k): _quantity(v) for k, v in map(_pair, values)}
    if what == "intstr":
        parts = parse(_bytes(last))
        return _string(parts.get(3, [b""])[-1]) if parts.get(1, [0])[-1] else parts.get(2, [0])[-1]
    if what == "bytesmap":
        return {_string(k): base64.b64encode(_bytes(v)).decode() for k, v in map(_pair, values)}
    if what == "[]string":
        return [_string(value) for value in values]
    if what == "[]int":
        return [_value([value], "int") for value in values]
    if what.startswith("[]"):
        return [_read(_bytes(value), what[2:]) for value in values]
    return _read(_bytes(last), what)


def _quantity(value: bytes | int) -> str:
    return _string(parse(_bytes(value)).get(1, [b""])[-1])


def _pair(raw: bytes | int) -> tuple[bytes | int, bytes | int]:
    entry = parse(_bytes(raw))
    return entry.get(1, [b""])[-1], entry.get(2, [b""])[-1]


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("expected a text or a message, found a number")
    return value


def _string(value: bytes | int) -> str:
    return _bytes(value).decode("utf-8", "replace")


def parse(raw: bytes) -> Message:
    """The fields of a message by number: bytes or numbers. Raises ProtobufError."""
    found: Message = {}
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if wire == 2:
            length, at = _varint(raw, at)
            if at + length > len(raw):
                raise ProtobufError("a field is longer than its message")
            found.setdefault(number, []).append(raw[at : at + length])
            at += length
        elif wire == 0:
            value, at = _varint(raw, at)
            found.setdefault(number, []).append(value)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ProtobufError(f"wire type {wire} is not known")
    return found


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise ProtobufError("a number does not end")
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & 0x80:
            return value, at
        shift += 7
