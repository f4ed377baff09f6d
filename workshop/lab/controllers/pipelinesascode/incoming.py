"""Incoming webhooks: a request with a shared secret starts a PipelineRun of `.tekton/` without a push.

The rules are those of pkg/adapter/incoming.go of pipelines-as-code. A secret in the URL, which is deprecated there, is
refused: logs and histories keep URLs.
"""

from __future__ import annotations

import hmac
from typing import Any

import msgspec

from workshop.lab.controllers.pipelinesascode.event import INCOMING, PUSH, Event
from workshop.lab.controllers.pipelinesascode.globs import matches
from workshop.lab.controllers.pipelinesascode.lookups import Lookups
from workshop.lab.forge.git import GitFailure
from workshop.lab.forge.notice import Refusal
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

_KEY = "secret"
"""The key of the Secret, unless the Repository names one."""
_REQUIRED = ("repository", "branch", "pipelinerun", "secret")


class _Body(msgspec.Struct):
    repository: str = ""
    namespace: str = ""
    branch: str = ""
    pipelinerun: str = ""
    secret: str = ""
    params: dict[str, Any] = {}


async def accepted(lookups: Lookups, body: bytes) -> tuple[Object, Event]:
    """The Repository and the event of a webhook. Raises Refusal."""
    try:
        asked = msgspec.json.decode(body, type=_Body)
    except msgspec.DecodeError as e:
        raise Refusal(f"invalid JSON body for incoming webhook: {e}") from e
    missing = [name for name in _REQUIRED if not getattr(asked, name)]
    if missing:
        raise Refusal(f"missing required fields: [{' '.join(missing)}]")
    repository = _repository(lookups, asked)
    rule = _rule(repository, asked)
    _check_secret(lookups, repository, rule, asked.secret)
    for name in asked.params:
        if name not in (rule.get("params") or ()):
            raise Refusal(f"param {name} is not allowed in incoming webhook CR")
    return repository, await _event(lookups, repository, asked)


def _repository(lookups: Lookups, asked: _Body) -> Object:
    found = [
        record.object()
        for record in lookups.store.records(built_in("Repository"), asked.namespace or None)
        if record.name == asked.repository
    ]
    if not found:
        raise Refusal(f"cannot find repository {asked.repository}")
    if len(found) > 1:
        raise Refusal(f"multiple repositories of the name {asked.repository}: missing required fields: [namespace]")
    return found[0]


def _rule(repository: Object, asked: _Body) -> Object:
    """The first rule of the Repository for a branch."""
    rules = (repository.get("spec") or {}).get("incoming")
    if not rules:
        raise Refusal(f"you need to have incoming webhooks rules in your repo spec, repo: {asked.repository}")
    for rule in rules:
        for target in rule.get("targets") or ():
            if target == asked.branch or matches(target, asked.branch):
                return dict(rule)
    targets = [target for rule in rules for target in rule.get("targets") or ()]
    raise Refusal(f"branch '{asked.branch}' has not matched any rules in repo incoming webhooks spec: {targets}")


def _check_secret(lookups: Lookups, repository: Object, rule: Object, given: str) -> None:
    reference = rule["secret"]
    namespace, key = str(repository["metadata"]["namespace"]), reference.get("key") or _KEY
    try:
        secret = lookups.secret(namespace, reference["name"], key)
    except LookupError as e:
        raise Refusal(f"error getting secret referenced in incoming-webhook: {e}") from e
    if not secret:
        raise Refusal(
            f"secret referenced in incoming-webhook {reference['name']} is empty or key {key} is not existent"
        )
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise Refusal(
            "secret passed to the webhook does not match the incoming webhook secret set on repository CR in secret "
            f"{reference['name']}"
        )


async def _event(lookups: Lookups, repository: Object, asked: _Body) -> Event:
    """The newest commit of the branch, as a push. The body that variables read is without the secret."""
    namespace, url = str(repository["metadata"]["namespace"]), str(repository["spec"].get("url") or "").rstrip("/")
    folder = lookups.folder(url)
    if folder is None:
        raise Refusal(f"{url} has no repository in the lab")
    owner = lookups.owner(folder)
    if (owner, namespace) not in lookups.tokens:
        raise Refusal(f"{url} is a repository of {owner}, and the namespace {namespace} is not")
    git = lookups.git(folder)
    sha = await git.commit(f"refs/heads/{asked.branch}")
    if not sha:
        raise Refusal(f"there is no branch {asked.branch} in {url}")
    try:
        title = (await git("show", "-s", "--format=%s", sha)).strip()
        default = (await git("symbolic-ref", "--short", "HEAD")).strip()
    except GitFailure as e:
        raise Refusal(str(e)) from e
    given = {name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
             for name, value in asked.params.items()}  # fmt: skip
    shown = {"repository": asked.repository, "branch": asked.branch, "pipelinerun": asked.pipelinerun}
    return Event(
        target=PUSH, type=INCOMING, url=url, owner=owner, repository=url.rpartition("/")[2], default_branch=default,
        sender="incoming", sha=sha, title=title, base_branch=asked.branch, head_branch=asked.branch,
        sha_url=f"{url}/commit/{sha}", pipeline=asked.pipelinerun, given=given,
        body={**shown, "params": asked.params}, headers={"Content-Type": "application/json"},
    )  # fmt: skip
