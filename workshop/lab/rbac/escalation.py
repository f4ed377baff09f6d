"""Nobody grants rights that they do not have: the check of a write of a Role or a binding.

A user may write a Role if they have all of its rules in the namespace, or the verb `escalate` on it; and a binding if
they have all rules of its role, or the verb `bind` on the role (kubernetes.io, "Privilege escalation prevention").
"""

from __future__ import annotations

from collections.abc import Iterable

from workshop.lab.api_errors import NotFound
from workshop.lab.identity.users import User
from workshop.lab.rbac.attributes import Attributes, refused
from workshop.lab.rbac.policy import GROUP, Policy, binding_of
from workshop.lab.rbac.rules import Rule, rule_of, uncovered
from workshop.manifests.objects import Object, namespace_and_name

_PLURALS = {"Role": "roles", "ClusterRole": "clusterroles"}


def check_grants(policy: Policy, user: User, new: Object, old: Object | None) -> None:
    """Check a write of a Role, a ClusterRole, a RoleBinding or a ClusterRoleBinding. Raises Forbidden, NotFound."""
    if user.is_master:
        return
    if new["kind"] in _PLURALS:
        _check_role(policy, user, new, old)
    else:
        _check_binding(policy, user, new, old)


def _check_role(policy: Policy, user: User, new: Object, old: Object | None) -> None:
    namespace, name = namespace_and_name(new)
    plural = _PLURALS[new["kind"]]
    if old is not None and all(old.get(field) == new.get(field) for field in ("rules", "aggregationRule")):
        return
    if policy.decide(user, Attributes("escalate", GROUP, plural, namespace, name)).allowed:
        return
    rules = [rule_of(one) for one in new.get("rules") or ()]
    if new.get("aggregationRule") and (old is None or old.get("aggregationRule") != new["aggregationRule"]):
        everything = (Rule(("*",), ("*",), ("*",)), Rule(("*",), urls=("*",)))
        held = policy.rules(user, namespace)[0]
        if uncovered(everything, held):
            raise refused(GROUP, plural, name, "must have cluster-admin privileges to use the aggregationRule")
    _check_held(policy, user, namespace, rules, (plural, name))


def _check_binding(policy: Policy, user: User, new: Object, old: Object | None) -> None:
    binding = binding_of(new)
    if old is not None and (old.get("subjects") or []) == (new.get("subjects") or []):
        return
    role = _PLURALS[binding.role_kind]
    if policy.decide(user, Attributes("bind", GROUP, role, binding.namespace, binding.role)).allowed:
        return
    rules = policy.role(binding.role_kind, binding.namespace, binding.role)
    if rules is None:
        raise NotFound(
            f'{role}.{GROUP} "{binding.role}" not found', details={"name": binding.role, "group": GROUP, "kind": role}
        )
    plural = "rolebindings" if binding.namespace else "clusterrolebindings"
    _check_held(policy, user, binding.namespace, rules, (plural, binding.name))


def _check_held(policy: Policy, user: User, namespace: str, rules: Iterable[Rule], where: tuple[str, str]) -> None:
    held, errors = policy.rules(user, namespace)
    missing = uncovered(rules, held)
    if not missing:
        return
    groups = " ".join(f'"{one}"' for one in user.groups)
    why = f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n'
    why += "\n".join(map(str, missing))
    if errors:
        why += f"; resolution errors: [{', '.join(errors)}]"
    raise refused(GROUP, *where, why)
