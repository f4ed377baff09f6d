"""The functions of `delivery.usecase.Comparing` for a project.

Without sets of its own in params.yaml, a project compares all features with all but one: what each adds to the others.

    comparison:
      feature_sets:
        engine: [cylinders, displacement, horsepower]
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from delivery.errors import DeliveryError
from delivery.tabular.contract import FEATURE, UNUSED, Contract
from delivery.tabular.explaining import explained
from delivery.tabular.project import PARAMS, Project
from delivery.usecase import Compared

MOST = 8
"""Features that are left out in turn: those that explain most of the label alone."""


def feature_sets() -> dict[str, list[str]]:
    """The sets of params.yaml, else all features, and all but one for each of the MOST that explain most."""
    project = Project.of()
    features = list(project.contract.features)
    own = (project.params.get("comparison") or {}).get("feature_sets")
    if own is not None:
        return _checked(own, features)
    learning = project.rows.learning
    best = [name for name, _ in explained(project.contract, learning, project.truth(learning))][:MOST]
    without = {f"without {name}": [one for one in features if one != name] for name in best if len(features) > 1}
    return {"all": features, **without}


def _checked(own: object, features: Sequence[str]) -> dict[str, list[str]]:
    where = f"{PARAMS}: comparison.feature_sets"
    if not isinstance(own, dict) or not own or not all(isinstance(one, list) and one for one in own.values()):
        raise DeliveryError(f"{where}: got {own!r}, allowed: lists of features by name")
    for name, given in own.items():
        for one in given:
            if one not in features:
                raise DeliveryError(f"{where}.{name}: got {one!r}, allowed: {', '.join(features)}")
    return {str(name): list(map(str, given)) for name, given in own.items()}


def candidates() -> list[str]:
    """The candidates of params.yaml."""
    return list(Project.of().params["candidates"])


def compared(variant: str, candidate: str, features: Sequence[str]) -> Compared:
    """A candidate trained with these features, or with all, and tested on the test rows."""
    # Imported here: only training needs it.
    from threadpoolctl import threadpool_limits

    project = Project.of()
    if features:
        project = replace(project, contract=_only(project.contract, features))
    learning, test = project.rows
    learner = project.learner(candidate)
    started = time.perf_counter()
    with threadpool_limits(1):
        learner.fit(project.features(learning), project.truth(learning))
        answers = learner.predict(project.features(test))
    seconds = time.perf_counter() - started
    actual = project.truth(test)
    quality = project.score(actual, answers, float(project.truth(learning).mean()))
    about = {**(project.params["candidates"][candidate] or {}), "every": project.params["split"]["every"]}
    return Compared(variant, candidate, project.contract.features, about, quality, actual, answers, seconds)


def _only(contract: Contract, features: Sequence[str]) -> Contract:
    """The contract with these features alone; other columns stay in the file, unused."""
    columns = tuple(
        replace(one, role=UNUSED) if one.role == FEATURE and one.name not in features else one
        for one in contract.columns
    )
    return replace(contract, columns=columns)
