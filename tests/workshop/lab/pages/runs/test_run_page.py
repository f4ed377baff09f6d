"""A run's page: the graph, the selected task, times, and the part that a script replaces."""

from __future__ import annotations

import re
from pathlib import Path

from tests.workshop.lab.pages.fixtures import browser, lab_of, pipeline_run, task_run
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.store import now
from workshop.manifests.objects import Object

CHAIN: list[Object] = [
    {"name": "fetch"},
    {"name": "train", "runAfter": ["fetch"]},
    {"name": "gate", "runAfter": ["train", "fetch"]},
]
TRACE = "row 1\nTraceback (most recent call last):\n  File x\nValueError: auc 0.61 < 0.74\n"


def _text(about: Lab, path: str) -> str:
    answer = browser(about).get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


def _panel(page: str) -> str:
    return page.partition('id="panel"')[2].partition('id="times"')[0]


def _node(page: str, key: str) -> str:
    return page.partition(f'id="node-{key}"')[2].partition("</li>")[0]


def test_a_failed_run_opens_with_the_failing_step_and_its_error(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", CHAIN, status="False", reason="Failed", skipped={"gate": "Stopping"})
    task_run(about, run, "fetch", {"clone": 0})
    task_run(about, run, "train", {"prepare": 0, "fit": 1}, logs={"fit": TRACE})
    panel = _panel(_text(about, "/runs/user1-dev/run-a"))
    assert 'data-task="train"' in panel
    assert "ValueError: auc 0.61 &lt; 0.74" in panel
    opened = re.findall(r'data-log="([^"]+)"[^>]* open>', panel)
    assert opened == ["/logs/user1-dev/run-a-train-pod/step-fit"]


def test_the_run_of_a_comparison_links_its_report_in_mlflow(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    known, link = built_in("PipelineRun"), "/artifacts/comparison/index.html"
    for name, found, usecase in (("own", "0a" * 16, "model"), ("other", "0a" * 16, "cars"), ("odd", "../x", "model")):
        run = pipeline_run(about.store, name, CHAIN, status="True", reason="Succeeded")
        run["status"]["results"] = [{"name": "mlflow-run", "value": f"{found}\n"}]
        run["spec"]["params"] = [{"name": "usecase", "value": usecase}]
        about.store.update_status(known, about.store.update(known, run) | {"status": run["status"]})
    assert f"/#/experiments/1/runs/{'0a' * 16}{link}" in _text(about, "/runs/user1-dev/own")
    assert all(link not in _text(about, f"/runs/user1-dev/{name}") for name in ("other", "odd"))


def test_an_ignored_failure_is_not_what_a_run_opens_with(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", [{"name": "lint"}, {"name": "gate"}], status="False", reason="Failed")
    task_run(about, run, "lint", {"lint": 1}, ignored=True)
    task_run(about, run, "gate", {"compare": 1})
    assert 'data-task="gate"' in _panel(_text(about, "/runs/user1-dev/run-a"))


def test_a_task_is_chosen_by_its_key_or_by_the_name_of_its_run(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", CHAIN)
    task_run(about, run, "fetch", {"clone": 0}, name="run-a-fetch")
    task_run(about, run, "train", {"fit": None})
    assert 'data-task="train"' in _panel(_text(about, "/runs/user1-dev/run-a")), "what runs comes first"
    for key in ("fetch", "run-a-fetch"):
        assert 'data-task="fetch"' in _panel(_text(about, f"/runs/user1-dev/run-a?task={key}"))


def test_an_arrow_that_a_longer_way_says_is_left_to_the_table(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    pipeline_run(about.store, "run-a", CHAIN)
    page = _text(about, "/runs/user1-dev/run-a")
    assert 'data-after="train"' in _node(page, "gate")
    assert "train, fetch" in page or "fetch, train" in page


def test_matrix_children_are_nodes_named_by_what_varies(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    matrix = {"params": [{"name": "candidate", "value": ["logistic", "boosted"]}]}
    tasks: list[Object] = [{"name": "train", "matrix": matrix}, {"name": "gate", "runAfter": ["train"]}]
    run = pipeline_run(about.store, "run-a", tasks)
    for index, name in enumerate(("logistic", "boosted")):
        task_run(about, run, "train", {"fit": index}, name=f"run-a-train-{index}", params={"candidate": name, "x": "1"})
    page = _text(about, "/runs/user1-dev/run-a")
    assert "logistic" in _node(page, "train/0") and "boosted" in _node(page, "train/1")
    assert 'data-after="train/0 train/1"' in _node(page, "gate")
    assert 'data-task="train/1"' in _panel(page), "the child that failed"


def test_a_large_matrix_is_one_stack_that_counts(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    matrix = {"params": [{"name": "n", "value": [str(n) for n in range(9)]}]}
    run = pipeline_run(about.store, "run-a", [{"name": "train", "matrix": matrix}])
    for n in range(9):
        task_run(about, run, "train", {"fit": int(n == 4)}, name=f"run-a-train-{n}", params={"n": str(n)})
    page = _text(about, "/runs/user1-dev/run-a")
    assert page.count('id="node-train') == 1 and "9 at once" in _node(page, "train")
    assert 'data-state="8 succeeded, 1 failed"' in _node(page, "train")
    assert 'data-task="train/4"' in _panel(page)
    assert page.count('id="sibling-train/') == 9


def test_a_skipped_task_says_why(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    when = [{"input": "blue", "operator": "in", "values": ["red"]}]
    pipeline_run(about.store, "run-a", [{"name": "publish", "when": when}], skippedTasks=[
        {"name": "publish", "reason": "When Expressions evaluated to false", "whenExpressions": when}])  # fmt: skip
    page = _text(about, "/runs/user1-dev/run-a?task=publish")
    assert "skipped" in page.partition('id="node-publish"')[0].rpartition("<li")[2]
    assert "When Expressions evaluated to false" in _panel(page)
    assert "&#34;blue&#34; in [&#34;red&#34;]" in _panel(page)


def test_finally_tasks_are_shown_separately(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    pipeline_run(about.store, "run-a", CHAIN, final=[{"name": "record"}])
    page = _text(about, "/runs/user1-dev/run-a")
    assert page.index('id="final-nodes"') < page.index('id="node-record"')
    assert page.index('id="node-gate"') < page.index('id="final-nodes"')


def test_earlier_attempts_keep_their_error_and_logs(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", CHAIN)
    ended = {"exitCode": 3, "startedAt": "2026-01-05T10:00:00Z", "finishedAt": "2026-01-05T10:00:02Z"}
    first = {
        "podName": "run-a-fetch-pod-1",
        "conditions": [{"type": "Succeeded", "status": "False", "reason": "StepFailed"}],
        "steps": [{"name": "clone", "container": "step-clone", "terminated": ended, "terminationReason": "Error"}],
        "startTime": "2026-01-05T09:59:00Z",
        "completionTime": "2026-01-05T09:59:02Z",
    }
    task_run(about, run, "fetch", {"clone": 0}, before=[first])
    log = about.paths.container_log("user1-dev", "run-a-fetch-pod-1", "step-clone")
    log.parent.mkdir(parents=True)
    log.write_text("error: remote did not answer\n")
    page = _text(about, "/runs/user1-dev/run-a?task=fetch")
    assert "1 retry" in _node(page, "fetch")
    assert "attempt 2 of 3" in _panel(page) and "Attempt 1 of 3" in _panel(page)
    assert "error: remote did not answer" in _panel(page)
    assert "/logs/user1-dev/run-a-fetch-pod-1/step-clone" in _panel(page)
    assert "1 min 42 s" in page, "a retried task took from its first attempt to its last"


def test_results_params_events_and_commands_are_there(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(
        about.store, "run-a", CHAIN, results=[{"name": "digest", "value": "sha256:9f"}],
        pipelineSpec={"tasks": CHAIN, "params": [{"name": "mode", "default": "enabled"}]},
    )  # fmt: skip
    meta = {"name": "run-a.1", "namespace": "user1-dev"}
    about.store.create(built_in("Event"), {
        "metadata": meta, "involvedObject": {"name": "run-a", "uid": run["metadata"]["uid"]}, "reason": "Started",
        "lastTimestamp": now(), "type": "Normal", "message": "said <so>", "count": 2,
    })  # fmt: skip
    page = _text(about, "/runs/user1-dev/run-a")
    assert "sha256:9f" in page
    assert re.search(r'mode</dt><dd class="mono">enabled <span class="quiet">default', page)
    assert "said &lt;so&gt;" in page and "2 times" in page
    assert "tkn pipelinerun logs run-a -f -n user1-dev" in page


def test_the_bars_show_what_took_long(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", CHAIN, status="True", reason="Succeeded")
    task_run(about, run, "fetch", {"clone": 0}, start="2026-01-05T10:00:00Z", end="2026-01-05T10:00:25Z")
    task_run(about, run, "train", {"fit": 0}, start="2026-01-05T10:00:25Z", end="2026-01-05T10:01:40Z")
    page = _text(about, "/runs/user1-dev/run-a")
    assert re.findall(r' x="(\d+)" y="0" width="(\d+)"', page) == [("0", "250"), ("250", "750")]
    assert "1 min 40 s" in page


def test_a_run_that_could_not_begin_says_why(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    pipeline_run(about.store, "run-a", [], status="False", reason="CouldntGetPipeline")
    assert "counted" in _text(about, "/runs/user1-dev/run-a")


def test_a_pipeline_with_a_circle_is_still_shown(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    tasks: list[Object] = [{"name": "a", "runAfter": ["b"]}, {"name": "b", "runAfter": ["a"]}]
    pipeline_run(about.store, "run-a", tasks, status="False", reason="PipelineInvalidGraph")
    assert 'id="node-b"' in _text(about, "/runs/user1-dev/run-a")


def test_a_run_that_is_gone_leads_back_to_the_list(tmp_path: Path) -> None:
    for path in ("/runs/user1-dev/none", "/tasks/user1-dev/none", "/logs/user1-dev/none/step-x"):
        answer = browser(lab_of(tmp_path)).get(path)
        assert answer.status_code == 404 and 'href="/runs"' in answer.text


def test_a_task_alone_has_its_page_and_one_of_a_run_leads_there(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", CHAIN)
    task_run(about, run, "fetch", {"clone": 0})
    task_run(about, None, "alone", {"hello": 2}, name="alone", logs={"hello": "fatal: no such branch\n"})
    assert "fatal: no such branch" in _text(about, "/tasks/user1-dev/alone")
    answer = browser(about).get("/tasks/user1-dev/run-a-fetch", follow_redirects=False)
    assert answer.headers["location"] == "/runs/user1-dev/run-a?task=run-a-fetch"


def test_the_live_part_is_the_pages_own_content(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", CHAIN)
    client = browser(about)
    first = client.get("/runs/user1-dev/run-a?part=live")
    assert "<html" not in first.text and first.text.strip() in client.get("/runs/user1-dev/run-a").text
    seen = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/runs/user1-dev/run-a?part=live", headers=seen).status_code in (200, 304)
    task_run(about, run, "fetch", {"clone": None})
    fresh = client.get("/runs/user1-dev/run-a?part=live", headers=seen)
    assert fresh.status_code == 200 and 'data-state="Running"' in fresh.text


def test_pages_of_runs_need_the_token_and_have_no_inline_code(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", CHAIN)
    task_run(about, run, "fetch", {"clone": 0}, logs={"clone": "x"})
    log = "/logs/user1-dev/run-a-fetch-pod/step-clone"
    paths = ("/runs", "/runs/user1-dev/run-a")
    for path in (*paths, "/runs/events", "/runs/user1-dev/run-a/events", log, f"{log}/events"):
        assert browser(about, token="wrong").get(path).status_code == 401
    for path in paths:
        page = browser(about).get(path).text
        assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page)
        for source in re.findall(r"(?:src|<link[^>]+href)=\"([^\"]+)\"", page):
            assert browser(about).get(source).status_code == 200, source


def test_ids_on_a_page_are_unique(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    matrix = {"params": [{"name": "c", "value": ["a", "b"]}]}
    run = pipeline_run(about.store, "run-a", [*CHAIN, {"name": "m", "matrix": matrix}], final=[{"name": "record"}])
    task_run(about, run, "fetch", {"clone": 0, "check": 1})
    for n in range(2):
        task_run(about, run, "m", {"fit": 0}, name=f"run-a-m-{n}", params={"c": str(n)})
    ids = re.findall(r'\sid="([^"]+)"', _text(about, "/runs/user1-dev/run-a"))
    assert len(ids) == len(set(ids)), "parts are matched by id"


def test_a_pipeline_in_a_pipeline_is_a_node_with_a_link_to_its_run(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", [{"name": "nested"}], status="False", reason="Failed")
    inner = pipeline_run(
        about.store, "run-a-nested", [{"name": "fit"}], status="False", reason="Failed", owner=(run, "nested")
    )
    task_run(about, inner, "fit", {"fit": 1}, logs={"fit": TRACE})
    page = _text(about, "/runs/user1-dev/run-a")
    assert "Failed" in _node(page, "nested")
    assert '<a href="/runs/user1-dev/run-a-nested">run-a-nested</a>' in _panel(page)
    assert browser(about).get("/runs").text.count("ValueError: auc 0.61 &lt; 0.74") == 2
