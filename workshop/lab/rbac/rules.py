"""One rule of a Role: which requests it allows, and which other rules it covers.

Matching follows `pkg/apis/rbac/v1/evaluation_helpers.go` of Kubernetes, covering follows
`component-helpers/auth/rbac/validation/policy_comparator.go`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workshop.lab.rbac.attributes import Attributes
from workshop.manifests.objects import Object

ALL = "*"


@dataclass(frozen=True)
class Rule:
    """A PolicyRule."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    def allows(self, wanted: Attributes) -> bool:
        """Whether the rule allows a request."""
        if not _has(self.verbs, wanted.verb):
            return False
        if wanted.path:
            return any(_url_covers(url, wanted.path) for url in self.urls)
        return (
            _has(self.groups, wanted.group)
            and _resource_covers(self.resources, wanted.resource)
            and (not self.names or wanted.name in self.names)
        )

    def covers(self, other: Rule) -> bool:
        """Whether the rule allows everything that another rule allows."""
        return (
            _has_all(self.verbs, other.verbs)
            and _has_all(self.groups, other.groups)
            and all(_resource_covers(self.resources, one) for one in other.resources)
            and (not self.names or (bool(other.names) and set(other.names) <= set(self.names)))
            and all(any(_url_covers(mine, one) for mine in self.urls) for one in other.urls)
        )

    def parts(self) -> Iterator[Rule]:
        """The rule as rules of one verb, one group, one resource and at most one name."""
        for verb in self.verbs:
            for url in self.urls:
                yield Rule((verb,), urls=(url,))
            for group in self.groups:
                for resource in self.resources:
                    for name in self.names or ("",):
                        yield Rule((verb,), (group,), (resource,), (name,) if name else ())

    def object(self) -> Object:
        """The rule as a review shows it."""
        if self.urls:
            return {"verbs": list(self.verbs), "nonResourceURLs": list(self.urls)}
        found = {
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
            "resourceNames": self.names,
        }
        return {key: list(value) for key, value in found.items() if value}

    def __str__(self) -> str:
        fields = {
            "APIGroups": self.groups,
            "Resources": self.resources,
            "NonResourceURLs": self.urls,
            "ResourceNames": self.names,
            "Verbs": self.verbs,
        }
        texts = (f"{name}:[{' '.join(json.dumps(one) for one in value)}]" for name, value in fields.items() if value)
        return "{" + ", ".join(texts) + "}"


def rule_of(obj: Object) -> Rule:
    """A rule as it is stored."""

    def texts(field: str) -> tuple[str, ...]:
        return tuple(obj.get(field) or ())

    return Rule(
        texts("verbs"), texts("apiGroups"), texts("resources"), texts("resourceNames"), texts("nonResourceURLs")
    )


def uncovered(wanted: Iterable[Rule], held: Sequence[Rule]) -> list[Rule]:
    """The parts of the wanted rules that no rule of `held` covers, those of one resource joined, sorted."""
    verbs: dict[Rule, list[str]] = {}
    for rule in wanted:
        for part in rule.parts():
            if not any(one.covers(part) for one in held):
                found = verbs.setdefault(Rule((), part.groups, part.resources, part.names, part.urls), [])
                if part.verbs[0] not in found:
                    found.append(part.verbs[0])
    missing = [Rule(tuple(found), *_rest(rule)) for rule, found in verbs.items()]
    return sorted(missing, key=str)


def _rest(rule: Rule) -> tuple[tuple[str, ...], ...]:
    return rule.groups, rule.resources, rule.names, rule.urls


def _has(held: Sequence[str], wanted: str) -> bool:
    return wanted in held or ALL in held


def _has_all(held: Sequence[str], wanted: Iterable[str]) -> bool:
    return ALL in held or set(wanted) <= set(held)


def _resource_covers(held: Sequence[str], wanted: str) -> bool:
    if wanted in held or ALL in held:
        return True
    _, slash, subresource = wanted.partition("/")
    return bool(slash) and f"*/{subresource}" in held


def _url_covers(held: str, wanted: str) -> bool:
    return held in (ALL, wanted) or (held.endswith(ALL) and wanted.startswith(held.rstrip(ALL)))
