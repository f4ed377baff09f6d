"""Events during runs: cancelling, waiting, deleting, custom tasks, the death of the supervisor."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import Lab, lab
from workshop.lab.api.podtable import pod_cells
from workshop.lab.api_errors import NotFound
from workshop.lab.controllers.tekton import podstatus
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.status import lost_status
from workshop.manifests.objects import Object

SLOW = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: p}
spec:
  pipelineSpec:
    tasks:
    - {name: slow, taskSpec: {steps: [{name: s, image: busybox, script: "echo up; sleep 60"}]}}
    - {name: after, runAfter: [slow], taskSpec: {steps: [{name: s, image: busybox, script: "true"}]}}
    finally:
    - {name: last, taskSpec: {steps: [{name: s, image: busybox, script: "echo last"}]}}
"""


def _task_run(name: str, script: str, **spec: Any) -> Object:
    steps = [{"name": "s", "image": "busybox", "script": script}]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": name},
        "spec": {"taskSpec": {"steps": steps}, **spec},
    }


def _skipped(run: Object) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in run["status"].get("skippedTasks", [])}


def _processes(folder: Path) -> list[int]:
    """The processes that have this folder in their environment: the steps of this lab."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(folder).encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def _slow(running: Lab) -> None:
    running.apply(SLOW)
    await running.running("p-slow", "up")


def test_cancelled_pipeline_run_ends_at_once_and_its_steps_with_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path, env={"MARK": str(tmp_path)}) as running:
            await _slow(running)
            assert _processes(tmp_path)
            running.patch("PipelineRun", "p", status="Cancelled")
            run = await running.done("PipelineRun", "p")
            assert running.reason(run) == ("False", "Cancelled", 'PipelineRun "p" was cancelled')
            task = await running.done("TaskRun", "p-slow")
            assert running.reason(task) == (
                "False",
                "TaskRunCancelled",
                'TaskRun "p-slow" was cancelled. TaskRun cancelled as the PipelineRun it belongs to has been '
                "cancelled.",
            )
            assert task["status"]["steps"][0]["terminationReason"] == "TaskRunCancelled"
            await running.until(lambda: not _processes(tmp_path))
            assert running.find("TaskRun", "p-last") is None

    asyncio.run(scenario())


def test_cancelled_run_finally_ends_the_tasks_and_runs_finally(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            await _slow(running)
            running.patch("PipelineRun", "p", status="CancelledRunFinally")
            run = await running.done("PipelineRun", "p")
            assert running.reason(run)[:2] == ("False", "Cancelled")
            assert running.log("p-last-pod").read_text() == "last\n"
            assert _skipped(run) == {"after": "PipelineRun was stopping"}

    asyncio.run(scenario())


def test_stopped_run_finally_lets_tasks_finish(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.apply(SLOW.replace("sleep 60", "while ! test -e /workspace/go; do sleep 0.01; done"))
            await running.running("p-slow", "up")
            running.patch("PipelineRun", "p", status="StoppedRunFinally")
            await running.until(lambda: running.reason(running.get("PipelineRun", "p"))[1] == "StoppedRunningFinally")
            (running.state.pod("default", "p-slow-pod") / "workspace" / "go").touch()
            run = await running.done("PipelineRun", "p")
            assert running.reason(run) == ("False", "Cancelled", 'PipelineRun "p" was cancelled')
            assert _skipped(run) == {"after": "PipelineRun was gracefully stopped"}

    asyncio.run(scenario())


def test_pending_pipeline_run_waits_until_it_is_released(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.apply(
                SLOW.replace("sleep 60", "true").replace("spec:\n", "spec:\n  status: PipelineRunPending\n", 1)
            )
            await running.until(lambda: running.reason(running.get("PipelineRun", "p"))[1] == "PipelineRunPending")
            assert "startTime" not in running.get("PipelineRun", "p")["status"]
            running.patch("PipelineRun", "p", status="")
            assert running.reason(await running.done("PipelineRun", "p"))[1] == "Succeeded"

    asyncio.run(scenario())


def test_cancelled_task_run_is_not_retried(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.create(_task_run("t", "echo up; sleep 60", retries=3))
            await running.running("t", "up")
            running.patch("TaskRun", "t", status="TaskRunCancelled", statusMessage="not needed")
            run = await running.done("TaskRun", "t")
            assert running.reason(run) == ("False", "TaskRunCancelled", 'TaskRun "t" was cancelled. not needed')
            assert "retriesStatus" not in run["status"]
            assert running.get("Pod", "t-pod")["status"]["phase"] == "Failed"

    asyncio.run(scenario())


def test_deleted_run_takes_processes_pods_and_folders_along(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path, env={"MARK": str(tmp_path)}) as running:
            await _slow(running)
            running.store.delete(built_in("PipelineRun"), "default", "p")
            await running.until(lambda: not _processes(tmp_path))
            with pytest.raises(NotFound):
                running.get("Pod", "p-slow-pod")
            await running.until(lambda: not running.state.pod("default", "p-slow-pod").exists())

    asyncio.run(scenario())


def test_pod_that_waits_for_a_claim_starts_when_it_is_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            run = _task_run("t", "true", workspaces=[{"name": "w", "persistentVolumeClaim": {"claimName": "late"}}])
            run["spec"]["taskSpec"]["workspaces"] = [{"name": "w"}]
            running.create(run)
            await running.until(lambda: running.reason(running.get("TaskRun", "t"))[1] == "Pending")
            assert 'persistentvolumeclaim "late" not found' in running.reason(running.get("TaskRun", "t"))[2]
            claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "late"}, "spec": {}}
            running.create(claim)
            assert running.reason(await running.done("TaskRun", "t"))[1] == "Succeeded"

    asyncio.run(scenario())


APPROVAL = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: p}
spec:
  params: [{name: who, value: ada}]
  pipelineSpec:
    params: [{name: who}]
    tasks:
    - name: wait
      taskRef: {apiVersion: openshift-pipelines.org/v1alpha1, kind: ApprovalTask}
      params: [{name: approvers, value: [$(params.who)]}]
      timeout: 5m
    - name: after
      params: [{name: by, value: $(tasks.wait.results.by)}]
      taskSpec: {params: [{name: by}], steps: [{name: s, image: busybox, script: "echo $(params.by)"}]}
"""


@pytest.mark.parametrize("approved", [True, False])
def test_custom_task_is_followed_until_its_controller_decides(tmp_path: Path, approved: bool) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.apply(APPROVAL)
            custom: Object = await running.until(lambda: running.find("CustomRun", "p-wait"))
            assert custom["spec"]["customRef"] == {
                "apiVersion": "openshift-pipelines.org/v1alpha1",
                "kind": "ApprovalTask",
            }
            assert custom["spec"]["params"] == [{"name": "approvers", "value": ["ada"]}]
            assert custom["spec"]["timeout"] == "5m0s"
            assert custom["metadata"]["labels"]["tekton.dev/pipelineTask"] == "wait"
            value = "True" if approved else "False"
            status = {"conditions": [{"type": "Succeeded", "status": value, "reason": "Decided"}]}
            custom["status"] = {**status, "results": [{"name": "by", "value": "ada"}]}
            running.store.update_status(built_in("CustomRun"), custom)
            run = await running.done("PipelineRun", "p")
            reference = run["status"]["childReferences"][0]
            assert (reference["kind"], reference["name"]) == ("CustomRun", "p-wait")
            if approved:
                assert running.reason(run)[1] == "Succeeded"
                assert running.log("p-after-pod").read_text() == "ada\n"
            else:
                assert running.reason(run)[1] == "Failed"
                assert _skipped(run) == {"after": "PipelineRun was stopping"}

    asyncio.run(scenario())


@pytest.mark.parametrize("retries", [0, 1])
def test_run_interrupted_by_the_end_of_the_lab_is_retried_or_fails_honestly(tmp_path: Path, retries: int) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as first:
            store = first.store
            script = "echo up; test $(context.task.retry-count) = 1 || sleep 60"
            task = _task_run("x", script)["spec"]["taskSpec"]
            spec = {"pipelineSpec": {"tasks": [{"name": "slow", "taskSpec": task, "retries": retries}]}}
            first.create(
                {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "p"}, "spec": spec}
            )
            await first.running("p-slow", "up")
        assert first.reason(first.get("TaskRun", "p-slow"))[1] == "Running"
        async with lab(tmp_path, store) as second:
            run = await second.done("PipelineRun", "p")
            task_run = second.get("TaskRun", "p-slow")
            text = 'The Pod "p-slow-pod" was evicted: the lab was stopped while this Pod ran; its processes are gone'
            if retries:
                assert second.reason(run)[1] == "Succeeded"
                archived = task_run["status"]["retriesStatus"][0]
                assert second.reason({"status": archived}) == ("False", "PodEvicted", text)
            else:
                assert second.reason(run)[1] == "Failed"
                assert second.reason(task_run) == ("False", "PodEvicted", text)
            assert second.get("Pod", "p-slow-pod")["status"]["phase"] == "Failed"

    asyncio.run(scenario())


def test_run_that_had_not_started_when_the_lab_ended_starts_with_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as first:
            store = first.store
        first.create(_task_run("t", "true"))
        async with lab(tmp_path, store) as second:
            assert second.reason(await second.done("TaskRun", "t"))[1] == "Succeeded"

    asyncio.run(scenario())


def test_run_managed_by_somebody_else_is_left_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.create(_task_run("theirs", "true", managedBy="example.com/other"))
            running.create(_task_run("ours", "true"))
            await running.done("TaskRun", "ours")
            assert "status" not in running.get("TaskRun", "theirs")

    asyncio.run(scenario())


def test_a_run_emits_an_event_for_each_phase(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.create(_task_run("t", "exit 3"))
            await running.done("TaskRun", "t")
            events = running.store.objects(built_in("Event"), "default")
            message = [(e["type"], e["reason"], e.get("message", "")) for e in events]
            assert message == [
                ("Normal", "Started", ""),
                ("Normal", "Running", "Not all Steps in the Task have finished executing"),
                ("Warning", "Failed", '"step-s" exited with code 3: Error'),
            ]

    asyncio.run(scenario())


def test_a_pod_that_ends_before_its_first_status_has_the_states_of_all_containers() -> None:
    containers = [{"name": f"step-{name}", "image": "busybox"} for name in ("a", "b")]
    pod = {"metadata": {"name": "p"}, "spec": {"containers": containers}, "status": {"phase": "Pending"}}
    pod["status"] = lost_status(pod, "Cancelled", "it was cancelled")
    steps = podstatus.step_statuses(pod, ["a", "b"], ended="TaskRunCancelled")
    assert [one["terminationReason"] for one in steps] == ["TaskRunCancelled"] * 2


def test_steps_that_wait_for_their_turn_run_as_containers(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            run = _task_run("t", "echo first; while ! test -e /workspace/go; do sleep 0.01; done")
            run["spec"]["taskSpec"]["steps"].append({"name": "next", "image": "busybox", "script": "true"})
            running.create(run)
            await running.running("t", "first\n")
            await running.until(lambda: running.get("Pod", "t-pod")["status"]["phase"] == "Running")
            pod = running.get("Pod", "t-pod")
            assert pod_cells(pod, datetime.now(UTC))[:2] == ["2/2", "Running"]
            assert ["running" in one["state"] for one in pod["status"]["containerStatuses"]] == [True, True]
            # The TaskRun follows its Pod a moment later.
            waiting = {"reason": "PodInitializing"}
            await running.until(lambda: running.get("TaskRun", "t")["status"]["steps"][1].get("waiting") == waiting)
            (running.state.pod("default", "t-pod") / "workspace" / "go").touch()
            await running.done("TaskRun", "t")

    asyncio.run(scenario())


def test_logs_are_written_while_a_step_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.create(
                _task_run("t", "echo first; while ! test -e /workspace/go; do sleep 0.01; done; echo second")
            )
            await running.running("t", "first\n")
            # The step may write before the engine has said that it runs.
            await running.until(lambda: running.get("Pod", "t-pod")["status"]["phase"] == "Running")
            state = running.get("Pod", "t-pod")["status"]["containerStatuses"][0]["state"]
            assert "running" in state
            (running.state.pod("default", "t-pod") / "workspace" / "go").touch()
            await running.done("TaskRun", "t")
            assert running.log("t-pod").read_text() == "first\nsecond\n"

    asyncio.run(scenario())


def test_a_task_run_times_out_while_its_pod_waits_for_a_volume(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            run = _task_run("t", "true", timeout="1s")
            run["spec"]["taskSpec"]["volumes"] = [{"name": "v", "configMap": {"name": "missing"}}]
            running.create(run)
            await running.until(lambda: running.reason(running.get("TaskRun", "t"))[1] == "Pending")
            found = await running.done("TaskRun", "t", seconds=15)
            assert running.reason(found)[:2] == ("False", "TaskRunTimeout")

    asyncio.run(scenario())


def test_tasks_that_timed_out_stay_so_while_finally_runs_and_after_a_restart(tmp_path: Path) -> None:
    text = """
    apiVersion: tekton.dev/v1
    kind: PipelineRun
    metadata: {name: p}
    spec:
      timeouts: {tasks: 1s}
      pipelineSpec:
        tasks:
        - {name: slow, onError: continue, taskSpec: {steps: [{name: s, image: busybox, script: sleep 60}]}}
        - {name: after, runAfter: [slow], taskSpec: {steps: [{name: s, image: busybox, script: "true"}]}}
        finally:
        - name: last
          retries: 1
          taskSpec:
            steps:
            - {name: s, image: busybox, script: "echo up; until test -e /workspace/go; do sleep 0.01; done"}
    """

    async def scenario() -> None:
        async with lab(tmp_path) as first:
            store = first.store
            first.apply(text)
            await first.running("p-last", "up")
        async with lab(tmp_path, store) as second:
            retry = second.log("p-last-pod-retry1")
            await second.until(lambda: retry.exists() and "up" in retry.read_text())
            assert second.reason(second.get("PipelineRun", "p"))[1] == "PipelineRunTimeoutRunningFinally"
            (second.state.pod("default", "p-last-pod-retry1") / "workspace" / "go").touch()
            run = await second.done("PipelineRun", "p")
            assert _skipped(run) == {"after": "PipelineRun Tasks timeout has been reached"}
            assert second.find("TaskRun", "p-after") is None

    asyncio.run(scenario())
