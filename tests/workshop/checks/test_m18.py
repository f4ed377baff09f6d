"""Module 18 takes any project of the participant's own, and its reset keeps the commits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workshop.checks.test_m16 import Editable, git
from workshop.checks import CheckContext, Finding
from workshop.checks.m18 import check, reset
from workshop.participants.names import Participant

FOLDER = "workshop/usecases/shop"
COLUMNS = [
    {"name": "size", "type": "integer", "role": "feature"},
    {"name": "color", "type": "string", "role": "feature"},
    {"name": "sold", "type": "string", "role": "label"},
]
DIGEST = f"sha256:{5:064x}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone that has a use case of the kit, and on a branch a project of a shop: red things are sold."""
    folder = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", "clone")
    git(folder, "remote", "add", "origin", str(tmp_path / "server.git"))
    write(folder / "workshop/usecases/cars/usecase.yaml", {"deployment": "cars", "task": "regression"})
    write(folder / "workshop/usecases/cars/contract.yaml", {"file": "data/cars.csv", "columns": COLUMNS})
    commit(folder, "The kit")
    git(folder, "push", "--quiet", "origin", "main")
    git(folder, "switch", "--quiet", "--create", "shop")
    write(folder / FOLDER / "usecase.yaml", {"deployment": "shop", "task": "classification"})
    write(folder / FOLDER / "contract.yaml", {"file": "data/shop.csv", "positive": "yes", "columns": COLUMNS})
    (folder / ".git/info/exclude").write_text("/workshop/usecases/*/data\n")
    commit(folder, "My shop")
    git(folder, "switch", "--quiet", "main")
    data = folder / FOLDER / "data"
    data.mkdir(parents=True)
    rows = [f"{at % 30},{('red', 'blue')[at % 2]},{('yes', 'no')[at % 2]}" for at in range(60)]
    (data / "shop.csv").write_text("size,color,sold\n" + "\n".join(rows) + "\n")
    return folder


def write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content))


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def cluster() -> Editable:
    """A run of the project went well, and both stages serve its image."""
    made = Editable()
    params = [{"name": "usecase", "value": FOLDER}]
    status = {
        "conditions": [{"type": "Succeeded", "status": "True"}],
        "results": [{"name": "image-digest", "value": DIGEST}],
    }
    spec = {"pipelineRef": {"name": "train-and-stage"}, "params": params}
    made.put("PipelineRun", "user1-dev", "shop-1", spec=spec, status=status)
    container = {"image": f"registry/shop@{DIGEST}"}
    predictor = {"name": "main", "componentSpecs": [{"spec": {"containers": [container]}}]}
    for stage in ("staging", "production"):
        served = {"spec": {"predictors": [predictor]}, "status": {"state": "Available"}}
        made.put("SeldonDeployment", f"user1-{stage}", "shop", **served)
    return made


def found(cluster: Editable, clone: Path) -> list[Finding]:
    return check(CheckContext(cluster, Participant("user1").variables({}), clone))


def answer(clone: Path, name: str) -> None:
    write(clone / "answers/18.yaml", {"explains_most": name})


def test_a_project_of_any_name_on_any_branch_will_do(cluster: Editable, clone: Path) -> None:
    answer(clone, "color")
    assert [one.reason for one in found(cluster, clone) if not one.ok] == []


@pytest.mark.parametrize("said", ["size", "sold", "nothing"])
def test_a_feature_that_explains_less_is_refused(cluster: Editable, clone: Path, said: str) -> None:
    answer(clone, said)
    (left,) = [one for one in found(cluster, clone) if not one.ok]
    assert left.reason == f"you say {said}, and another feature explains more"


def test_another_image_in_production_is_refused(cluster: Editable, clone: Path) -> None:
    answer(clone, "color")
    cluster.held["SeldonDeployment", "user1-production", "shop"]["spec"]["predictors"] = []
    (left,) = [one for one in found(cluster, clone) if not one.ok]
    assert left.reason == "production serves nothing of shop"
    assert left.hint.startswith(f"workshop promote --usecase {FOLDER}")


def test_what_the_kit_brings_is_no_project_of_ones_own(cluster: Editable, clone: Path) -> None:
    git(clone, "branch", "--quiet", "-D", "shop")
    first, *others = found(cluster, clone)
    assert (first.ok, first.reason) == (False, "no commit of yours has a folder of its own in workshop/usecases")
    assert not any(one.ok for one in others)


def test_a_reset_keeps_the_commits_under_another_name(cluster: Editable, clone: Path) -> None:
    made = git(clone, "rev-parse", "shop")
    said = reset(CheckContext(cluster, Participant("user1").variables({}), clone), cluster)
    assert "deleted the run shop-1" in said
    assert not (clone / FOLDER).exists()
    assert git(clone, "rev-parse", f"kept/shop-{made[:7]}") == made
    assert not found(cluster, clone)[0].ok


def test_a_reset_leaves_a_branch_that_has_other_work(cluster: Editable, clone: Path) -> None:
    git(clone, "branch", "--quiet", "--move", "shop", "mine")
    said = reset(CheckContext(cluster, Participant("user1").variables({}), clone), cluster)
    assert f"left {FOLDER} on mine, which has other work: git rm -r {FOLDER} removes it" in said
    assert git(clone, "rev-parse", "mine")
