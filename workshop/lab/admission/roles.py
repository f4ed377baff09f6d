"""The rules of Roles and bindings that a schema cannot express, in the API server's words.

They are those of `pkg/apis/rbac/validation` of Kubernetes; the defaults are those of `pkg/apis/rbac/v1/defaults.go`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from workshop.lab.api_errors import Invalid
from workshop.manifests.objects import Object, name_of

GROUP = "rbac.authorization.k8s.io"
_PEOPLE = ("Group", "User")
Cause = tuple[str, str]
"""A field and what is wrong with it."""


def admit_role(new: Object, _: Object | None) -> Object:
    """Check the rules of a Role or a ClusterRole. Raises Invalid."""
    namespaced = new["kind"] == "Role"
    causes = [
        cause
        for index, rule in enumerate(new.get("rules") or ())
        for cause in _of_rule(f"rules[{index}]", rule, namespaced=namespaced)
    ]
    _refuse(new, causes)
    return new


def admit_binding(new: Object, old: Object | None) -> Object:
    """Fill in the API groups of a binding, and check it. Raises Invalid."""
    role = {"apiGroup": GROUP, **(new.get("roleRef") or {})}
    role["apiGroup"] = role["apiGroup"] or GROUP
    subjects = [_with_group(one) for one in new.get("subjects") or ()]
    made = {**new, "roleRef": role, **({"subjects": subjects} if subjects else {})}
    causes = list(_of_reference(role, namespaced=new["kind"] == "RoleBinding"))
    for index, subject in enumerate(subjects):
        causes += _of_subject(f"subjects[{index}]", subject, namespaced=new["kind"] == "RoleBinding")
    if old is not None and old.get("roleRef") != role:
        kind, name = role.get("kind", ""), role.get("name", "")
        shown = f'rbac.RoleRef{{APIGroup:"{role["apiGroup"]}", Kind:"{kind}", Name:"{name}"}}'
        causes.append(("roleRef", f"Invalid value: {shown}: cannot change roleRef"))
    _refuse(made, causes)
    return made


def _of_rule(path: str, rule: Object, *, namespaced: bool) -> Iterator[Cause]:
    urls = rule.get("nonResourceURLs")
    if not rule.get("verbs"):
        yield f"{path}.verbs", "Required value: verbs must contain at least one value"
    if urls and namespaced:
        yield (
            f"{path}.nonResourceURLs",
            (f"Invalid value: {json.dumps(urls)}: namespaced rules cannot apply to non-resource URLs"),
        )
    elif urls and any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
        yield (
            f"{path}.nonResourceURLs",
            (f"Invalid value: {json.dumps(urls)}: rules cannot apply to both regular resources and non-resource URLs"),
        )
    if not urls:
        for field, one in (("apiGroups", "api group"), ("resources", "resource")):
            if not rule.get(field):
                yield f"{path}.{field}", f"Required value: resource rules must supply at least one {one}"


def _of_reference(role: Object, *, namespaced: bool) -> Iterator[Cause]:
    allowed = ["Role", "ClusterRole"] if namespaced else ["ClusterRole"]
    if role["apiGroup"] != GROUP:
        yield "roleRef.apiGroup", _unsupported(role["apiGroup"], [GROUP])
    if role.get("kind") not in allowed:
        yield "roleRef.kind", _unsupported(role.get("kind") or "", sorted(allowed))
    if not role.get("name"):
        yield "roleRef.name", "Required value"


def _of_subject(path: str, subject: Object, *, namespaced: bool) -> Iterator[Cause]:
    kind, group = subject.get("kind") or "", subject.get("apiGroup") or ""
    if not subject.get("name"):
        yield f"{path}.name", "Required value"
    if kind == "ServiceAccount":
        if group:
            yield f"{path}.apiGroup", _unsupported(group, [""])
        # An account without a namespace is one of the RoleBinding's.
        if not namespaced and not subject.get("namespace"):
            yield f"{path}.namespace", "Required value"
    elif kind in _PEOPLE:
        if group != GROUP:
            yield f"{path}.apiGroup", _unsupported(group, [GROUP])
    else:
        yield f"{path}.kind", _unsupported(kind, sorted((*_PEOPLE, "ServiceAccount")))


def _with_group(subject: Object) -> Object:
    if subject.get("kind") in _PEOPLE and not subject.get("apiGroup"):
        return {"apiGroup": GROUP, **{key: value for key, value in subject.items() if key != "apiGroup"}}
    return dict(subject)


def _unsupported(value: Any, allowed: list[str]) -> str:
    return f'Unsupported value: "{value}": supported values: {", ".join(json.dumps(one) for one in allowed)}'


def _refuse(obj: Object, causes: list[Cause]) -> None:
    if not causes:
        return
    texts = [f"{field}: {what}" for field, what in causes]
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    name, plural = name_of(obj), f"{obj['kind'].lower()}s"
    raise Invalid(
        f'{obj["kind"]}.{GROUP} "{name}" is invalid: {said}',
        details={
            "name": name,
            "group": GROUP,
            "kind": plural,
            "causes": [
                {"reason": f"FieldValue{what.split(' ')[0].capitalize()}", "message": what, "field": field}
                for field, what in causes
            ],
        },
    )
