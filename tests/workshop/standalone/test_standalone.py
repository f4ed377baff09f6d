"""`workshop run --standalone`: runs without a lab, their verdicts, reports and traces."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest

from tests.kit import until
from workshop.cli import main
from workshop.lab.paths import KIT

TWO = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {generateName: two-}
spec:
  params: [{name: word, value: hello}]
  workspaces: [{name: shared, volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce]}}}]
  pipelineSpec:
    workspaces: [{name: shared}]
    tasks:
      - name: first
        workspaces: [{name: shared}]
        taskSpec:
          workspaces: [{name: shared}]
          results: [{name: seen}]
          steps:
            - name: write
              image: busybox
              env: [{name: WORD, value: $(params.word)}]
              script: |
                echo "first says $WORD"
                date +%s%N > $(workspaces.shared.path)/when
                printf '%s' "$WORD" > $(results.seen.path)
      - name: second
        params: [{name: seen, value: $(tasks.first.results.seen)}]
        workspaces: [{name: shared}]
        taskSpec:
          params: [{name: seen}]
          workspaces: [{name: shared}]
          steps:
            - name: check
              image: busybox
              env: [{name: SEEN, value: $(params.seen)}]
              workingDir: $(workspaces.shared.path)
              script: |
                echo "second saw $SEEN at $(cat when)"
                [ "$SEEN" = hello ]
      - name: never
        when: [{input: $(params.word), operator: in, values: [other]}]
        taskSpec: {steps: [{image: busybox, script: "true"}]}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory, and a folder for temporary files that must be empty after each test."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    (tmp_path / "two.yaml").write_text(TWO)
    yield tmp_path
    assert list(scratch.iterdir()) == []


def run(*words: str) -> int:
    return main(["run", "--standalone", *words])


def test_the_logs_are_printed_and_the_exit_code_is_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("two.yaml") == 0
    printed = capsys.readouterr()
    first, second = printed.out.splitlines()
    assert first == "[first : write] first says hello"
    assert second.startswith("[second : check] second saw hello at ")
    assert "never: skipped: When Expressions evaluated to false" in printed.err
    assert run("two.yaml", "-p", "word=no") == 5


def test_a_failure_shows_the_end_of_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("two.yaml", "-p", "word=no") == 5
    said = capsys.readouterr().err
    assert "| second saw no at " in said
    assert "--keep FOLDER keeps logs and volumes" in said


def test_json_has_the_final_objects_and_no_logs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-o", "json", "two.yaml") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["status"]["conditions"][0]["reason"] == "Completed"


def test_the_report_has_a_testcase_for_each_task() -> None:
    assert run("two.yaml", "-p", "word=no", "--report", "out/junit.xml") == 5
    (suite,) = ET.parse("out/junit.xml").getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "3", "failures": "1", "skipped": "1",
    }  # fmt: skip
    first, second, never = suite.findall("testcase")
    assert [one.get("name") for one in (first, second, never)] == ["first", "second", "never"]
    assert [one.get("classname") for one in (first, second, never)] == ["two"] * 3
    assert list(first) == []
    (failure,) = second
    assert failure.get("type") == "StepFailed"
    assert '"step-check" exited with code 1' in str(failure.get("message"))
    assert str(failure.text).startswith("second saw no at ")
    (skipped,) = never
    assert skipped.get("message") == "PipelineRun was stopping"


def test_the_report_of_a_taskrun_and_of_a_log_that_xml_cannot_hold(elsewhere: Path) -> None:
    (elsewhere / "t.yaml").write_text(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: t}\nspec:\n  taskSpec:\n"
        "    steps:\n    - {image: busybox, script: 'printf \"\\033[31mred\\033[0m \\001 <&\\n\"; exit 3'}\n"
    )
    assert run("t.yaml", "--report", "junit.xml") == 5
    (suite,) = ET.parse("junit.xml").getroot()
    (case,) = suite
    assert (case.get("name"), str(case[0].text)) == ("t", "red \ufffd <&")


def test_a_run_that_cannot_start_is_a_failure_of_the_report(elsewhere: Path) -> None:
    (elsewhere / "r.yaml").write_text(
        "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r}\nspec: {pipelineRef: {name: nowhere}}\n"
    )
    assert run("r.yaml", "--report", "junit.xml") == 5
    (suite,) = ET.parse("junit.xml").getroot()
    assert [one.get("type") for one in suite.iter("failure")] == ["CouldntGetPipeline"]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: t}, spec: {}}", 4, "missing field(s): spec.steps"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}", 4, "no PipelineRun and no TaskRun"),
        ("{apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {name: r}, spec: {pipelineSpec: {tasks: [{name: "
         "ask, taskRef: {apiVersion: openshift-pipelines.org/v1alpha1, kind: ApprovalTask, name: ask}}]}}}", 4,
         "a custom task of the kind ApprovalTask"),
        ("{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: r}, spec: {taskSpec: {steps: [{image: "
         "busybox, script: sleep 60}]}}}", 6, "not done after 1 s"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_says_why(
    text: str, code: int, message: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "f.yaml").write_text(text)
    assert run("f.yaml", "--timeout", "1" if code == 6 else "60", "--report", "junit.xml") == code
    assert Path("junit.xml").exists() == (code != 4 or "custom" in message)
    assert message in capsys.readouterr().err


def test_a_service_account_that_no_file_has_is_noted(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}\n---\n"
    text = (
        "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: r}, spec: {serviceAccountName: robot, taskSpec: {"
        "steps: [{image: busybox, script: ls}]}}}"
    )
    for start, noted in (("", True), (account, False)):
        (elsewhere / "f.yaml").write_text(start + text)
        assert run("f.yaml") == 0
        assert ("no file has them: the ServiceAccounts robot" in capsys.readouterr().err) is noted


def test_a_pod_that_waits_for_what_is_not_there_says_so(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "f.yaml").write_text(
        "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: r}, spec: {timeout: 2s, taskSpec: {volumes: [{"
        "name: v, configMap: {name: nowhere}}], steps: [{image: busybox, volumeMounts: [{name: v, mountPath: /v}], "
        "script: ls}]}}}"
    )
    assert run("f.yaml") == 5
    (line,) = (one for one in capsys.readouterr().err.splitlines() if one.startswith("  r: waits: "))
    assert 'configmap "nowhere" not found' in line


def test_a_workspace_can_be_a_folder_of_this_machine(elsewhere: Path) -> None:
    (elsewhere / "source").mkdir()
    assert run("two.yaml", "-w", "shared=source") == 0
    assert (elsewhere / "source" / "when").exists()
    assert run("two.yaml", "-w", "shared=no-such") == 2


def test_without_a_lab_and_a_cluster_it_is_the_default(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKSHOP_STATE", str(elsewhere / "no-lab"))
    monkeypatch.setenv("HOME", str(elsewhere))
    assert main(["run", "two.yaml"]) == 0
    assert "there is no lab and no cluster" in capsys.readouterr().err
    (elsewhere / ".kube").mkdir()
    (elsewhere / ".kube" / "config").write_text("{}")
    assert main(["run", "two.yaml"]) == 3  # Then there is a cluster, which a command must not replace silently.


def test_an_interrupt_cancels_the_run_and_leaves_nothing(elsewhere: Path) -> None:
    (elsewhere / "slow.yaml").write_text(
        "apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {name: slow}\nspec:\n  taskSpec:\n"
        "    steps:\n    - {image: busybox, script: 'echo began; sleep 1234'}\n"
    )
    words = [sys.executable, "-m", "workshop", "run", "--standalone", "slow.yaml", "--report", "junit.xml"]
    scratch = elsewhere / "tmp"
    env = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(KIT)}
    started = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout and started.stderr
    assert started.stdout.readline() == "[slow : unnamed-0] began\n"
    children = psutil.Process(started.pid).children(recursive=True)
    assert children
    started.send_signal(signal.SIGINT)
    assert started.wait(15) == 130
    assert "the runs were cancelled, and nothing is left running" in started.stderr.read()
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in children))
    assert [one.get("type") for one in ET.parse("junit.xml").iter("failure")] == ["TaskRunCancelled"]


def test_from_runs_a_task_again_with_the_kept_results(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("two.yaml", "-p", "word=no", "--keep", "state") == 5
    before = capsys.readouterr().out
    (elsewhere / "two.yaml").write_text(TWO.replace('[ "$SEEN" = hello ]', '[ "$SEEN" = no ]'))
    assert run("two.yaml", "-p", "word=no", "--keep", "state", "--from", "second") == 0
    printed = capsys.readouterr()
    # The second task read the same file of the same volume, and the first one did not run.
    assert printed.out.splitlines() == [before.splitlines()[1]]
    assert "starts again at second; kept: first" in printed.err


def test_a_kept_run_of_the_same_name_is_replaced(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "two.yaml").write_text(TWO.replace("generateName: two-", "name: two"))
    for _ in range(2):
        assert run("two.yaml", "--keep", "state") == 0
        first, _ = capsys.readouterr().out.splitlines()
        assert first == "[first : write] first says hello"
    assert len(list((elsewhere / "state" / "volumes" / "default").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "second"), "--from needs the folder of the earlier run"),
        (("--from", "second", "--keep", "new"), "has no earlier run of two-"),
        (("--from", "third", "--keep", "state"), "the Pipeline has no such task"),
    ],
)
def test_from_says_what_it_lacks(words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "state" in words:
        assert run("two.yaml", "--keep", "state") == 0
    assert run("two.yaml", *words) == 2
    assert message in capsys.readouterr().err


def test_a_dry_run_shows_the_tasks_and_runs_nothing(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TWO.replace(
        "      - name: never",
        """      - name: third
        runAfter: [second]
        when: [{input: $(tasks.first.results.seen), operator: in, values: [hello]}]
        matrix: {params: [{name: item, value: [a, b]}]}
        taskSpec: {params: [{name: item}], steps: [{image: no-such-image, args: [$(params.item)]}]}
      - name: never""",
    )
    (elsewhere / "plan.yaml").write_text(text)
    assert run("--dry-run", "plan.yaml", "-p", "word=x") == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith("PipelineRun two-")
    problem = next(line for line in lines if "would fail" in line)
    assert "ErrImagePull" in problem
    assert [line for line in lines if line != problem] == [
        "  never: skipped: When Expressions evaluated to false: x in [other]",
        "  first",
        "  second, after first",
        "      seen=$(tasks.first.results.seen)",
        "  third, after first, second",
        "      only if $(tasks.first.results.seen) in [hello]",
        "      item=a",
        "      item=b",
    ]
    assert run("--dry-run", "-o", "json", "plan.yaml", "-p", "word=x") == 0
    planned = json.loads(capsys.readouterr().out)
    first = next(task for task in planned["tasks"] if task["name"] == "first")
    assert first["runs"][0]["taskSpec"]["steps"][0]["env"] == [{"name": "WORD", "value": "x"}]


RESOLVED = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: resolved}
spec:
  pipelineSpec:
    tasks:
      - name: help
        taskRef:
          resolver: cluster
          params: [{name: kind, value: task}, {name: name, value: openshift-client}, {name: namespace, value: WHERE}]
        params: [{name: SCRIPT, value: "oc version --client >/dev/null && echo from OpenShift"}]
"""


def test_tasks_of_openshift_are_resolved_also_in_a_dry_run(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "r.yaml").write_text(RESOLVED.replace("WHERE", "openshift-pipelines"))
    assert run("r.yaml") == 0
    assert "[help : oc] from OpenShift" in capsys.readouterr().out
    assert run("--dry-run", "r.yaml") == 0
    assert "      SCRIPT=oc version" in capsys.readouterr().out
    (elsewhere / "r.yaml").write_text(RESOLVED.replace("WHERE", "elsewhere"))
    assert run("--dry-run", "r.yaml") == 4
    assert "resolved would not start" in capsys.readouterr().err


def test_a_run_pauses_after_a_failed_step_with_its_files_and_variables(elsewhere: Path) -> None:
    words = [sys.executable, "-m", "workshop", "run", "two.yaml", "-p", "word=no", "--break-on", "failure"]
    env = {**os.environ, "TMPDIR": str(elsewhere / "tmp"), "PYTHONPATH": str(KIT)}
    started = subprocess.Popen(
        words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr
    said: list[str] = []
    while not any(line.startswith("  go on:") for line in said):
        said.append(started.stderr.readline())
        assert said[-1], "it ended"
    assert any("step-check of two-" in line and "failed with exit code 1 and waits:" in line for line in said)
    enter, go_on = (
        next(line for line in said if line.startswith(f"  {word}:")).split(":", 1)[1] for word in ("enter", "go on")
    )
    words = [*shlex.split(enter), "-c", 'echo "$SEEN $EXIT_CODE"; pwd; ls']
    inside = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    seen, where, listed = inside.stdout.splitlines()
    assert (seen, listed) == ("no 1", "when")
    assert where.endswith("/workspace/shared") or "volumes" in where
    subprocess.run(shlex.split(go_on), check=True)
    assert started.wait(15) == 5


def test_in_a_terminal_a_failed_step_opens_a_shell(elsewhere: Path) -> None:
    words = [sys.executable, "-m", "workshop", "run", "two.yaml", "-p", "word=no", "--break-on", "failure"]
    env = {**os.environ, "TMPDIR": str(elsewhere / "tmp"), "PYTHONPATH": str(KIT)}
    here, there = pty.openpty()
    started = subprocess.Popen(words, env=env, stdin=there, stdout=there, stderr=there, start_new_session=True)
    os.close(there)
    said = ""

    def read(wanted: str) -> None:
        nonlocal said
        while wanted not in said:
            said += os.read(here, 4096).decode()

    read("the run goes on after exit")
    os.write(here, b"echo it was $EXIT_CODE; exit\n")
    read("it was 1")
    read("error:")
    assert started.wait(15) == 5
    os.close(here)


def test_an_interrupt_also_ends_a_pause(elsewhere: Path) -> None:
    words = [sys.executable, "-m", "workshop", "run", "two.yaml", "-p", "word=no", "--break-on", "failure"]
    env = {**os.environ, "TMPDIR": str(elsewhere / "tmp"), "PYTHONPATH": str(KIT)}
    started = subprocess.Popen(
        words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr
    while "go on:" not in (line := started.stderr.readline()):
        assert line, "it ended"
    started.send_signal(signal.SIGTERM)
    assert started.wait(15) == 130


def test_watch_runs_again_when_a_file_changes(elsewhere: Path) -> None:
    words = [sys.executable, "-m", "workshop", "run", "--standalone", "--watch", "two.yaml"]
    env = {**os.environ, "TMPDIR": str(elsewhere / "tmp"), "PYTHONPATH": str(KIT)}
    started = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert started.stdout
    assert started.stdout.readline() == "[first : write] first says hello\n"
    (elsewhere / "two.yaml").write_text(TWO.replace("value: hello", "value: again"))
    while (line := started.stdout.readline()) != "[first : write] first says again\n":
        assert line, "it ended"
    started.send_signal(signal.SIGINT)
    assert started.wait(15) == 130
