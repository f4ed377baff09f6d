"""Module 3, a first model: MLflow has the run with its metrics and its picture, and the answer matches it."""

from __future__ import annotations

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.cluster.jsonhttp import NoAnswer
from workshop.cluster.mlflow import Run

NUMBER = "03"
NOTEBOOK = "02_first_model"
_RUN = f"jupyter execute notebooks/{NOTEBOOK}.ipynb"
_KEPT, _READ = "MLflow has your first model's run", "you can read what MLflow keeps"


def check(context: CheckContext) -> list[Finding]:
    """The run, its content, and the answer."""
    try:
        found = context.mlflow.runs_of_notebook(NOTEBOOK)
        return [_kept(context, found), _read(answers.answers(context, NUMBER), found)]
    except NoAnswer as e:
        return [Finding(task, False, str(e), context.where_things_are) for task in (_KEPT, _READ)]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Move the notebook's runs to MLflow's trash, and put the answers aside."""
    found = context.mlflow.runs_of_notebook(NOTEBOOK)
    context.mlflow.delete(found)
    said = [f"{len(found)} run(s) of {NOTEBOOK} went to MLflow's bin"] if found else []
    return said + answers.put_aside(context, NUMBER)


def _kept(context: CheckContext, found: list[Run]) -> Finding:
    if not found:
        return Finding(_KEPT, False, f"there is no finished run with the tag notebook={NOTEBOOK}", _RUN)
    run = found[0]
    absent = [name for name in ("auc", "precision", "recall") if name not in run.metrics]
    absent += [name for name in ("candidate", "train_months", "test_month") if name not in run.params]
    if absent:
        return Finding(_KEPT, False, f"the run {run.name} has no {', '.join(absent)}", _RUN)
    if not 0.6 < run.metrics["auc"] < 0.9:
        return Finding(_KEPT, False, f"an AUC of {run.metrics['auc']:.3f} is not what this model gives on July", _RUN)
    if not any(path.endswith(".png") for path in context.mlflow.artifacts(run)):
        return Finding(_KEPT, False, f"the run {run.name} has no picture", _RUN)
    return Finding(_KEPT, True, f"{run.name}: AUC {run.metrics['auc']:.3f}")


def _read(given: dict[str, str], found: list[Run]) -> Finding:
    if "recall" not in given:
        return answers.missing(NUMBER, "recall", _READ)
    if not found or "recall" not in found[0].metrics:
        return Finding(_READ, False, "there is no run to compare your answer with", _RUN)
    actual = found[0].metrics["recall"]
    try:
        right = abs(float(given["recall"]) - actual) < 0.01
    except ValueError:
        right = False
    if not right:
        return Finding(_READ, False, f"you say {given['recall']}, MLflow another number", "look at the run's metrics")
    return Finding(_READ, True, f"it finds {actual:.0%} of the late flights")
