"""Creates a PipelineRun for an event, with its labels, its annotations and the Secret for Git."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlsplit

from workshop.lab.admission.tekton.config import config_of
from workshop.lab.api.creatable import obstacle
from workshop.lab.api.offline import admitted
from workshop.lab.api.views import view_of
from workshop.lab.controllers.owners import owner_reference
from workshop.lab.controllers.pipelinesascode import keys
from workshop.lab.controllers.pipelinesascode.event import Event
from workshop.lab.controllers.pipelinesascode.lookups import MANAGED_BY, Lookups, annotation
from workshop.lab.controllers.pipelinesascode.resolving import ResolveError, label_value
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

PENDING = "PipelineRunPending"


def start(lookups: Lookups, repository: Object, event: Event, run: Object, secret: str) -> Object:
    """Create the PipelineRun, and the Secret `secret` that `{{ git_auth_secret }}` names.

    With a limit of concurrent runs it waits, and the watcher starts it. Raises ApiError, LookupError, ResolveError.
    """
    namespace = str(repository["metadata"]["namespace"])
    token = lookups.token(repository, event.owner)
    waits = bool(lookups.spec(repository).get("concurrency_limit"))
    meta = run["metadata"]
    meta["namespace"] = namespace
    meta["labels"] = {**(meta.get("labels") or {}), **_labels(event, repository, meta, waits)}
    meta["annotations"] = {**(meta.get("annotations") or {}), **_annotations(event, repository, secret, waits)}
    if waits:
        run.setdefault("spec", {})["status"] = PENDING
    view, problem = view_of(lookups.store.kinds, run), obstacle(lookups.store.kinds, run)
    if view is None or problem:
        raise ResolveError(problem)
    obj = admitted(view, run, config_of(lookups.store))
    made = lookups.store.create(built_in("PipelineRun"), obj)
    lookups.store.create(built_in("Secret"), _secret(made, event, secret, token))
    page = {keys.LOG_URL: lookups.page(made)}
    made = lookups.store.update(
        built_in("PipelineRun"),
        {**made, "metadata": {**made["metadata"], "annotations": {**made["metadata"]["annotations"], **page}}},
    )
    words = "is waiting to start" if waits else "has started"
    context = annotation(made, keys.ORIGINAL)
    lookups.report(event.url, event.sha, context, "pending", f"{made['metadata']['name']} {words}", lookups.page(made))
    return made


def _labels(event: Event, repository: Object, meta: Object, waits: bool) -> dict[str, str]:
    found = {
        MANAGED_BY: keys.GROUP,
        keys.EVENT_TYPE: event.type,
        keys.REPOSITORY: str(repository["metadata"]["name"]),
        keys.SHA: event.sha,
        keys.STATE: keys.QUEUED if waits else keys.STARTED,
        keys.URL_ORG: event.owner,
        keys.URL_REPOSITORY: event.repository,
        **({keys.PULL_REQUEST: str(event.number)} if event.number else {}),
    }
    wanted = (meta.get("annotations") or {}).get(keys.CANCEL_IN_PROGRESS)
    if wanted is not None:
        found[keys.CANCEL_IN_PROGRESS] = str(wanted)
    return {name: label_value(value) for name, value in found.items()}


def _annotations(event: Event, repository: Object, secret: str, waits: bool) -> dict[str, str]:
    return {
        keys.BRANCH: event.base_branch,
        keys.EVENT_TYPE: event.type,
        keys.GIT_AUTH_SECRET: secret,
        keys.GIT_PROVIDER: "gitea",
        keys.REPOSITORY: str(repository["metadata"]["name"]),
        keys.REPO_URL: event.url,
        keys.SENDER: event.sender,
        keys.SHA: event.sha,
        keys.SHA_TITLE: event.title,
        keys.SHA_URL: event.sha_url,
        keys.SOURCE_BRANCH: event.head_branch,
        keys.SOURCE_REPO_URL: event.url,
        keys.STATE: keys.QUEUED if waits else keys.STARTED,
        keys.URL_ORG: event.owner,
        keys.URL_REPOSITORY: event.repository,
        **({keys.PULL_REQUEST: str(event.number)} if event.number else {}),
    }


def _secret(run: Object, event: Event, name: str, token: str) -> Object:
    """The Secret for git-clone's workspace `basic-auth`; it is deleted with the PipelineRun."""
    url, quoted = urlsplit(event.url), quote(token, safe="")
    data: dict[str, Any] = {
        ".gitconfig": f'\n\t[credential "{url.scheme}://{url.netloc}"]\n\thelper=store\n\t',
        ".git-credentials": f"{url.scheme}://git:{quoted}@{url.netloc}{url.path}",
        "git-provider-token": quoted,
    }
    return {
        "metadata": {
            "name": name,
            "namespace": run["metadata"]["namespace"],
            "labels": {MANAGED_BY: keys.GROUP},
            "ownerReferences": [owner_reference(run)],
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }
