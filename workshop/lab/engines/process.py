"""The process engine: a Pod's steps are processes of the host, one after another.

Each container is a process group of the launcher's; cancelling, a timeout and the end of the steps kill the
whole group. There is no isolation to rely on: a step runs as the lab's user, on the host's network, with the
host's files.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path

from workshop.lab.engines import probes, results, stepvars, volumes
from workshop.lab.engines.containers import EngineOptions, Prepared, Preparer
from workshop.lab.engines.images import ImageTable
from workshop.lab.engines.launcher import Launcher, LaunchFailed, Process
from workshop.lab.engines.pod import ContainerPlan, ContainerState, PodError, PodPlan, PodState, Report
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store, now

SIDECAR_GRACE_SECONDS = 2.0
HEAD_START_SECONDS = 0.2
"""What a sidecar without a probe gets before the steps start; on a cluster it is the time that a Pod takes."""
COULD_NOT_START = 128


class ProcessEngine:
    """Runs Pods as processes."""

    def __init__(
        self, store: Store, state: LabPaths, launcher: Launcher, images: ImageTable, options: EngineOptions
    ) -> None:
        self._store, self._state, self._launcher = store, state, launcher
        self._images, self._options = images, options

    async def run(self, plan: PodPlan, report: Report) -> PodState:
        """Run a Pod to its end; cancelling the call ends its processes."""
        pod = PodState(
            steps=[ContainerState(step.name, step.image) for step in plan.steps],
            sidecars=[ContainerState(sidecar.name, sidecar.image) for sidecar in plan.sidecars],
        )
        sidecars: list[Process] = []
        try:
            steps, beside, preparer = self._prepare(plan, pod)
            pod.phase = "Running"
            if beside:
                await self._start_sidecars(plan, pod, beside, preparer, sidecars)
            await self._run_steps(plan, pod, steps, preparer, report)
        except PodError as e:
            pod.phase, pod.reason, pod.message = "Failed", e.reason, e.message
            for state in (*pod.steps, *pod.sidecars):
                if state.name == e.container or not e.container:
                    state.waiting = e.reason
        except asyncio.CancelledError:
            await asyncio.shield(self._end_sidecars(pod, sidecars))
            _tidy(plan)
            raise
        await self._end_sidecars(pod, sidecars)
        report(pod)
        await asyncio.to_thread(_tidy, plan)
        return pod

    def _prepare(self, plan: PodPlan, pod: PodState) -> tuple[list[Prepared], list[Prepared], Preparer]:
        plan.folder.mkdir(parents=True, exist_ok=True)
        folders = volumes.make(self._store, self._state, plan)
        preparer = Preparer(
            self._store, self._state, self._options, plan, folders, namespaces=self._launcher.namespaces
        )
        preparer.lay_out()
        ready: list[list[Prepared]] = [[], []]
        groups = ((plan.steps, pod.steps), (plan.sidecars, pod.sidecars))
        for sidecar, (containers, states) in enumerate(groups):
            for index, (container, state) in enumerate(zip(containers, states, strict=True)):
                try:
                    image = self._images.find(container.image)
                except PodError as e:
                    raise PodError(e.reason, e.message, container.name) from e
                state.image_id = image.image_id
                # A log is there from the start, so that `kubectl logs -f` can wait for it.
                self._log(plan, container.name).touch()
                ready[sidecar].append(preparer.prepare(index, container, image, sidecar=bool(sidecar)))
        return ready[0], ready[1], preparer

    def _log(self, plan: PodPlan, container: str) -> Path:
        return self._state.container_log(plan.namespace, plan.name, container)

    # -- steps
    # -------------------------------------------------------------------------------------------------

    async def _run_steps(
        self, plan: PodPlan, pod: PodState, steps: list[Prepared], preparer: Preparer, report: Report
    ) -> None:
        failed = False
        for index, (step, state) in enumerate(zip(steps, pod.steps, strict=True)):
            if failed:
                self._skip(plan, state, exit_code=1)
                continue
            step = stepvars.applied(step, plan)
            if not stepvars.holds(step.plan.when):
                self._skip(plan, state, exit_code=0)
                _write_exit_code(plan, index, step.plan, 0)
                continue
            code = await self._run_step(plan, pod, index, step, state, preparer, report)
            failed = code != 0
        pod.phase = "Failed" if failed else "Succeeded"

    async def _run_step(
        self, plan: PodPlan, pod: PodState, index: int, step: Prepared, state: ContainerState,
        preparer: Preparer, report: Report,
    ) -> int:  # fmt: skip
        """Run one step and fill in its state; the exit code of its container."""
        log = self._log(plan, step.plan.name)
        state.started_at, state.waiting = now(), ""
        internal = {"StartedAt": _moment()}
        timed_out = False
        try:
            process = await self._launcher.start(preparer.spec(step, log))
        except (LaunchFailed, PodError) as e:
            _append(log, f"{e}\n")
            code = COULD_NOT_START
            internal["Reason"] = "Error"
        else:
            state.container_id = f"process://{process.pid}"
            report(pod)
            code, timed_out = await _waited(process, step.plan.timeout)
        _write_exit_code(plan, index, step.plan, code)
        if timed_out:
            internal["Reason"] = "TimeoutExceeded"
        elif code != 0 and step.plan.go_on_after_error:
            internal["ExitCode"] = str(code)
            code = 0
        entries = results.read(plan.folder / "tekton" / "results", plan.results, results.TASK_RESULT)
        folder = plan.folder / "tekton" / "steps" / step.plan.name / "results"
        entries += results.read(folder, step.plan.results, results.STEP_RESULT)
        try:
            state.message = results.message(entries, internal)
        except results.TooLarge as e:
            _append(log, f"Error while writing message: {e}\n")
            state.message = results.message([], {**internal, "Error": str(e)})
            code = 1
        state.finished_at = now()
        state.exit_code = code
        return code

    def _skip(self, plan: PodPlan, state: ContainerState, *, exit_code: int) -> None:
        state.started_at = state.finished_at = now()
        state.waiting = ""
        state.exit_code = exit_code
        state.message = results.message([], {"StartedAt": _moment(), "Reason": "Skipped"})

    # -- sidecars
    # ----------------------------------------------------------------------------------------------

    async def _start_sidecars(
        self,
        plan: PodPlan,
        pod: PodState,
        sidecars: list[Prepared],
        preparer: Preparer,
        started: list[Process],
    ) -> None:
        for sidecar, state in zip(sidecars, pod.sidecars, strict=True):
            log = self._log(plan, sidecar.plan.name)
            try:
                process = await self._launcher.start(preparer.spec(sidecar, log))
            except LaunchFailed as e:
                raise PodError("CreateContainerError", e.message, sidecar.plan.name) from e
            started.append(process)
            state.container_id = f"process://{process.pid}"
            state.started_at, state.waiting = now(), ""

        async def wait(sidecar: Prepared, process: Process) -> None:
            probe = sidecar.plan.probe
            if probe:
                await probes.ready(probe, lambda argv: self._command(plan, sidecar, preparer, argv))
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), HEAD_START_SECONDS)

        await asyncio.gather(*map(wait, sidecars, started))

    async def _command(self, plan: PodPlan, sidecar: Prepared, preparer: Preparer, argv: list[str]) -> int:
        """Run a probe's command as the container would; its output is nobody's."""
        container = ContainerPlan(name=sidecar.plan.name, image=sidecar.plan.image, command=tuple(argv))
        probe = Prepared(container, sidecar.image, sidecar.tree, sidecar.env, "")
        try:
            process = await self._launcher.start(preparer.spec(probe, Path("/dev/null")))
        except LaunchFailed:
            return COULD_NOT_START
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.signal(signal.SIGKILL)
            raise

    async def _end_sidecars(self, pod: PodState, sidecars: list[Process]) -> None:
        async with asyncio.TaskGroup() as group:
            for process in sidecars:
                group.create_task(process.stop(SIDECAR_GRACE_SECONDS))
        for process, state in zip(sidecars, pod.sidecars, strict=False):
            state.exit_code = process.code
            state.finished_at = now()


async def _waited(process: Process, timeout: float | None) -> tuple[int, bool]:
    """A step's exit code and whether it took too long; a cancelled wait kills it."""
    try:
        async with asyncio.timeout(timeout or None):
            return await process.wait(), False
    except TimeoutError:
        process.signal(signal.SIGKILL)
        await process.wait()
        return 1, True
    except asyncio.CancelledError:
        process.signal(signal.SIGTERM)
        await asyncio.shield(process.stop(1.0))
        raise


def _write_exit_code(plan: PodPlan, index: int, step: ContainerPlan, code: int) -> None:
    """For `$(steps.<step>.exitCode.path)`, as the entrypoint leaves it."""
    (plan.folder / "tekton" / "steps" / step.name / "exitCode").write_text(str(code))


def _tidy(plan: PodPlan) -> None:
    """Remove what a finished Pod leaves, which nobody can reach any more; its logs stay."""
    for name in ("volumes", "workspace", "tekton", "tmp", "root"):
        shutil.rmtree(plan.folder / name, ignore_errors=True)


def _append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
