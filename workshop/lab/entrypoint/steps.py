"""Runs the steps of a TaskRun's Pod one after another, with its sidecars, as Tekton's entrypoint does.

A failed step skips the later ones. A step whose `when` is false is skipped. `onError: continue` reports exit code 0 and
keeps the real one. A step's timeout kills it. Results are read when a step ends
(cmd/entrypoint and pkg/entrypoint of tektoncd/pipeline).
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from workshop.lab.entrypoint import accountsecrets, results, stepvars
from workshop.lab.entrypoint.layout import PodLayout
from workshop.lab.kinds import built_in
from workshop.lab.kubelet import probes, volumes
from workshop.lab.kubelet.credentials import Credentials
from workshop.lab.kubelet.pod import ContainerPlan, ContainerState, PodPlan, PodState, Report
from workshop.lab.kubelet.variables import CONFIG_ERROR
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import ContainerImage, ContainerSpec, Handle, PodError, Runtime
from workshop.lab.scc.constraints import USED
from workshop.lab.store import Store, now
from workshop.manifests.objects import annotations_of
from workshop.manifests.tekton import artifacts
from workshop.manifests.tekton.when import CelError, holds

SIDECAR_GRACE_SECONDS = 2.0
HEAD_START_SECONDS = 0.2
"""Time that a sidecar without a probe gets before the steps start; on a cluster, a Pod takes about that long."""
COULD_NOT_START = 128
AfterFailure = Callable[[PodPlan, ContainerSpec, int], Awaitable[None]]
"""Called with the Pod, the failed step and its exit code, while the files of the Pod still exist."""


@dataclasses.dataclass
class _Pod:
    """One Pod while it runs."""

    plan: PodPlan
    state: PodState
    layout: PodLayout
    steps: list[ContainerSpec]
    sidecars: list[ContainerSpec]


class StepRunner:
    """Runs Pods on a runtime. `env` are variables of every container. Without `credentials` Pods cannot use the API.

    `after_failure` is awaited when a step has failed, before anything that follows from it.
    """

    def __init__(
        self,
        store: Store,
        paths: LabPaths,
        runtime: Runtime,
        env: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        after_failure: AfterFailure | None = None,
    ) -> None:
        self._store, self._paths, self._runtime, self._env = store, paths, runtime, env or {}
        self._credentials, self._after_failure = credentials, after_failure

    async def run(self, plan: PodPlan, report: Report) -> PodState:
        """Run a Pod to its end and report each change. A cancelled call ends its containers."""
        state = PodState(
            steps=[ContainerState(step.name, step.image) for step in plan.steps],
            sidecars=[ContainerState(sidecar.name, sidecar.image) for sidecar in plan.sidecars],
        )
        started: list[Handle] = []
        try:
            pod = await self._prepare(plan, state)
            state.phase = "Running"
            if pod.sidecars:
                await self._start_sidecars(pod, started)
            await self._run_steps(pod, report)
        except PodError as e:
            state.phase, state.reason, state.message = "Failed", e.reason, e.message
            for container in (*state.steps, *state.sidecars):
                if container.name == e.container or not e.container:
                    container.waiting = e.reason
        except asyncio.CancelledError:
            await asyncio.shield(_end_sidecars(state, started))
            await asyncio.shield(self._tidy(plan))
            raise
        await _end_sidecars(state, started)
        report(state)
        await self._tidy(plan)
        return state

    async def _prepare(self, plan: PodPlan, state: PodState) -> _Pod:
        """Resolve everything that can be missing before anything runs. Raises PodError."""
        plan.folder.mkdir(parents=True, exist_ok=True)
        access = self._credentials.make(plan) if self._credentials else None
        accounts = self._credentials.accounts if self._credentials else None
        made = volumes.make(self._store, self._paths, plan, accounts)
        stored = self._store.find(built_in("Pod"), plan.namespace, plan.name) or {}
        layout = PodLayout(
            self._store,
            self._paths,
            plan,
            made,
            self._env,
            access,
            isolated=self._runtime.isolated,
            constraint=annotations_of(stored).get(USED, "") if stored else "",
        )
        layout.make()
        if not plan.flags.disable_creds_init:
            accountsecrets.write(self._store, plan, plan.folder / "tekton" / "creds")
        pod = _Pod(plan, state, layout, [], [])
        images: dict[tuple[str, str], ContainerImage] = {}
        for containers, states, make, specs in (
            (plan.steps, state.steps, layout.step, pod.steps),
            (plan.sidecars, state.sidecars, layout.sidecar, pod.sidecars),
        ):
            for index, (container, shown) in enumerate(zip(containers, states, strict=True)):
                wanted = container.image, str(container.shown.get("imagePullPolicy") or "")
                try:
                    image = images.get(wanted) or await self._runtime.image(*wanted)
                except PodError as e:
                    raise PodError(e.reason, e.message, container.name) from e
                images[wanted] = image
                shown.image_id = image.image_id
                # The log exists from the start, so that `kubectl logs -f` can wait for it.
                layout.log(container.name).touch()
                specs.append(make(index, container, image))
        return pod

    async def _tidy(self, plan: PodPlan) -> None:
        """Remove the folders of a finished Pod; its logs stay."""
        for name in ("serviceaccount", "volumes", "workspace", "tekton", "tmp", "root"):
            await self._runtime.remove(plan.folder / name)
        (plan.folder / "kubeconfig").unlink(missing_ok=True)

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _run_steps(self, pod: _Pod, report: Report) -> None:
        failed = False
        for index, (step, spec) in enumerate(zip(pod.plan.steps, pod.steps, strict=True)):
            shown = pod.state.steps[index]
            if failed:
                _skip(shown, exit_code=1)
                continue
            step, spec = stepvars.with_results(step, spec, pod.plan)
            try:
                wanted = holds(step.when)
            except CelError as e:
                _append(spec.log, f"{e}\n")
                _end(shown, exit_code=1, message=results.message([], {"StartedAt": _moment()}))
                failed = True
                continue
            if not wanted:
                _skip(shown, exit_code=0)
                _write_exit_code(pod.plan, step, 0)
                continue
            code = await self._run_step(pod, step, spec, shown, report)
            failed = code != 0
            if failed and self._after_failure:
                await self._after_failure(pod.plan, spec, code)
        if pod.plan.flags.sidecar_logs:
            results.write_log(_all_results(pod.plan), pod.layout.log(results.LOG))
        pod.state.phase = "Failed" if failed else "Succeeded"

    async def _run_step(
        self, pod: _Pod, step: ContainerPlan, spec: ContainerSpec, shown: ContainerState, report: Report
    ) -> int:
        """Run one step and fill in its state; the exit code of its container."""
        shown.started_at, shown.waiting = now(), ""
        internal = {"StartedAt": _moment()}
        timed_out, compressed = False, pod.plan.flags.compressed_messages
        try:
            accountsecrets.copy_home(pod.plan.folder / "tekton" / "creds", spec)
        except OSError as e:
            _append(spec.log, f"unsuccessful cred copy: {e}\n")
        try:
            handle = await self._runtime.start(spec)
        except PodError as e:
            if e.reason == CONFIG_ERROR:
                raise
            _append(spec.log, f"{e}\n")
            code = COULD_NOT_START
            internal["Reason"] = "Error"
        else:
            shown.container_id = handle.id
            report(pod.state)
            code, timed_out = await _waited(handle, step.timeout)
        _write_exit_code(pod.plan, step, code)
        if timed_out:
            internal["Reason"] = "TimeoutExceeded"
        elif code != 0 and step.continue_on_error:
            internal["ExitCode"] = str(code)
            code = 0
        try:
            shown.message = results.message(_results(pod.plan, step), internal, compressed=compressed)
        except results.TooLarge as e:
            _append(spec.log, f"Error while writing message: {e}\n")
            shown.message = results.message([], {**internal, "Error": str(e)})
            code = 1
        shown.finished_at = now()
        shown.exit_code = code
        return code

    # -- sidecars ------------------------------------------------------------------------------------------------

    async def _start_sidecars(self, pod: _Pod, started: list[Handle]) -> None:
        """Start all sidecars and wait until they are ready. Raises PodError."""
        for spec, shown in zip(pod.sidecars, pod.state.sidecars, strict=True):
            handle = await self._runtime.start(spec)
            started.append(handle)
            shown.container_id = handle.id
            shown.started_at, shown.waiting = now(), ""
        if not pod.plan.flags.await_sidecar_readiness:
            return

        async def until_ready(plan: ContainerPlan, spec: ContainerSpec, handle: Handle) -> None:
            for probe in plan.probes:
                await probes.until_ready(
                    probe, lambda argv: self._command(handle, spec, argv), probes.named(plan.ports)
                )
            if not plan.probes:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(handle.wait(), HEAD_START_SECONDS)

        await asyncio.gather(*map(until_ready, pod.plan.sidecars, pod.sidecars, started))

    async def _command(self, container: Handle, sidecar: ContainerSpec, argv: list[str]) -> int:
        """Run the command of a probe in the sidecar; its output is dropped."""
        spec = dataclasses.replace(sidecar, command=tuple(argv), args=(), script=None, log=Path("/dev/null"))
        try:
            handle = await self._runtime.start_in(container, spec)
        except PodError:
            return COULD_NOT_START
        try:
            return await handle.wait()
        except asyncio.CancelledError:
            handle.signal(signal.SIGKILL)
            raise


async def _end_sidecars(state: PodState, started: list[Handle]) -> None:
    async with asyncio.TaskGroup() as group:
        for handle in started:
            group.create_task(handle.stop(SIDECAR_GRACE_SECONDS))
    for handle, shown in zip(started, state.sidecars, strict=False):
        shown.exit_code = handle.code
        shown.finished_at = now()


async def _waited(handle: Handle, timeout: float | None) -> tuple[int, bool]:
    """A step's exit code, and whether its timeout (seconds) ended it. A cancelled wait kills the step."""
    try:
        async with asyncio.timeout(timeout or None):
            return await handle.wait(), False
    except TimeoutError:
        handle.signal(signal.SIGKILL)
        await handle.wait()
        return 1, True
    except asyncio.CancelledError:
        handle.signal(signal.SIGTERM)
        await asyncio.shield(handle.stop(1.0))
        raise


def _skip(shown: ContainerState, *, exit_code: int) -> None:
    _end(shown, exit_code=exit_code, message=results.message([], {"StartedAt": _moment(), "Reason": "Skipped"}))


def _end(shown: ContainerState, *, exit_code: int, message: str) -> None:
    """The state of a step whose program did not run."""
    shown.started_at = shown.finished_at = now()
    shown.waiting = ""
    shown.exit_code, shown.message = exit_code, message


def _results(plan: PodPlan, step: ContainerPlan) -> list[results.Entry]:
    """The results in the termination message of a step."""
    if plan.flags.sidecar_logs:
        return []
    return [*_of_task(plan), *_of_step(plan, step)]


def _of_task(plan: PodPlan) -> list[results.Entry]:
    """The results and artifacts of the Task that have been written."""
    tekton = plan.folder / "tekton"
    found = results.read(tekton / "results", plan.results, results.TASK_RESULT)
    file = tekton / "artifacts" / "provenance.json"
    return found + results.read_artifacts(file, artifacts.TASK_PATH, results.TASK_ARTIFACTS)


def _of_step(plan: PodPlan, step: ContainerPlan) -> list[results.Entry]:
    """The results and artifacts of one step."""
    folder = plan.folder / "tekton" / "steps" / step.name
    found = results.read(folder / "results", step.results, results.STEP_RESULT)
    file = folder / "artifacts" / "provenance.json"
    return found + results.read_artifacts(file, artifacts.step_path(step.name), results.STEP_ARTIFACTS)


def _all_results(plan: PodPlan) -> list[tuple[str, results.Entry]]:
    """The results of a Pod, each with the container of a step's result."""
    of_steps = [(step.name, one) for step in plan.steps for one in _of_step(plan, step)]
    return [*(("", one) for one in _of_task(plan)), *of_steps]


def _write_exit_code(plan: PodPlan, step: ContainerPlan, code: int) -> None:
    """For `$(steps.<step>.exitCode.path)`."""
    (plan.folder / "tekton" / "steps" / step.name / "exitCode").write_text(str(code))


def _append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
