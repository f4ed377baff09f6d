"""Module 4, compare: MLflow has a run for each group of features and each algorithm; the answers match them."""

from __future__ import annotations

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.cluster.jsonhttp import NoAnswer
from workshop.cluster.mlflow import Run

NUMBER = "04"
FEATURES, MODELS = "03_compare_features", "04_compare_models"
_GROUPS, _ALGORITHMS = "MLflow has the groups of features", "MLflow has both algorithms"
_GROUP, _ALGORITHM = "you know what helps", "you know which algorithm is better"


def check(context: CheckContext) -> list[Finding]:
    """Two sets of runs, two answers."""
    try:
        groups = _newest(context.mlflow.runs_of_notebook(FEATURES), "group")
        algorithms = _newest(context.mlflow.runs_of_notebook(MODELS), "candidate")
    except NoAnswer as e:
        tasks = (_GROUPS, _ALGORITHMS, _GROUP, _ALGORITHM)
        return [Finding(task, False, str(e), context.where_things_are) for task in tasks]
    given = answers.answers(context, NUMBER)
    return [
        _logged(_GROUPS, groups, 5, FEATURES),
        _logged(_ALGORITHMS, algorithms, 2, MODELS),
        _helps(given, groups),
        _better(given, algorithms),
    ]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Move the notebooks' runs to MLflow's trash, and put the answers aside."""
    said = []
    for notebook in (FEATURES, MODELS):
        found = context.mlflow.runs_of_notebook(notebook)
        context.mlflow.delete(found)
        said += [f"{len(found)} run(s) of {notebook} went to MLflow's bin"] * bool(found)
    return said + answers.put_aside(context, NUMBER)


def _newest(found: list[Run], param: str) -> dict[str, float]:
    """The AUC of the newest run for each value of a param."""
    auc: dict[str, float] = {}
    for run in found:
        if param in run.params and "auc" in run.metrics:
            auc.setdefault(run.params[param], run.metrics["auc"])
    return auc


def _logged(task: str, found: dict[str, float], fewest: int, notebook: str) -> Finding:
    if len(found) < fewest:
        have = f"{len(found)} of {fewest} runs of {notebook} are there"
        return Finding(task, False, have, f"jupyter execute notebooks/{notebook}.ipynb")
    return Finding(task, True, ", ".join(f"{name} {auc:.3f}" for name, auc in found.items()))


def _helps(given: dict[str, str], groups: dict[str, float]) -> Finding:
    """The group that adds more to the schedule, from the runs."""
    if "helps" not in given:
        return answers.missing(NUMBER, "helps", _GROUP)
    alone = groups.get("schedule")
    gains = {
        name.removeprefix("schedule and "): auc - alone
        for name, auc in groups.items()
        if alone is not None and name.startswith("schedule and ")
    }
    said = given["helps"]
    if said not in gains:
        return Finding(_GROUP, False, f"{said!r} is none of {', '.join(gains) or 'the groups that were compared'}",
                       f"jupyter execute notebooks/{FEATURES}.ipynb")  # fmt: skip
    if gains[said] < max(gains.values()):
        return Finding(_GROUP, False, f"the {said} adds {gains[said]:+.4f} to the AUC, and another group adds more",
                       "compare the runs in MLflow, sorted by auc")  # fmt: skip
    return Finding(_GROUP, True, f"the {said} adds {gains[said]:+.4f} to the AUC of the schedule")


def _better(given: dict[str, str], algorithms: dict[str, float]) -> Finding:
    if "algorithm" not in given:
        return answers.missing(NUMBER, "algorithm", _ALGORITHM)
    said = given["algorithm"]
    if said not in algorithms:
        return Finding(_ALGORITHM, False, f"{said!r} is none of {', '.join(algorithms) or 'those that were compared'}",
                       f"jupyter execute notebooks/{MODELS}.ipynb")  # fmt: skip
    if algorithms[said] < max(algorithms.values()):
        return Finding(_ALGORITHM, False, f"{said} has an AUC of {algorithms[said]:.4f}, and the other a larger one",
                       "compare the runs in MLflow, sorted by auc")  # fmt: skip
    return Finding(_ALGORITHM, True, f"{said}, with an AUC of {algorithms[said]:.4f}")
