"""Reconciles TaskRuns: one Pod for each attempt; its outcome leads to a retry or to the end of the run.

All state in between is in the store. A restarted supervisor finds the run again. A Pod whose processes are gone counts
as evicted, which uses up a retry like any other failure.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Any

from workshop.lab.admission.tekton.config import config_of
from workshop.lab.api_errors import AlreadyExists, Forbidden
from workshop.lab.controllers.conditions import Status, save_status, set_condition
from workshop.lab.controllers.events import Events
from workshop.lab.controllers.tekton import outcomes, podstatus, taskresults
from workshop.lab.controllers.tekton.attempts import Attempts
from workshop.lab.controllers.tekton.claims import claims_for, with_claims
from workshop.lab.controllers.tekton.errors import USER, RunError, pod_refused
from workshop.lab.controllers.tekton.features import note_flags
from workshop.lab.controllers.tekton.limits import refuse_requests_above_limits
from workshop.lab.controllers.tekton.names import RELEASE, pod_name
from workshop.lab.controllers.tekton.outcomes import Outcome
from workshop.lab.controllers.tekton.podrules import refuse_bad_pod, refuse_bad_task
from workshop.lab.controllers.tekton.pods import pod_object, pod_plan
from workshop.lab.controllers.tekton.resolve_task import find_task, resolve_task, task_of
from workshop.lab.controllers.tekton.resolvers import Waiting
from workshop.lab.entrypoint import accountsecrets
from workshop.lab.entrypoint.results import LOG, TooLarge, read_log
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.credentials import Credentials
from workshop.lab.kubelet.status import FINAL_PHASES
from workshop.lab.kubelet.volumes import missing
from workshop.lab.paths import LabPaths
from workshop.lab.scc.admitting import TEKTON, PodSecurity
from workshop.lab.store import Store, now
from workshop.manifests.objects import Object, annotations_of, condition, is_done, status_of
from workshop.manifests.tekton import format_duration, parse_duration

ON_ERROR = "pipeline.tekton.dev/pipeline-task-on-error"
PENDING_SECONDS = 0.5
"""Seconds between two checks of a Pod that waits for a volume."""
CONTROLLER = "tekton.dev/pipeline"
NO_KNOWN_HOSTS = (
    'TaskRun validation failed. Git SSH Secret must have "known_hosts" included when feature flag '
    '"require-git-ssh-secret-known-hosts" is set to true'
)


class TaskRuns:
    """The reconciler; `reconcile` is for a Loop that owns TaskRuns and watches Pods."""

    def __init__(
        self,
        store: Store,
        state: LabPaths,
        attempts: Attempts,
        credentials: Credentials | None = None,
        security: PodSecurity | None = None,
    ) -> None:
        self._store, self._state, self._attempts = store, state, attempts
        self._credentials, self._security = credentials, security
        self._events = Events(store, "TaskRun")
        self._runs, self._pods = built_in("TaskRun"), built_in("Pod")

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Reconcile one TaskRun. Returns the seconds until the next reconcile."""
        run = self._store.find(self._runs, namespace, name)
        if run is None:
            await self._clean_up(namespace, name)
            return None
        if is_done(run) or run["spec"].get("managedBy", CONTROLLER) != CONTROLLER:
            return None
        status: Status = run.setdefault("status", {})
        if run["spec"].get("status") == "TaskRunCancelled":
            await self._cancel(run)
            return None
        if run["spec"].get("status") == "TaskRunPending" and not status.get("startTime"):
            set_condition(status, "Unknown", "TaskRunPending", f'TaskRun "{name}" is pending')
            save_status(self._store, self._runs, run)
            return None
        try:
            if not status.get("podName"):
                return self._start(run)
            return await self._follow(run)
        except Waiting as e:
            reason = "ResolvingTaskRef" if e.what == "resource" else "ResolvingStepActionRef"
            set_condition(status, "Unknown", reason, f"TaskRun {namespace}/{name} awaiting remote {e.what}")
            save_status(self._store, self._runs, run)
            return None
        except RunError as e:
            if e.reason == "TaskRunResolutionFailed":
                # The steps are not known.
                status.pop("steps", None)
            self._finish(run, Outcome(False, e.reason, e.message))
            return None

    # -- start ---------------------------------------------------------------------------------------------------------

    def _start(self, run: Object) -> float | None:
        status: Status = run["status"]
        config = config_of(self._store)
        attempt = len(status.get("retriesStatus") or [])
        if not status.get("startTime"):
            status["startTime"] = now()
            self._events.emit(run, "Started", "")
        bindings = with_claims(run["spec"].get("workspaces") or [], claims_for(self._store, run))
        bound = {**run, "spec": {**run["spec"], "workspaces": bindings}}
        task = find_task(self._store, bound)
        status["steps"] = podstatus.not_started([step.get("name", "") for step in task.spec.get("steps") or []])
        ready = resolve_task(self._store, bound, task, attempt, config)
        self._label(run, ready.labels, ready.annotations)
        refuse_requests_above_limits(ready.spec)
        meta = run["metadata"]
        name = pod_name(meta["name"], attempt)
        folder = self._state.pod(meta["namespace"], name)
        plan = pod_plan(run, name, ready.spec, ready.bound, folder, config.flags)
        status["taskSpec"] = ready.raw
        refuse_bad_task(run, ready.spec, config)
        if self._credentials and (account := self._credentials.missing_account(plan)):
            # Source: credsInit in pkg/pod/creds_init.go.
            raise pod_refused(run, f'translating TaskSpec to Pod: serviceaccounts "{account}" not found')
        refuse_bad_pod(run, plan)
        note_flags(status, config.flags, task.source)
        waits_for = missing(self._store, meta["namespace"], plan.volumes)
        if waits_for:
            left = self._left(run, None)
            if left is not None and left <= 0:
                return self._end_attempt(run, None, _timed_out(run), ended="TaskRunTimeout")
            # On a cluster the kubelet waits for the volume, and an event of the Pod has the message.
            text = f'pod status "PodReadyToStartContainers":"False"; message: "{waits_for}"'
            set_condition(status, "Unknown", "Pending", text)
            save_status(self._store, self._runs, run)
            return PENDING_SECONDS if left is None else min(PENDING_SECONDS, left)
        if config.flags.require_known_hosts and accountsecrets.lacks_known_hosts(self._store, plan):
            raise RunError("TaskRunValidationFailed", NO_KNOWN_HOSTS)
        wanted = pod_object(run, name, plan)
        try:
            if self._security:
                wanted = self._security.admitted(wanted, TEKTON)
            pod = self._store.create(self._pods, wanted)
        except Forbidden as e:
            raise RunError("PodAdmissionFailed", str(e)) from e
        except AlreadyExists:
            pod = self._store.get(self._pods, meta["namespace"], name)
        status["podName"] = name
        status["steps"] = podstatus.step_statuses(pod, self._step_names(run))
        set_condition(status, "Unknown", "Running", outcomes.RUNNING)
        save_status(self._store, self._runs, run)
        self._events.emit(run, "Running", outcomes.RUNNING)
        self._attempts.start(pod, plan)
        return self._left(run, pod)

    def _label(self, run: Object, labels: dict[str, str], annotations: dict[str, str]) -> None:
        """Copy the Task's labels to the run, as the controller does. The run's own labels take precedence."""
        meta = run["metadata"]
        new_labels = {**labels, **(meta.get("labels") or {})}
        new_annotations = {**annotations, **RELEASE, **(meta.get("annotations") or {})}
        if new_labels != meta.get("labels") or new_annotations != meta.get("annotations"):
            meta["labels"], meta["annotations"] = new_labels, new_annotations
            stored = self._store.update(self._runs, run)
            meta["resourceVersion"] = stored["metadata"]["resourceVersion"]

    # -- while it runs -------------------------------------------------------------------------------------------------

    async def _follow(self, run: Object) -> float | None:
        status: Status = run["status"]
        meta = run["metadata"]
        pod = self._store.find(self._pods, meta["namespace"], status["podName"])
        if pod is None:
            await self._attempts.stop_named(meta["namespace"], status["podName"])
            self._end_attempt(
                run, None, Outcome(False, "Failed", f'Pod "{status["podName"]}" was deleted while it ran')
            )
            return 0.0
        if status_of(pod).get("phase") in FINAL_PHASES:
            return self._ended(run, pod)
        uid = pod["metadata"]["uid"]
        if self._attempts.seconds(uid) is None:
            self._attempts.fail(pod, outcomes.LOST, outcomes.LOST_MESSAGE)
            return None
        left = self._left(run, pod)
        if left is not None and left <= 0:
            await self._attempts.stop(uid)
            self._attempts.fail(pod, "DeadlineExceeded", "TaskRunTimeout")
            pod = self._store.find(self._pods, meta["namespace"], status["podName"])
            return self._end_attempt(run, pod, _timed_out(run), ended="TaskRunTimeout")
        status["steps"] = podstatus.step_statuses(pod, self._step_names(run))
        save_status(self._store, self._runs, run)
        return left

    def _left(self, run: Object, pod: Object | None) -> float | None:
        """Seconds until the attempt times out, or None without a timeout."""
        timeout = parse_duration(run["spec"].get("timeout") or "1h0m0s")
        if timeout == 0:
            return None
        ran = self._attempts.seconds(pod["metadata"]["uid"]) if pod else None
        if ran is None:
            started = datetime.fromisoformat(run["status"]["startTime"])
            ran = (datetime.now(UTC) - started).total_seconds() - 1
        return timeout - ran

    # -- the end -------------------------------------------------------------------------------------------------------

    def _ended(self, run: Object, pod: Object) -> float | None:
        found = outcomes.outcome(run["metadata"]["name"], pod)
        return self._end_attempt(run, pod, found)

    def _end_attempt(self, run: Object, pod: Object | None, found: Outcome, *, ended: str = "") -> float | None:
        """Take over the Pod's results, then retry or finish the run."""
        status: Status = run["status"]
        if pod is None and ended:
            status["steps"] = podstatus.not_started(self._step_names(run), ended=ended)
        if pod is not None:
            status["steps"] = podstatus.step_statuses(pod, self._step_names(run), ended=ended)
            flags = config_of(self._store).flags
            entries = podstatus.entries(pod)
            if flags.sidecar_logs:
                log = self._state.container_log(run["metadata"]["namespace"], status["podName"], LOG)
                try:
                    entries += read_log(log, flags.max_result_size)
                except TooLarge as e:
                    self._finish(run, _too_large(run, e))
                    return None
            self._add_step_results(status, entries)
            try:
                status["artifacts"] = taskresults.add_artifacts(status["steps"], entries)
            except ValueError as e:
                found = Outcome(False, "TaskRunValidationFailed", f"{USER}the artifacts are not valid JSON: {e}")
            sidecars = podstatus.sidecar_statuses(pod)
            if sidecars:
                status["sidecars"] = sidecars
            inline = run["spec"].get("taskSpec") is not None
            results, problem = taskresults.task_results(task_of(run), entries, inline=inline)
            if problem and found.ok:
                found = Outcome(False, "TaskRunValidationFailed", USER + problem)
            if results:
                status["results"] = results
        retries = status.get("retriesStatus") or []
        cancelled = found.reason == "TaskRunCancelled"
        if not found.ok and not cancelled and len(retries) < int(run["spec"].get("retries") or 0):
            self._retry(run, found)
            return 0.0
        self._finish(run, found)
        return None

    def _retry(self, run: Object, found: Outcome) -> None:
        """Archive the attempt and start the next one of the same TaskRun."""
        status: Status = run["status"]
        archived = {key: value for key, value in status.items() if key != "retriesStatus"}
        archived.setdefault("artifacts", {})
        archived["completionTime"] = now()
        set_condition(archived, "False", found.reason, found.message)
        fresh: Status = {
            "retriesStatus": [*(status.get("retriesStatus") or []), archived],
            "startTime": now(),
        }
        set_condition(fresh, "Unknown", "ToBeRetried", found.message)
        run["status"] = fresh
        save_status(self._store, self._runs, run)
        self._events.emit(run, "ToBeRetried", found.message)

    def _finish(self, run: Object, found: Outcome) -> None:
        status: Status = run["status"]
        status.setdefault("startTime", now())
        status.setdefault("podName", "")
        status["completionTime"] = now()
        status.setdefault("artifacts", {})
        note_flags(status, config_of(self._store).flags)
        annotations = annotations_of(run)
        reason = found.reason
        if not found.ok and annotations.get(ON_ERROR) == "continue" and reason != "TaskRunCancelled":
            reason = "FailureIgnored"
        set_condition(status, "True" if found.ok else "False", reason, found.message)
        save_status(self._store, self._runs, run)
        self._events.emit(run, reason if found.ok else "Failed", found.message, warning=not found.ok)

    async def _cancel(self, run: Object) -> None:
        meta, status = run["metadata"], run["status"]
        more = run["spec"].get("statusMessage", "")
        text = with_previous(run, f'TaskRun "{meta["name"]}" was cancelled. {more}'.strip())
        found = Outcome(False, "TaskRunCancelled", text)
        pod = self._store.find(self._pods, meta["namespace"], status.get("podName") or "")
        if pod is None and condition(run).get("reason") == "Pending":
            # On a cluster there is a Pod that waits for a volume.
            self._end_attempt(run, None, found, ended="TaskRunCancelled")
            return
        if pod is None:
            self._finish(run, found)
            return
        await self._attempts.stop(pod["metadata"]["uid"])
        self._attempts.fail(pod, "Cancelled", found.message)
        pod = self._store.find(self._pods, meta["namespace"], status["podName"])
        self._end_attempt(run, pod, found, ended="TaskRunCancelled")

    async def _clean_up(self, namespace: str, name: str) -> None:
        """The TaskRun was deleted: stop its Pods and remove their folders."""
        await self._attempts.stop_named(namespace, f"{name}-pod")
        for attempt in range(100):
            pod = pod_name(name, attempt)
            folder = self._state.pod(namespace, pod)
            if not folder.exists():
                break
            if self._store.find(self._pods, namespace, pod) is None:
                shutil.rmtree(folder, ignore_errors=True)

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _add_step_results(self, status: Status, entries: podstatus.Entries) -> None:
        for step in status["steps"]:
            results = taskresults.step_results(entries, step["container"])
            if results:
                step["results"] = results

    def _step_names(self, run: Object) -> list[str]:
        steps: list[dict[str, Any]] = (run["status"].get("taskSpec") or {}).get("steps") or []
        return [step.get("name", "") for step in steps]


def _too_large(run: Object, error: TooLarge) -> Outcome:
    """The end of a run with a result above `max-result-size`; Tekton quotes the name twice."""
    text = f'[User error]  TaskRun ""{run["metadata"]["name"]}"" failed: {error}'
    return Outcome(False, "TaskRunResultLargerThanAllowedLimit", text)


def _timed_out(run: Object) -> Outcome:
    limit = format_duration(parse_duration(run["spec"].get("timeout") or "1h0m0s"))
    text = f'TaskRun "{run["metadata"]["name"]}" failed to finish within "{limit}"'
    return Outcome(False, "TaskRunTimeout", with_previous(run, text))


def with_previous(run: Object, message: str) -> str:
    """A message with the condition before it, unless that says only that the run goes on.

    Source: appendPreviousConditionContext in pkg/reconciler/taskrun/taskrun.go.
    """
    before = condition(run)
    if not before.get("message") or before.get("reason") in ("Started", "Running", "TaskRunPending"):
        return message
    return f"{message}\nPrevious status: [{before['reason']}] {before['message']}"
