"""What a Repository inherits from the global one (docs/content/docs/operations/global-repository-settings.md).

The rules are those of RepositorySpec.Merge in pkg/apis/pipelinesascode/v1alpha1/types.go at v0.48: the Repository's own
values take precedence, settings are merged only if it has some, and git_provider only for the same type of server.
"""

from __future__ import annotations

from workshop.manifests.objects import Object

NAMESPACE, NAME = "openshift-pipelines", "pipelines-as-code"
"""The namespace of the controller on OpenShift, and the name of the global Repository."""

_WHOLE = ("concurrency_limit", "params")
_GITEA = ("gitea", "forgejo")


def inherited(own: Object, general: Object) -> Object:
    """The spec of a Repository with what it inherits. `own` and `general` are specs and are not changed."""
    found = {**own, **_missing(own, general, _WHOLE)}
    settings = own.get("settings")
    if settings is not None:
        more = general.get("settings") or {}
        found["settings"] = {**settings, **_missing(settings, more, tuple(more))}
    provider, other = own.get("git_provider"), general.get("git_provider") or {}
    if provider is not None and _is_same_server(provider, other):
        found["git_provider"] = {**provider, **_missing(provider, other, tuple(other))}
    return found


def inherits_secret(own: Object, general: Object) -> bool:
    """Whether the Secret for Git is the global one, in NAMESPACE."""
    secret = (inherited(own, general).get("git_provider") or {}).get("secret")
    return secret is not None and not (own.get("git_provider") or {}).get("secret")


def _missing(own: Object, general: Object, names: tuple[str, ...]) -> Object:
    return {name: general[name] for name in names if general.get(name) and not own.get(name)}


def _is_same_server(own: Object, general: Object) -> bool:
    kinds = {kind for one in (own, general) if (kind := one.get("type"))}
    return len(kinds) < 2 or kinds == set(_GITEA)
