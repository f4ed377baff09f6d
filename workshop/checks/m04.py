"""Module 4, compare: MLflow has a run for each group of features and each algorithm; the answers match them."""

from __future__ import annotations

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.cluster.jsonhttp import NoAnswer
from workshop.cluster.mlflow import Run
from workshop.languages.catalog import N_, Sentence

NUMBER = "04"
FEATURES, MODELS = "03_compare_features", "04_compare_models"
_GROUPS, _ALGORITHMS = N_("MLflow has the groups of features"), N_("MLflow has both algorithms")
_GROUP, _ALGORITHM = N_("you know what helps"), N_("you know which algorithm is better")


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
        have = Sentence(
            "{count} of {fewest} runs of {notebook} are there", count=len(found), fewest=fewest, notebook=notebook
        )
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
        return Finding(
            _GROUP,
            False,
            Sentence(
                "{said!r} is none of {known}", said=said, known=", ".join(gains) or "the groups that were compared"
            ),
            f"jupyter execute notebooks/{FEATURES}.ipynb",
        )
    if gains[said] < max(gains.values()):
        return Finding(
            _GROUP,
            False,
            Sentence(
                "the {said} adds {gain:+.4f} to the AUC, and another group adds more", said=said, gain=gains[said]
            ),
            N_("compare the runs in MLflow, sorted by auc"),
        )
    return Finding(
        _GROUP, True, Sentence("the {said} adds {gain:+.4f} to the AUC of the schedule", said=said, gain=gains[said])
    )


def _better(given: dict[str, str], algorithms: dict[str, float]) -> Finding:
    if "algorithm" not in given:
        return answers.missing(NUMBER, "algorithm", _ALGORITHM)
    said = given["algorithm"]
    if said not in algorithms:
        return Finding(
            _ALGORITHM,
            False,
            Sentence(
                "{said!r} is none of {known}", said=said, known=", ".join(algorithms) or "those that were compared"
            ),
            f"jupyter execute notebooks/{MODELS}.ipynb",
        )
    if algorithms[said] < max(algorithms.values()):
        return Finding(
            _ALGORITHM,
            False,
            Sentence("{said} has an AUC of {auc:.4f}, and the other a larger one", said=said, auc=algorithms[said]),
            N_("compare the runs in MLflow, sorted by auc"),
        )
    return Finding(_ALGORITHM, True, Sentence("{said}, with an AUC of {auc:.4f}", said=said, auc=algorithms[said]))
