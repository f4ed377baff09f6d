"""Follows the PipelineRuns of Pipelines as Code: statuses of commits, the queue, the last runs, and old runs.

Each reconcile reads the store, so one that was missed is made up for at the next start of the lab.
"""

from __future__ import annotations

from workshop.lab.api_errors import NotFound
from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.pipelinesascode import keys
from workshop.lab.controllers.pipelinesascode.lookups import MANAGED_BY, Lookups, annotation
from workshop.lab.controllers.pipelinesascode.starting import PENDING
from workshop.lab.controllers.pipelinesascode.variables import branch
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object, condition, is_done, labels_of, status_of, succeeded

KEPT = 5
"""The runs in pipelinerun_status of a Repository."""


class Watcher:
    """Reconciles PipelineRuns; all its state is in the store and in the repositories."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups, self._store = lookups, lookups.store
        self._runs, self._repositories = built_in("PipelineRun"), built_in("Repository")

    def loop(self) -> Loop:
        """The loop that calls `reconcile`."""
        return Loop("pipelinesascode", self._store, self.reconcile, owns=self._runs)

    async def reconcile(self, namespace: str, name: str) -> None:
        """One pass over one PipelineRun."""
        run = self._store.find(self._runs, namespace, name)
        if run is None or labels_of(run).get(MANAGED_BY) != keys.GROUP:
            return
        state = labels_of(run).get(keys.STATE)
        if state == keys.COMPLETED:
            return
        repository = self._store.find(self._repositories, namespace, annotation(run, keys.REPOSITORY))
        if is_done(run):
            self._report(run)
            if repository is not None:
                self._note(repository, run)
            self._set_state(run, keys.COMPLETED)
            self._delete_old(run)
        elif state == keys.QUEUED and run["spec"].get("status") != PENDING:
            self._set_state(run, keys.STARTED)
        if repository is not None:
            self._start_next(repository)

    def _report(self, run: Object) -> None:
        found = condition(run)
        self._lookups.report(
            annotation(run, keys.REPO_URL),
            annotation(run, keys.SHA),
            annotation(run, keys.ORIGINAL),
            "success" if succeeded(run) else "failure",
            f"{run['metadata']['name']}: {found.get('reason', '')}. {found.get('message', '')}",
            self._lookups.page(run),
        )

    def _note(self, repository: Object, run: Object) -> None:
        """Put the run at the end of pipelinerun_status, which has the last KEPT ones."""
        name, known = run["metadata"]["name"], repository.get("pipelinerun_status") or []
        before = [one for one in known if one["pipelineRunName"] != name]
        status = status_of(run)
        made = {
            "pipelineRunName": name,
            "startTime": status.get("startTime"),
            "completionTime": status.get("completionTime"),
            "conditions": status.get("conditions") or [],
            "sha": annotation(run, keys.SHA),
            "sha_url": annotation(run, keys.SHA_URL),
            "title": annotation(run, keys.SHA_TITLE),
            "logurl": annotation(run, keys.LOG_URL),
            "target_branch": branch(annotation(run, keys.BRANCH)),
            "event_type": annotation(run, keys.EVENT_TYPE),
        }
        self._store.update(self._repositories, {**repository, "pipelinerun_status": [*before, made][-KEPT:]})

    def _set_state(self, run: Object, state: str) -> None:
        meta = run["metadata"]
        changed = {
            "labels": {**meta["labels"], keys.STATE: state},
            "annotations": {**meta["annotations"], keys.STATE: state},
        }
        self._store.update(self._runs, {**run, "metadata": {**meta, **changed}})

    def _delete_old(self, run: Object) -> None:
        """Delete what the annotation max-keep-runs does not keep of the completed runs of the same file."""
        kept = annotation(run, keys.MAX_KEEP_RUNS)
        if not kept.isdecimal():
            return
        labels = {
            keys.REPOSITORY: annotation(run, keys.REPOSITORY),
            keys.ORIGINAL: annotation(run, keys.ORIGINAL),
            keys.STATE: keys.COMPLETED,
        }
        found = self._lookups.runs(str(run["metadata"]["namespace"]), labels)
        found.sort(key=lambda one: str(status_of(one).get("completionTime") or ""), reverse=True)
        for one in found[int(kept) :]:
            try:
                self._store.delete(self._runs, one["metadata"]["namespace"], one["metadata"]["name"])
            except NotFound:
                continue

    def _start_next(self, repository: Object) -> None:
        """Start waiting runs, oldest first, while fewer run than the limit allows; without a limit, all."""
        name, limit = str(repository["metadata"]["name"]), self._lookups.spec(repository).get("concurrency_limit")
        runs = [
            one
            for one in self._lookups.runs(str(repository["metadata"]["namespace"]), {keys.REPOSITORY: name})
            if not is_done(one)
        ]
        waiting = [one for one in runs if one["spec"].get("status") == PENDING]
        waiting.sort(key=lambda one: str(one["metadata"]["creationTimestamp"]))
        free = len(waiting) if not limit else limit - (len(runs) - len(waiting))
        for one in waiting[: max(free, 0)]:
            spec = {key: value for key, value in one["spec"].items() if key != "status"}
            self._store.update(self._runs, {**one, "spec": spec})
