"""Runs Builds one after another for each BuildConfig, or at the same time, as its runPolicy says.

A Build's state is in the store. A Build whose Pod was deleted, or that ran when the lab stopped, ends with an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from workshop.lab import process_environment
from workshop.lab.api.builds import pod_name
from workshop.lab.api_errors import ApiError, NotFound
from workshop.lab.controllers.builds.plan import BUILD_NAME, OTHER, REASONS, build_plan, pod_object
from workshop.lab.controllers.loop import Key, Loop
from workshop.lab.controllers.owners import owner_reference
from workshop.lab.controllers.storing import until_stored
from workshop.lab.entrypoint.steps import StepRunner
from workshop.lab.images.registry import REGISTRY, repository
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.credentials import Credentials
from workshop.lab.kubelet.pod import PodPlan, PodState
from workshop.lab.kubelet.status import pod_status
from workshop.lab.lab import Lab
from workshop.lab.paths import BUILD_INPUT, PARTIAL
from workshop.lab.records import Record
from workshop.lab.store import now
from workshop.manifests.objects import Object, annotations_of, labels_of, status_of

_BUILDS, _CONFIGS, _PODS = built_in("Build"), built_in("BuildConfig"), built_in("Pod")
_FINAL = ("Complete", "Failed", "Error", "Cancelled")
_CONFIG = "openshift.io/build-config.name"
_INPUT_NAME = re.compile("[0-9a-f]+")
_log = logging.getLogger("workshop.lab.builds")


class BuildController:
    """The Builds of one lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._store = lab, lab.store
        credentials = Credentials(lab.identities.accounts, str(lab.url("api")), lab.paths.tls / "ca.crt")
        env = process_environment.of_steps(lab.paths)
        self._credentials = credentials
        self._runner = StepRunner(lab.store, lab.paths, lab.processes, env, credentials)
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._loop = Loop(
            "builds",
            self._store,
            self.reconcile,
            owns=_BUILDS,
            watches={
                _CONFIGS: lambda record: self._waiting(record.namespace, record.name),
                built_in("ImageStream"): lambda record: self._waiting(record.namespace),
                _PODS: _build_of,
            },
        )

    async def run(self) -> None:
        """Reconcile until cancelled; running builds are stopped then."""
        self._sweep()
        try:
            await self._loop.run()
        finally:
            for task in list(self._running.values()):
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def settled(self) -> bool:
        """Always true: the lab does not wait for builds."""
        return True

    async def reconcile(self, namespace: str, name: str) -> None:
        """Start a new Build, stop one that was cancelled or deleted."""
        build = self._store.find(_BUILDS, namespace, name)
        if build is None:
            await self._stop((namespace, name))
            self._sweep()
            for key in self._waiting(namespace):
                self._loop.enqueue(*key)
            return
        status = status_of(build)
        phase = status.get("phase") or "New"
        if phase in _FINAL:
            return
        if status.get("cancelled"):
            await self._stop((namespace, name))
            self._end(build, "Cancelled", "CancelledBuild", "The build was cancelled by the user.")
        elif phase == "New":
            self._start(build)
        elif (namespace, name) not in self._running or self._pod_is_gone(build):
            await self._stop((namespace, name))
            why = "The pod for this build was deleted before the build completed."
            self._end(build, "Error", "BuildPodDeleted", why)

    def _sweep(self) -> None:
        """Remove the files of Builds that are gone or have ended."""
        needed = {
            annotations_of(one).get(BUILD_INPUT)
            for one in self._store.objects(_BUILDS)
            if status_of(one).get("phase") not in _FINAL
        }
        folder = self._lab.paths.build_input("x").parent
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.suffix != PARTIAL and file.name not in needed:
                file.unlink(missing_ok=True)

    def _input(self, build: Object) -> Path | None:
        """The file that a client sent for a Build. Clients can write the annotation, so a path in it means nothing."""
        name = annotations_of(build).get(BUILD_INPUT) or ""
        return self._lab.paths.build_input(name) if _INPUT_NAME.fullmatch(name) else None

    # -- start ---------------------------------------------------------------------------------------------------------

    def _start(self, build: Object) -> None:
        meta, spec = build["metadata"], build["spec"]
        if not self._is_next(build):
            return
        output = (spec.get("output") or {}).get("to")
        image = self._image(meta["namespace"], output, must_exist=True) if output else ""
        if image is None:
            self._save(build, "New", reason="InvalidOutputReference", message="Output image could not be resolved.")
            return
        source = spec["strategy"].get("sourceStrategy")
        builder = self._image(meta["namespace"], source["from"]) if source else ""
        archive = self._input(build)
        folder = self._lab.paths.pod(meta["namespace"], pod_name(meta["name"]))
        plan = build_plan(build, folder, image, builder or "", archive)
        if refusal := self._credentials.refusal(plan):
            self._save(build, "New", reason="CannotCreateBuildPod", message=f"Failed creating build pod: {refusal}.")
            return
        pod = self._store.create(_PODS, pod_object(build, plan, owner_reference(build)))
        fields: Object = {"startTimestamp": now()}
        if image:
            fields["outputDockerImageReference"] = image
        build = self._save(build, "Running", **fields)
        key = (meta["namespace"], meta["name"])
        task = asyncio.get_running_loop().create_task(self._run(build, pod, plan))
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key, None))

    def _is_next(self, build: Object) -> bool:
        """Whether the runPolicy lets the Build run now. SerialLatestOnly cancels older Builds that wait."""
        policy = labels_of(build).get("openshift.io/build.start-policy")
        config = labels_of(build).get(_CONFIG)
        if policy == "Parallel" or not config:
            return True
        others = [
            one
            for one in self._store.objects(_BUILDS, build["metadata"]["namespace"], {_CONFIG: config})
            if (status_of(one).get("phase") or "New") not in _FINAL
        ]
        waiting = [one for one in others if (status_of(one).get("phase") or "New") == "New"]
        waiting.sort(key=_number)
        if policy == "SerialLatestOnly":
            for one in waiting[:-1]:
                self._end(one, "Cancelled", "CancelledBuild", "The build was cancelled to prefer a newer one.")
            waiting = waiting[-1:]
        busy = any((status_of(one).get("phase") or "New") != "New" for one in others)
        return not busy and bool(waiting) and waiting[0]["metadata"]["uid"] == build["metadata"]["uid"]

    def _image(self, namespace: str, ref: Object, *, must_exist: bool = False) -> str | None:
        """The name of an image that a BuildConfig refers to; None for a stream that has to be there and is not."""
        name = str(ref.get("name") or "")
        if ref.get("kind") == "DockerImage":
            return name
        namespace = str(ref.get("namespace") or namespace)
        stream, _, tag = name.partition(":")
        found = self._store.find(built_in("ImageStream"), namespace, stream)
        if must_exist:
            return f"{repository(namespace, stream)}:{tag or 'latest'}" if found else None
        for one in status_of(found or {}).get("tags") or ():
            if one["tag"] == (tag or "latest") and one.get("items"):
                return str(one["items"][0]["dockerImageReference"])
        return f"{REGISTRY}/{namespace}/{name}"

    # -- while it runs -------------------------------------------------------------------------------------------------

    async def _run(self, build: Object, pod: Object, plan: PodPlan) -> None:
        meta = pod["metadata"]
        outcome = f"build {plan.namespace}/{plan.name}: its outcome"

        def report(state: PodState) -> None:
            body: Object = {"metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}}
            with contextlib.suppress(NotFound):
                self._store.update_status(_PODS, {**body, "status": pod_status(state, meta["creationTimestamp"])})

        try:
            state = await self._runner.run(plan, report)
        except Exception as e:
            _log.exception("build %s/%s", plan.namespace, plan.name)
            why = f"the lab's runtime failed: {e}; see: workshop logs lab"
            await until_stored(lambda: self._end(build, "Error", "GenericBuildFailed", why), outcome)
            return
        finally:
            if archive := self._input(build):
                archive.unlink(missing_ok=True)
        (step,) = state.steps
        if state.phase == "Succeeded":
            await until_stored(lambda: self._complete(build), outcome)
            return
        reason, message = REASONS.get(step.exit_code or 0, OTHER)
        lines = self._lab.paths.container_log(plan.namespace, plan.name, step.name).read_text(errors="replace")
        snippet = "\n".join(lines.splitlines()[-5:])
        await until_stored(lambda: self._end(build, "Failed", reason, message, logSnippet=snippet), outcome)

    def _complete(self, build: Object) -> None:
        image = self._lab.images.resolve(status_of(build).get("outputDockerImageReference") or "none")
        output = {"output": {"to": {"imageDigest": image.digest}}} if image else {}
        self._end(build, "Complete", "", "", **output)

    def _end(self, build: Object, phase: str, reason: str, message: str, **fields: Any) -> None:
        started = status_of(build).get("startTimestamp")
        ended = now()
        if started:
            fields["duration"] = int((_seconds(ended) - _seconds(started)) * 1e9)
        with contextlib.suppress(NotFound):
            self._save(build, phase, reason=reason, message=message, completionTimestamp=ended, **fields)
            self._prune(build, phase)
        self._continue(build)

    def _save(self, build: Object, phase: str, **fields: Any) -> Object:
        """Write the status of a Build. Raises NotFound."""
        meta = build["metadata"]
        stored = self._store.get(_BUILDS, meta["namespace"], meta["name"])
        status = {**status_of(stored), "phase": phase, **{key: value for key, value in fields.items() if value != ""}}
        conditions = [{**one, "status": "False"} for one in status.get("conditions") or () if one["type"] != phase]
        detail = {key: fields[key] for key in ("reason", "message") if fields.get(key)}
        stamp = {"lastTransitionTime": now(), "lastUpdateTime": now()}
        status["conditions"] = [*conditions, {"type": phase, "status": "True", **stamp, **detail}]
        return self._store.update(_BUILDS, {**stored, "status": status})

    def _pod_is_gone(self, build: Object) -> bool:
        meta = build["metadata"]
        return self._store.find(_PODS, meta["namespace"], pod_name(meta["name"])) is None

    async def _stop(self, key: Key) -> None:
        """End the processes of a Build."""
        task = self._running.get(key)
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- the others of a BuildConfig -----------------------------------------------------------------------------------

    def _continue(self, build: Object) -> None:
        """Let the next Build of the BuildConfig run."""
        config = labels_of(build).get(_CONFIG)
        waiting = self._store.objects(_BUILDS, build["metadata"]["namespace"], {_CONFIG: config or ""})
        for one in sorted(waiting, key=_number):
            if (status_of(one).get("phase") or "New") == "New":
                self._start(one)
                return

    def _prune(self, build: Object, phase: str) -> None:
        """Delete old Builds above the history limits of the BuildConfig."""
        meta, config = build["metadata"], labels_of(build).get(_CONFIG)
        found = self._store.find(_CONFIGS, meta["namespace"], config or "")
        if found is None:
            return
        good = phase == "Complete"
        limit = found["spec"].get("successfulBuildsHistoryLimit" if good else "failedBuildsHistoryLimit")
        if limit is None:
            return
        phases = ("Complete",) if good else ("Failed", "Error", "Cancelled")
        ended = [
            one
            for one in self._store.objects(_BUILDS, meta["namespace"], {_CONFIG: config or ""})
            if status_of(one).get("phase") in phases
        ]
        for one in sorted(ended, key=_number, reverse=True)[limit:]:
            with contextlib.suppress(ApiError):
                self._store.delete(_BUILDS, meta["namespace"], one["metadata"]["name"])

    def _waiting(self, namespace: str, config: str | None = None) -> list[Key]:
        """The Builds of a namespace, or of one BuildConfig in it, that have not started."""
        found = self._store.objects(_BUILDS, namespace, None if config is None else {_CONFIG: config})
        new = [one for one in found if (status_of(one).get("phase") or "New") == "New"]
        return [(namespace, one["metadata"]["name"]) for one in new]


def _build_of(record: Record) -> list[Key]:
    """The Build of a Pod."""
    name = record.labels.get(BUILD_NAME)
    return [(record.namespace, name)] if name else []


def _number(build: Object) -> int:
    number = annotations_of(build).get("openshift.io/build.number") or ""
    return int(number) if number.isdecimal() else 0


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
