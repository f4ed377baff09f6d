"""A row of the board: which of the runs are red and why, and which tasks most participants have not done."""

from __future__ import annotations

from typing import Any

from workshop.guide.question import Question
from workshop.participants.standing import Entry, Score, Seen, contest, open_most, scores, standing

NUMBERS = ["01", "02"]


def run(name: str, status: str, reason: str = "", *, started: int, pipeline: str = "train", message: str = "") -> Any:
    condition = {"type": "Succeeded", "status": status, "reason": reason, "message": message}
    return {
        "metadata": {"name": name, "namespace": "ann-dev", "labels": {"tekton.dev/pipeline": pipeline}},
        "status": {"conditions": [condition], "startTime": f"2026-01-05T10:00:{started:02}Z"},
    }


def task_run(owner: str, task: str, message: str, *, ended: int) -> Any:
    found = run(f"{owner}-{task}", "False", "Failed", started=0, message=message)
    found["metadata"]["labels"] = {"tekton.dev/pipelineRun": owner, "tekton.dev/pipelineTask": task}
    found["status"]["completionTime"] = f"2026-01-05T10:00:{ended:02}Z"
    return found


def test_a_failed_run_names_the_task_that_failed_first_and_its_message_on_one_line() -> None:
    runs = [run("a", "False", "Failed", started=1, message="Tasks Completed: 2")]
    tasks = [task_run("a", "late", "cancelled", ended=9), task_run("a", "check", "no\nmodel\x07" + "x" * 500, ended=5)]
    (red,) = standing("ann", Seen(runs=runs, task_runs=tasks), NUMBERS).red
    assert (red.name, red.pipeline, red.task) == ("a", "train", "check")
    assert red.why.startswith("no model xxx") and len(red.why) == 200


def test_a_failed_run_is_not_red_once_a_newer_run_of_its_pipeline_succeeds() -> None:
    failed, newer = run("a", "False", "Failed", started=1), run("b", "True", started=2)
    assert standing("ann", Seen(runs=[newer, failed]), NUMBERS).red == []
    other = run("c", "True", started=3, pipeline="promote")
    assert [one.name for one in standing("ann", Seen(runs=[failed, other]), NUMBERS).red] == ["a"]


def test_a_cancelled_run_is_not_red() -> None:
    assert standing("ann", Seen(runs=[run("a", "False", "Cancelled", started=1)]), NUMBERS).red == []


def test_a_participant_without_progress_has_not_begun() -> None:
    row = standing("ann", Seen(), NUMBERS)
    assert (row.module, row.since, row.done, row.modules, row.waits) == ("01", None, 0, 2, False)


def test_tasks_that_checks_found_undone_are_counted_over_participants() -> None:
    def at(name: str, record: str, here: str = "02") -> Any:
        data = {"module-02": record, "here": f'{{"module": "{here}", "since": 1}}'}
        return standing(name, Seen(progress={"data": data}), NUMBERS)

    rows = [
        at("ann", '{"left": 2, "tasks": 2, "at": 1, "failed": 3, "open": ["one", "two"]}'),
        at("bob", '{"left": 1, "tasks": 2, "at": 1, "failed": 1, "open": ["two"]}'),
        at("eve", '{"left": 1, "tasks": 2, "at": 1, "failed": 0, "open": ["two"]}'),
    ]
    found = open_most(rows)
    assert [(one.task, one.participants, one.checks) for one in found] == [
        ("two", ("ann", "bob"), 4),
        ("one", ("ann",), 3),
    ]


def test_the_first_answers_to_questions_make_a_ranking() -> None:
    questions = {("01", 1): Question(1, "", (), "0.88", ""), ("02", 1): Question(1, "", ("a", "b"), "2", "")}

    def at(name: str, **answers: tuple[str, str]) -> Any:
        data = {
            f"answer-{key[1:3]}-{key[4:]}": f'{{"first": "{first}", "given": "{given}", "at": 1}}'
            for key, (first, given) in answers.items()
        }
        return standing(name, Seen(progress={"data": data}), NUMBERS)

    rows = [
        at("late", m01_1=("0.5", "0.88"), m02_1=("2", "2")),
        at("best", m01_1=("0.9", "0.88"), m02_1=("2", "2"), m09_1=("1", "1")),
        at("short", m02_1=("2", "1")),
        at("none"),
        at("odd", m02_1=("9", "9")),
    ]
    assert scores(rows, questions) == [
        Score("best", 2, 2),
        Score("short", 1, 1),
        Score("late", 1, 2),
        Score("odd", 0, 1),
    ]


def test_the_contest_ranks_by_the_rules_that_were_shown_to_be_missing_and_then_by_time() -> None:
    def at(name: str, contest: str) -> Any:
        return standing(name, Seen(progress={"data": {"contest": contest}}), NUMBERS)

    rows = [
        at("late", '{"past": ["precision"], "at": 9}'),
        at("early", '{"past": ["preci\\nsion"], "at": 5}'),
        at("most", '{"past": ["auc", "precision"], "at": 8}'),
        at("none", '{"past": [], "at": 1}'),
        at("many", '{"past": ["a", "b", "c", "d", "e", "f"], "at": 1}'),
        at("long", f'{{"past": ["{41 * "x"}"], "at": 1}}'),
        standing("new", Seen(), NUMBERS),
    ]
    assert contest(rows) == [
        Entry("most", ("auc", "precision")),
        Entry("early", ("preci sion",)),
        Entry("late", ("precision",)),
    ]


def test_quota_is_the_highest_use_of_any_limit() -> None:
    quota = {
        "metadata": {"name": "participant", "namespace": "ann-dev"},
        "status": {"hard": {"pods": "20", "requests.memory": "8Gi"}, "used": {"pods": "5", "requests.memory": "6Gi"}},
    }
    row = standing("ann", Seen(quotas=[quota]), NUMBERS)
    assert (row.quota, row.quota_of) == (75, "requests.memory in ann-dev")


def test_without_a_controller_a_quota_counts_what_the_pods_request() -> None:
    quota = {
        "metadata": {"name": "participant", "namespace": "ann-dev"},
        "spec": {"hard": {"pods": "4", "requests.memory": "1Gi"}},
    }
    containers = [{"name": "a", "resources": {"requests": {"memory": "256Mi"}}}, {"name": "b"}]
    states = [
        *(("ann-dev", phase) for phase in ("Running", "Pending", "Running", "Succeeded")),
        ("ann-staging", "Running"),
    ]
    pods = [
        {
            "metadata": {"name": f"p{at}", "namespace": where},
            "spec": {"containers": containers},
            "status": {"phase": phase},
        }
        for at, (where, phase) in enumerate(states)
    ]
    row = standing("ann", Seen(quotas=[quota], pods=pods), NUMBERS)
    assert (row.quota, row.quota_of) == (75, "pods in ann-dev")
