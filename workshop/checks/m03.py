"""Module 3, a first model: MLflow has the run with its metrics and its picture, and the answers match it.

A threshold of one's own is right when it finds enough late flights with nearly the best precision that allows.
"""

from __future__ import annotations

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.cluster.jsonhttp import NoAnswer
from workshop.cluster.mlflow import Run
from workshop.languages.catalog import N_, Sentence

NUMBER = "03"
NOTEBOOK = "02_first_model"
_RUN = f"jupyter execute notebooks/{NOTEBOOK}.ipynb"
RECALL, SHARE, NEAR = "recall_by_threshold", 0.75, 0.01
"""The share of late flights to find, and how far the precision may be below the best that finds them."""
PRECISION = "precision_by_threshold"
_KEPT, _READ = N_("MLflow has your first model's run"), N_("you can read what MLflow keeps")
_CHOSEN = N_("you chose a threshold that finds three late flights in four")


def check(context: CheckContext) -> list[Finding]:
    """The run, its content, and the answers."""
    try:
        found = context.mlflow.runs_of_notebook(NOTEBOOK)
        given = answers.answers(context, NUMBER)
        return [_kept(context, found), _read(given, found), _chosen(context, given, found)]
    except NoAnswer as e:
        return [Finding(task, False, str(e), context.where_things_are) for task in (_KEPT, _READ, _CHOSEN)]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Move the notebook's runs to MLflow's trash, and put the answers aside."""
    found = context.mlflow.runs_of_notebook(NOTEBOOK)
    context.mlflow.delete(found)
    said = [f"{len(found)} run(s) of {NOTEBOOK} went to MLflow's bin"] if found else []
    return said + answers.put_aside(context, NUMBER)


def _kept(context: CheckContext, found: list[Run]) -> Finding:
    if not found:
        return Finding(
            _KEPT, False, Sentence("there is no finished run with the tag notebook={notebook}", notebook=NOTEBOOK), _RUN
        )
    run = found[0]
    absent = [name for name in ("auc", "precision", "recall") if name not in run.metrics]
    absent += [name for name in ("candidate", "train_months", "test_month") if name not in run.params]
    if absent:
        return Finding(
            _KEPT, False, Sentence("the run {name} has no {absent}", name=run.name, absent=", ".join(absent)), _RUN
        )
    if not 0.6 < run.metrics["auc"] < 0.9:
        return Finding(
            _KEPT,
            False,
            Sentence("an AUC of {auc:.3f} is not what this model gives on July", auc=run.metrics["auc"]),
            _RUN,
        )
    if not any(path.endswith(".png") for path in context.mlflow.artifacts(run)):
        return Finding(_KEPT, False, Sentence("the run {name} has no picture", name=run.name), _RUN)
    return Finding(_KEPT, True, f"{run.name}: AUC {run.metrics['auc']:.3f}")


def _read(given: dict[str, str], found: list[Run]) -> Finding:
    if "recall" not in given:
        return answers.missing(NUMBER, "recall", _READ)
    if not found or "recall" not in found[0].metrics:
        return Finding(_READ, False, N_("there is no run to compare your answer with"), _RUN)
    actual = found[0].metrics["recall"]
    try:
        right = abs(float(given["recall"]) - actual) < 0.01
    except ValueError:
        right = False
    if not right:
        return Finding(
            _READ,
            False,
            Sentence("you say {recall}, MLflow another number", recall=given["recall"]),
            N_("look at the run's metrics"),
        )
    return Finding(_READ, True, Sentence("it finds {actual:.0%} of the late flights", actual=actual))


def _chosen(context: CheckContext, given: dict[str, str], found: list[Run]) -> Finding:
    if "threshold" not in given:
        return answers.missing(NUMBER, "threshold", _CHOSEN)
    recall, precision = (context.mlflow.history(found[0], name) if found else {} for name in (RECALL, PRECISION))
    if not recall or set(recall) != set(precision):
        return Finding(
            _CHOSEN,
            False,
            Sentence("no run has the metrics {recall} and {precision}", recall=RECALL, precision=PRECISION),
            _RUN,
        )
    try:
        step = round(100 * float(given["threshold"]))
        seen = Sentence(
            "at {at:.2f} it finds {recall:.0%} of the late flights, {precision:.0%} of its warnings are right",
            at=step / 100,
            recall=recall[step],
            precision=precision[step],
        )
    except (ValueError, OverflowError, LookupError):
        return Finding(
            _CHOSEN,
            False,
            Sentence("you say {threshold}, and a threshold is between 0 and 1", threshold=given["threshold"]),
            Sentence(
                "the charts of {recall} and {precision} in MLflow; a step is a percent",
                recall=RECALL,
                precision=PRECISION,
            ),
        )
    if recall[step] < SHARE:
        return Finding(_CHOSEN, False, seen, N_("a lower threshold"))
    best = max(precision[at] for at, share in recall.items() if share >= SHARE)
    if precision[step] < best - NEAR:
        return Finding(
            _CHOSEN, False, Sentence("{seen}; {best:.0%} is possible", seen=seen, best=best), N_("a higher threshold")
        )
    return Finding(_CHOSEN, True, seen)
