"""The list of runs and its filters, and the runs on the console."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.workshop.lab.pages.fixtures import browser, lab_of, pipeline_run, ran, task_run
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object
from workshop.participants.names import Participant


def _names(page: str) -> list[str]:
    return re.findall(r'<td class="mono"><a href="[^"]+">([^<]+)</a>', page)


def test_pipeline_runs_and_independent_task_runs_are_listed_newest_first(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", [{"name": "fetch"}])
    task_run(about, run, "fetch", {"clone": 0})
    task_run(about, None, "x", {"hello": 0}, name="alone", start="2026-01-05T11:00:00Z")
    assert _names(browser(about).get("/runs").text) == ["alone", "run-a"]


def test_filters_by_pipeline_and_state_can_be_combined(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    pipeline_run(about.store, "run-a", [], status="False", reason="Failed")
    pipeline_run(about.store, "run-b", [])
    ran(about.store, "run-c", "False", "Failed")
    client = browser(about)
    assert _names(client.get("/runs?state=failed").text) == ["run-c", "run-a"]
    assert _names(client.get("/runs?state=failed&pipeline=demo").text) == ["run-a"]
    assert _names(client.get("/runs?state=running").text) == ["run-b"]
    assert "No run passes" in client.get("/runs?pipeline=none").text
    assert len(_names(client.get("/runs?state=nonsense").text)) == 3


def test_a_red_run_shows_the_first_error_of_its_failing_step_here_and_on_the_console(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", [{"name": "fetch"}, {"name": "data"}], status="False", reason="Failed")
    task_run(about, run, "data", {"pull": 1}, logs={"pull": "error: second\n"}, end="2026-01-05T10:00:50Z")
    log = "fetching\n\x1b[31merror: remote is gone\x1b[0m\nerror: giving up\n"
    task_run(about, run, "fetch", {"clone": 1}, logs={"clone": log}, end="2026-01-05T10:00:10Z")
    for path in ("/runs", "/"):
        page = browser(about).get(path).text
        assert "error: remote is gone<" in page and "error: second" not in page
        assert 'href="/runs/user1-dev/run-a"' in page


def test_tasks_are_counted_with_a_matrix_as_one(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    tasks: list[Object] = [{"name": "train", "matrix": {"params": []}}, {"name": "gate"}, {"name": "go"}]
    run = pipeline_run(about.store, "run-a", tasks, skipped={"go": "Stopping"})
    for n in range(3):
        task_run(about, run, "train", {"fit": 0}, name=f"run-a-train-{n}")
    assert "1 of 3, 1 skipped" in browser(about).get("/runs").text


def test_runs_of_other_namespaces_are_not_the_participants(tmp_path: Path) -> None:
    about = replace(lab_of(tmp_path), participant=Participant("user2"))
    pipeline_run(about.store, "run-a", [])
    assert "No run yet" in browser(about).get("/runs").text


def test_a_row_is_made_anew_when_its_run_goes_on(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", [])
    assert 'data-state="Running"' in browser(about).get("/runs").text
    run["status"]["conditions"][0] |= {"status": "True", "reason": "Succeeded"}
    about.store.update_status(built_in("PipelineRun"), run)
    assert 'data-state="Succeeded"' in browser(about).get("/runs").text
