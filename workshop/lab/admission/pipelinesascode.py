"""Repositories at admission: what the lab's Pipelines as Code does not support."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from workshop.lab.api_errors import ApiError, Invalid
from workshop.manifests.objects import Object

SUPPORTED: dict[str, str] = {
    "GitProvider": "secret type",
    "Incoming": "type secret params targets",
    "Repository": "apiVersion kind metadata spec pipelinerun_status",
    "RepositoryParam": "name value secret_ref filter",
    "RepositorySettings": "pipelinerun_provenance forgejo policy",
    "RepositorySpec": "url concurrency_limit git_provider incoming params settings",
    "SecretRef": "name key",
}
"""Fields that have the same effect as on a cluster, by type."""

_OWNERS = "only the owner can push to a repository of the lab"
_NO_COMMENTS = "the lab writes no comments of its own"

ACCEPTED: dict[str, str] = {
    "ForgejoSettings.comment_strategy": _NO_COMMENTS,
    "ForgejoSettings.user_agent": "the lab reads its repositories without HTTP",
    "GitProvider.url": "the Git server is the lab's",
    "GitProvider.user": "the Git server is the lab's; it takes any name with the owner's token",
    "GitProvider.webhook_secret": "events do not leave the lab's process, so nothing signs them",
    "Policy.ok_to_test": _OWNERS,
    "Policy.pull_request": _OWNERS,
}
"""Fields that are accepted and have no effect on one machine, with the reason."""

_OTHER_SERVER = "the lab's Git server is of the type gitea; use git_provider.type gitea, or a cluster"

REFUSED: dict[str, str] = {
    "GitProvider.type: github, gitlab, bitbucket-datacenter, bitbucket-cloud": _OTHER_SERVER,
    "RepositorySettings.ai": "the lab calls no language model; remove ai",
    "RepositorySettings.github": _OTHER_SERVER,
    "RepositorySettings.github_app_token_scope_repos": _OTHER_SERVER,
    "RepositorySettings.gitlab": _OTHER_SERVER,
    "RepositorySettings.gitops_command_prefix": (
        "Pipelines as Code uses it with GitHub alone, and the lab's Git server is of the type gitea; remove it, "
        "commands in comments begin with /"
    ),
}
"""Fields that admission refuses, with the messages."""

_SETTINGS = ("ai", "github", "github_app_token_scope_repos", "gitlab", "gitops_command_prefix")


def admit_repository(new: Object, old: Object | None) -> Object:
    """The Repository as it is. Raises Invalid."""
    name, spec = str(new["metadata"]["name"]), new.get("spec") or {}
    url, settings = str(spec.get("url") or ""), spec.get("settings") or {}
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
        raise _invalid(name, "spec.url", url, "must be an address that begins with http:// or https://")
    kind = (spec.get("git_provider") or {}).get("type") or "gitea"
    if kind not in ("gitea", "forgejo"):
        raise _invalid(name, "spec.git_provider.type", kind, _OTHER_SERVER)
    for field in _SETTINGS:
        if settings.get(field):
            raise _invalid(name, f"spec.settings.{field}", "...", REFUSED[f"RepositorySettings.{field}"])
    return new


def _invalid(name: str, path: str, value: Any, why: str) -> ApiError:
    cause = f'Invalid value: "{value}": {why}'
    return Invalid(
        f'Repository.pipelinesascode.tekton.dev "{name}" is invalid: {path}: {cause}',
        details={
            "name": name,
            "group": "pipelinesascode.tekton.dev",
            "kind": "Repository",
            "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": path}],
        },
    )
