"""What the tasks of a pipeline do, for Tekton and for Argo alike: fetch, one for each stage, publish.

All share one folder, `repository` in their workspace, with one clone and one cache. Several `dvc repro --single-item`
may run in one project at a time: DVC locks its own files, and not the project while a command runs.
A remote cannot carry all that a later stage needs. Outputs with `cache: false` are in Git. DVC's run cache leaves out
stages without dependencies and stages with `always_changed`, and an HTTP remote has no run cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from fromdvc.project import Project, Stage

SHELL = "#!/usr/bin/env bash\nset -euo pipefail\n"
PYTHON = "#!/usr/bin/env python3\n"

RESULTS = {
    "commit": "The commit, 40 hexadecimal digits.",
    "branch": "The branch that has it.",
    "params": "The params that the stage was run with, as JSON.",
    "metrics": "What its metrics files have, as JSON; without them {}.",
    "plots": "The files of its plots, as JSON.",
}


MOST_RESULTS = 300
"""Results of stages that a pipeline shows. Each may have 800 bytes, see scripts/results.py."""


@dataclass(frozen=True)
class Part:
    """One script of a task."""

    name: str
    text: str
    """Without its first lines: SHELL or PYTHON."""
    python: bool = False
    args: tuple[str, ...] = ()
    login: bool = False
    """Whether it speaks to the Git server."""


@dataclass(frozen=True)
class Work:
    """One kind of task: its parts run one after the other."""

    name: str
    description: str
    parts: tuple[Part, ...]
    params: dict[str, tuple[str, str | None]]
    """Name to description and default; None for a param that must be given."""
    results: tuple[str, ...]


@dataclass(frozen=True)
class Options:
    """What a person chooses about a pipeline."""

    name: str
    image: str
    config_maps: tuple[str, ...] = ()
    """ConfigMaps and Secrets whose keys become variables of every task, if they exist."""
    secrets: tuple[str, ...] = ()
    git_login: str = "git-login"
    """The Secret whose key `password` is the password at the Git server, if it exists."""
    storage: str = "5Gi"
    """The size of the volume of an Argo Workflow. A PipelineRun brings its own volume."""


def fetch(project: Project) -> Work:
    """Clone, and pull what the stages read and write."""
    return Work(
        name="fetch",
        description="Clones one revision into the workspace and pulls what DVC tracks for its stages.",
        parts=(Part("fetch", _text("safe.sh", "login.sh", "fetch.sh"), args=project.tracked, login=True),),
        params={
            "url": ("The repository; empty means the variable GIT_URL.", ""),
            "revision": ("Branch, tag or commit.", "main"),
        },
        results=("commit",),
    )


def stage_work() -> Work:
    """One stage, unless it is unchanged."""
    return Work(
        name="stage",
        description="Reproduces one stage of the dvc.yaml, unless it is unchanged.",
        parts=(
            Part("reproduce", _text("safe.sh", "reproduce.sh")),
            Part("results", _text("results.py"), python=True),
        ),
        params={
            "stage": ("The stage, as dvc repro takes it.", None),
            "metrics": ("Its metrics files, as JSON.", "[]"),
            "plots": ("The files of its plots, as JSON.", "[]"),
        },
        results=("params", "metrics", "plots"),
    )


def publish(project: Project) -> Work:
    """Push the outputs, commit dvc.lock."""
    return Work(
        name="publish",
        description=(
            "Pushes the outputs to the DVC remote, and dvc.lock with the outputs that Git keeps to the branch. After a "
            "failure, or when the branch has moved, the commit goes to the branch dvc/<run>."
        ),
        parts=(
            Part("push", _text("safe.sh", "push.sh"), args=project.tracked),
            Part("order", _text("order.py"), python=True),
            Part("commit", _text("safe.sh", "login.sh", "commit.sh"), args=project.in_git, login=True),
        ),
        params={
            "branch": ("The branch that gets the commit.", "main"),
            "run": ("The name of the run.", None),
            "status": ("How the stages ended, as Tekton says it.", None),
        },
        results=("branch", "commit"),
    )


def stage_params(stage: Stage) -> dict[str, str]:
    """The params of a stage's task; those with their default are left out."""
    lists = {"metrics": stage.metrics, "plots": stage.plots}
    return {"stage": stage.name, **{name: json.dumps(paths) for name, paths in lists.items() if paths}}


def stage_results(project: Project, names: Mapping[str, str]) -> list[tuple[str, str, Stage]]:
    """The task, the result and the stage of each result that a whole pipeline shows.

    Empty for so many that the run could exceed the size of an object: each task shows its own anyway.
    """
    found = [(names[stage.name], result, stage) for stage in project.stages for result in stage.results]
    return found if len(found) <= MOST_RESULTS else []


def _text(*names: str) -> str:
    folder = files("fromdvc") / "scripts"
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)
