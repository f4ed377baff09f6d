"""From an event of the Git server to PipelineRuns (pkg/pipelineascode)."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.celvalues import ExpressionError
from workshop.lab.controllers.events import Events
from workshop.lab.controllers.pipelinesascode import event as events
from workshop.lab.controllers.pipelinesascode import incoming, keys
from workshop.lab.controllers.pipelinesascode.cancelling import cancel, cancel_older
from workshop.lab.controllers.pipelinesascode.event import Event
from workshop.lab.controllers.pipelinesascode.fetching import Remote
from workshop.lab.controllers.pipelinesascode.lookups import Lookups, annotation
from workshop.lab.controllers.pipelinesascode.matching import Matched, match, no_match
from workshop.lab.controllers.pipelinesascode.resolving import ResolveError, Types, name_originals, read, resolve
from workshop.lab.controllers.pipelinesascode.starting import start
from workshop.lab.controllers.pipelinesascode.variables import params_of, substitute
from workshop.lab.forge.git import GitFailure
from workshop.lab.forge.notice import Accepted, Notice
from workshop.manifests.objects import Object, succeeded

FOLDER = ".tekton"
MAX_FILES = 100
"""Files of `.tekton/` that are read."""
log = logging.getLogger("workshop.lab.pipelinesascode")


class Receiver:
    """Starts PipelineRuns for events."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._events = Events(lookups.store, "pipelines-as-code")

    async def deliver(self, notice: Notice) -> None:
        """Receive what the Git server sends."""
        event = events.of_notice(notice)
        if event is not None:
            await self.receive(event)

    async def receive(self, event: Event) -> None:
        """Start what an event asks for. What is wrong becomes a status of the commit and an Event."""
        repository = self._lookups.repository(event.url, event.owner)
        if repository is None:
            log.info("cannot find a repository match for %s", event.url)
            return
        if event.target == events.CLOSED:
            cancel(self._lookups, repository, event, only_marked=True)
        elif event.type in (events.CANCEL_ALL, events.CANCEL):
            cancel(self._lookups, repository, event)
        elif event.skip:
            log.info("CI skipped for commit %s: skip command found in message", event.sha)
        else:
            await self._run(repository, event)

    async def incoming(self, body: bytes) -> Accepted:
        """Receive an incoming webhook, and start what it names. Raises Refusal."""
        repository, event = await incoming.accepted(self._lookups, body)
        await self._run(repository, event)
        return Accepted(event.pipeline, event.head_branch)

    async def _run(self, repository: Object, event: Event) -> None:
        try:
            text = await self._templates(repository, event)
            if text:
                await self._started(repository, event, text)
        except (GitFailure, LookupError, ExpressionError, ResolveError) as e:
            self._wrong(repository, event, "", f"There was an issue validating the commit: {e}")

    async def _templates(self, repository: Object, event: Event) -> str:
        """The files of `.tekton/` as one text; empty without such a folder. Raises GitFailure, ResolveError."""
        folder = self._lookups.folder(event.url)
        if folder is None:
            raise GitFailure(f"{event.url} has no repository")
        git = self._lookups.git(folder)
        settings = self._lookups.spec(repository).get("settings") or {}
        is_default = settings.get("pipelinerun_provenance") == "default_branch"
        revision = event.default_branch if is_default else event.sha
        names = [name for name in await git.files(revision, FOLDER) if name.endswith((".yaml", ".yml"))]
        if len(names) > MAX_FILES:
            raise ResolveError(f"{FOLDER}/ has {len(names)} files; at most {MAX_FILES} are read")
        texts = []
        for name in names:
            text = await git.text(revision, name)
            if wrong := _bad_yaml(text):
                raise ResolveError(f"error unmarshalling yaml file {name}: {wrong}")
            texts.append(text if text.lstrip().startswith("---") else f"---\n{text}")
        if not texts:
            log.info("cannot locate templates in %s/ directory for this repository in %s", FOLDER, event.head_branch)
        return "\n".join(texts)

    async def _started(self, repository: Object, event: Event, text: str) -> None:
        own = self._own_params(repository, event)
        # A comment that an annotation matches changes the type of the event, which is a variable.
        event = match(read(text).runs, event, own).event
        params = self._params(repository, event)
        types = read(substitute(text, params, event))
        for name, problem in types.errors:
            self._wrong(repository, event, name, problem)
        name_originals(types.runs)
        found = match(types.runs, event, self._own_params(repository, event))
        for name, problem in found.errors.items():
            self._wrong(repository, event, name, problem)
        found.runs = self._without_succeeded(repository, event, found)
        if not found.runs and event.type == events.INCOMING:
            message = f"cannot find pipelinerun {event.pipeline} for matching an incoming event in this repository"
            log.info("%s", message)
            self._events.emit(repository, "RepositoryCannotLocatePipelineRunForIncomingEvent", message)
            return
        if not found.runs:
            if not event.is_comment:
                message = no_match(types.runs, event)
                log.info("%s", message)
                self._events.emit(repository, "RepositoryNoMatch", message)
            return
        chosen = Types(runs=found.runs, pipelines=types.pipelines, tasks=types.tasks)
        for run in await resolve(chosen, Remote(self._lookups, event).fetch):
            self._start(repository, event, run, params)

    def _start(self, repository: Object, event: Event, run: Object, params: Mapping[str, str]) -> None:
        """Create one PipelineRun. What a remote Pipeline or Task writes as {{ }} is substituted here."""
        secret = f"pac-gitauth-{''.join(secrets.choice(string.ascii_lowercase) for _ in range(6))}"
        text = substitute(orjson.dumps(run).decode(), {"git_auth_secret": secret}, None)
        name = annotation(run, keys.ORIGINAL)
        try:
            made: Object = orjson.loads(substitute(text, params, event))
            home = repository
            if namespace := annotation(made, keys.TARGET_NAMESPACE):
                found = self._lookups.repository(event.url, event.owner, namespace)
                if found is None:
                    raise ResolveError(f"there is no Repository with this URL in the namespace {namespace}")
                home = found
            created = start(self._lookups, home, event, made, secret)
        except orjson.JSONDecodeError as e:
            self._wrong(repository, event, name, f"a value of a variable makes the PipelineRun bad JSON: {e}")
        except (ApiError, LookupError, ResolveError) as e:
            text = e.message if isinstance(e, ApiError) else str(e)
            self._wrong(repository, event, name, f"There was an error creating the PipelineRun {name}: {text}")
        else:
            cancel_older(self._lookups, home, event, created)

    def _params(self, repository: Object, event: Event) -> dict[str, str]:
        namespace = str(repository["metadata"]["namespace"])
        declared = self._lookups.spec(repository).get("params")
        found = params_of(event, namespace, declared, lambda name, key: self._lookups.secret(namespace, name, key))
        return {**found, **({"pull_request_number": str(event.number)} if event.number else {})}

    def _own_params(self, repository: Object, event: Event) -> dict[str, str]:
        """The params that the Repository declares, for CEL."""
        declared: Sequence[Mapping[str, Any]] = self._lookups.spec(repository).get("params") or ()
        if not declared:
            return {}
        known = self._params(repository, event)
        return {one["name"]: known[one["name"]] for one in declared if one["name"] in known}

    def _without_succeeded(self, repository: Object, event: Event, found: Matched) -> list[Object]:
        """For /retest and /ok-to-test, the PipelineRuns of which none has succeeded for this commit."""
        if event.type not in (events.RETEST_ALL, events.OK_TO_TEST):
            return found.runs
        namespace = str(repository["metadata"]["namespace"])
        done = {
            annotation(one, keys.ORIGINAL)
            for one in self._lookups.runs(namespace, {keys.SHA: event.sha})
            if succeeded(one)
        }
        return [one for one in found.runs if annotation(one, keys.ORIGINAL) not in done]

    def _wrong(self, repository: Object, event: Event, context: str, message: str) -> None:
        log.warning("%s at %s: %s", event.url, event.sha[:12], message)
        self._events.emit(repository, "RepositoryPipelineRun", message, warning=True)
        self._lookups.report(event.url, event.sha, context, "failure", message)


def _bad_yaml(text: str) -> str:
    """Why a file is no YAML, or nothing. A variable of {{ }} is YAML only in quotes."""
    return next((problem for _, problem in read(text).errors if "bad YAML" in problem), "")
