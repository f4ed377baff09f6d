"""The decision on a request, by the Roles and bindings of a store.

Rules are compiled once after each change of a Role or a binding, and decisions are kept until the next change: an
authorized request costs one lookup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from workshop.lab.identity.account_tokens import PREFIX
from workshop.lab.identity.users import User
from workshop.lab.kinds import built_in
from workshop.lab.rbac.attributes import Attributes
from workshop.lab.rbac.rules import Rule, rule_of
from workshop.lab.store import Store
from workshop.manifests.objects import Object

GROUP = "rbac.authorization.k8s.io"
KINDS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_MOST_DECISIONS = 20_000


@dataclass(frozen=True)
class Decision:
    """Whether a request is allowed, and why; the reason of a refusal names roles that do not exist."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True)
class Subject:
    """Whom a binding grants a role."""

    kind: str
    name: str
    namespace: str = ""

    def is_user(self, user: User) -> bool:
        """Whether the user is the subject, or in the group that it names."""
        return self.name in user.groups if self.kind == "Group" else self.user_name == user.name

    @property
    def user_name(self) -> str:
        """The name of the user that the subject is; empty for a group."""
        if self.kind == "ServiceAccount":
            return f"{PREFIX}{self.namespace}:{self.name}"
        return self.name if self.kind == "User" else ""

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}{"/" + self.namespace if self.kind == "ServiceAccount" else ""}"'


@dataclass(frozen=True)
class Binding:
    """A RoleBinding, or a ClusterRoleBinding when `namespace` is empty."""

    name: str
    namespace: str
    role_kind: str
    role: str
    subjects: tuple[Subject, ...]

    def allowed(self, subject: Subject) -> str:
        """The reason of a request that the binding allows."""
        kind, name = ("RoleBinding", f"{self.name}/{self.namespace}") if self.namespace else (
            "ClusterRoleBinding", self.name)  # fmt: skip
        return f'RBAC: allowed by {kind} "{name}" of {self.role_kind} "{self.role}" to {subject}'


@dataclass
class _Compiled:
    """The bindings and rules of one state of the store."""

    cluster: list[Binding] = field(default_factory=list)
    namespaced: dict[str, list[Binding]] = field(default_factory=dict)
    rules: dict[tuple[str, str, str], tuple[Rule, ...] | None] = field(default_factory=dict)
    decisions: dict[tuple[User, Attributes], Decision] = field(default_factory=dict)


class Policy:
    """Decides by the objects of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kinds = tuple(map(built_in, KINDS))
        self._version: tuple[int, ...] = ()
        self._state = _Compiled()

    def decide(self, user: User, wanted: Attributes) -> Decision:
        """Whether a user may send a request."""
        if user.is_master:
            return Decision(True)
        state = self._compiled()
        key = (user, wanted)
        found = state.decisions.get(key)
        if found is None:
            if len(state.decisions) >= _MOST_DECISIONS:
                state.decisions.clear()
            found = state.decisions[key] = self._decide(user, wanted)
        return found

    def check(self, user: User, wanted: Attributes) -> None:
        """Raise Forbidden unless the user may send the request."""
        decision = self.decide(user, wanted)
        if not decision.allowed:
            raise wanted.forbidden(user, decision.reason)

    def rules(self, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
        """The rules that a user has in a namespace, and the errors of roles that do not exist."""
        rules: list[Rule] = []
        errors: list[str] = []
        for binding in self._bindings(namespace):
            if any(subject.is_user(user) for subject in binding.subjects):
                found = self._rules_of(binding)
                if found is None:
                    errors.append(_not_found(binding))
                else:
                    rules += found
        if user.is_master:
            rules += (Rule(("*",), ("*",), ("*",)), Rule(("*",), urls=("*",)))
        return list(dict.fromkeys(rules)), errors

    def who_can(self, wanted: Attributes) -> tuple[list[str], list[str], list[str]]:
        """The users and the groups that may send a request, sorted, and the errors of roles that do not exist."""
        users, groups, errors = set(), set(), []
        for binding in self._bindings(wanted.namespace):
            rules = self._rules_of(binding)
            if rules is None:
                errors.append(_not_found(binding))
            elif any(rule.allows(wanted) for rule in rules):
                for subject in binding.subjects:
                    if subject.kind == "Group":
                        groups.add(subject.name)
                    else:
                        users.add(subject.user_name)
        return sorted(users), sorted(groups), errors

    def role(self, kind: str, namespace: str, name: str) -> tuple[Rule, ...] | None:
        """The rules of a Role or a ClusterRole; None when there is none."""
        state = self._compiled()
        key = (kind, namespace if kind == "Role" else "", name)
        if key not in state.rules:
            obj = self._store.find(built_in(kind), key[1], name)
            state.rules[key] = None if obj is None else tuple(rule_of(one) for one in obj.get("rules") or ())
        return state.rules[key]

    def _decide(self, user: User, wanted: Attributes) -> Decision:
        errors: list[str] = []
        for binding in self._bindings(wanted.namespace):
            subject = next((one for one in binding.subjects if one.is_user(user)), None)
            if subject is None:
                continue
            rules = self._rules_of(binding)
            if rules is None:
                errors.append(_not_found(binding))
            elif any(rule.allows(wanted) for rule in rules):
                return Decision(True, binding.allowed(subject))
        if not errors:
            return Decision(False)
        return Decision(False, f"RBAC: {errors[0] if len(errors) == 1 else '[' + ', '.join(errors) + ']'}")

    def _bindings(self, namespace: str) -> Iterator[Binding]:
        """The bindings in force: those of the cluster, then those of the namespace."""
        state = self._compiled()
        yield from state.cluster
        yield from state.namespaced.get(namespace, ()) if namespace else ()

    def _rules_of(self, binding: Binding) -> tuple[Rule, ...] | None:
        return self.role(binding.role_kind, binding.namespace, binding.role)

    def _compiled(self) -> _Compiled:
        version = tuple(map(self._store.last_change, self._kinds))
        if version != self._version:
            self._version, self._state = version, _Compiled()
            for record in self._store.records(built_in("ClusterRoleBinding")):
                self._state.cluster.append(binding_of(record.object()))
            for record in self._store.records(built_in("RoleBinding")):
                self._state.namespaced.setdefault(record.namespace, []).append(binding_of(record.object()))
        return self._state


def binding_of(obj: Object) -> Binding:
    """A RoleBinding or a ClusterRoleBinding as it is stored. An account's default namespace is the binding's."""
    meta, role = obj["metadata"], obj.get("roleRef") or {}
    namespace = meta.get("namespace", "")
    subjects = tuple(
        Subject(one.get("kind", ""), one.get("name", ""), one.get("namespace") or namespace)
        for one in obj.get("subjects") or ()
    )
    return Binding(meta["name"], namespace, role.get("kind", ""), role.get("name", ""), subjects)


def _not_found(binding: Binding) -> str:
    return f'{binding.role_kind.lower()}.{GROUP} "{binding.role}" not found'
