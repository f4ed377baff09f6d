"""github: checks the event's type, then the signature of the raw body; optionally adds the files that a push changed.

`X-Hub-Signature` (SHA-1) is not accepted. Admission refuses the files of a pull request and `githubOwners`, because
they need GitHub's API, which a room without a network cannot reach.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors.base import (
    Secrets,
    Settings,
    Stopped,
    check_signature,
    check_type,
    secret_value,
    settings,
)
from workshop.manifests.triggers import SecretRef


class AddChangedFiles(Settings, frozen=True, kw_only=True):
    """Whether the changed files are added as `extensions.changed_files`, joined by commas."""

    enabled: bool = False


class GitHub(Settings, frozen=True, kw_only=True):
    """The interceptor's settings."""

    secret_ref: SecretRef | None = None
    event_types: list[str] | None = None
    add_changed_files: AddChangedFiles = AddChangedFiles()


def intercept(event: Event, params: dict[str, Any], secrets: Secrets) -> Json:
    """Let an authentic event of an allowed type pass. Raises Stopped."""
    if event.header("Content-Type") == "application/x-www-form-urlencoded":
        raise Stopped(
            "InvalidArgument", "form parameter encoding not supported, please change the hook to send JSON payloads"
        )
    wanted = settings(params, GitHub)
    kind = event.header("X-GitHub-Event")
    check_type(kind, wanted.event_types)
    if wanted.secret_ref is not None:
        secret = secret_value("github", wanted.secret_ref, secrets)
        signature = event.header("X-Hub-Signature-256")
        if not signature:
            raise Stopped("FailedPrecondition", "Must set X-Hub-Signature-256 header", suspicious=True)
        check_signature(event, signature, secret, ("sha256",))
    if wanted.add_changed_files.enabled and kind == "push":
        return {"changed_files": ",".join(_changed(event.body))}
    return {}


def _changed(body: Any) -> list[str]:
    """The files of a push, commit by commit: added, modified, removed."""
    if not isinstance(body, dict) or not isinstance(body.get("repository"), dict):
        raise Stopped("FailedPrecondition", "error parsing body: payload body missing 'repository' field")
    found: list[str] = []
    for commit in body.get("commits") or []:
        for key in ("added", "modified", "removed"):
            files = commit.get(key) if isinstance(commit, dict) else None
            if not isinstance(files, list):
                raise Stopped("FailedPrecondition", f"error parsing body: payload body missing 'commits.*.{key}' field")
            found += [str(name) for name in files]
    return found
