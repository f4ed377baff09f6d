"""Module 18, bring your own model: a project of the participant's own ran, is in staging and in production.

Any project that `workshop new` made will do, whatever its name and its data are.
"""

from __future__ import annotations

import csv
import shutil
import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from workshop.checks import answers, runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, drop, git, root, shown
from workshop.checks.serving import serving
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import Object, name_of, succeeded

NUMBER = "18"
FOLDER = "workshop/usecases"
NEAR = 0.02
"""A feature is right when it explains at most this much less than the one that explains most."""
BINS = 10
"""Bins of a number with more values than that."""
_MADE, _EXPLAINS, _RAN, _STAGED, _SERVES = (
    N_("you have a project of your own"),
    N_("you know which feature explains most"),
    N_("its run of train-and-stage went well"),
    N_("staging serves what the run built"),
    N_("production serves it"),
)
_NEW = "workshop new plane-seats --data planes.csv --target seats"


@dataclass(frozen=True)
class _Own:
    """A project of the participant: the branch that has it, its folder, and its two files as Git has them."""

    branch: str
    folder: str
    usecase: Mapping[str, Any]
    contract: Mapping[str, Any]

    @property
    def deployment(self) -> str:
        return str(self.usecase.get("deployment", ""))


def check(context: CheckContext) -> list[Finding]:
    """The project, the answer, the run, and what both stages serve."""
    own = _projects(context)
    if not own:
        later = [Finding(task, False, N_("it needs the project"), "") for task in (_EXPLAINS, _RAN, _STAGED, _SERVES)]
        return [
            Finding(
                _MADE, False, Sentence("no commit of yours has a folder of its own in {folder}", folder=FOLDER), _NEW
            ),
            *later,
        ]
    one = max(own, key=lambda found: bool(_ran(context, found)[0]))
    made = Finding(
        _MADE,
        True,
        Sentence("{folder} on {branch}, a {task}", folder=one.folder, branch=one.branch, task=one.usecase.get("task")),
    )
    return [made, _explains(context, one), *_served(context, one)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Delete the runs of the projects and their branches; the commits are kept under another name.

    Staging and production keep their digest and the records of their runs, as after module 11.
    """
    said = []
    for one in _projects(context):
        for run in _runs(context, one):
            editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
            said.append(f"deleted the run {name_of(run)}")
        if one.branch in ("main", BRANCH):
            said.append(f"left {one.folder} on {one.branch}, which has other work: git rm -r {one.folder} removes it")
            continue
        said += drop(context, one.branch)
        # What Git ignores: DVC's remote has the data, and `dvc repro` makes the rest.
        shutil.rmtree(context.clone / one.folder, ignore_errors=True)
    return said + answers.put_aside(context, NUMBER)


def _projects(context: CheckContext) -> list[_Own]:
    """The projects on the participant's branches that the kit did not bring."""
    brought = set(git(context, "ls-tree", "--name-only", root(context), f"{FOLDER}/").split())
    found = []
    for branch in git(context, "for-each-ref", "--format=%(refname:short)", "refs/heads").split():
        if branch.startswith("kept/"):
            continue
        for folder in git(context, "ls-tree", "--name-only", branch, f"{FOLDER}/").split():
            usecase, contract = (_read(context, branch, f"{folder}/{name}.yaml") for name in ("usecase", "contract"))
            if folder not in brought and usecase and contract:
                found.append(_Own(branch, folder, usecase, contract))
    return found


def _read(context: CheckContext, branch: str, path: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(shown(context, branch, path))
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _runs(context: CheckContext, one: _Own) -> list[Object]:
    return [run for run in runs.newest_first(context, runs.PIPELINE) if runs.param(run, "usecase") == one.folder]


def _ran(context: CheckContext, one: _Own) -> tuple[Object | None, str]:
    """The newest run that went well, or why there is none."""
    found = _runs(context, one)
    why = runs.described(found[0]) if found else Sentence("no run has usecase={folder}", folder=one.folder)
    return next((run for run in found if succeeded(run)), None), why


def _served(context: CheckContext, one: _Own) -> list[Finding]:
    again = f"workshop run {one.folder}/runs/train-and-stage.yaml -p revision={one.branch}"
    run, why = _ran(context, one)
    if run is None:
        return [Finding(_RAN, False, why, again),
                *(Finding(task, False, N_("it needs the run"), "") for task in (_STAGED, _SERVES))]  # fmt: skip
    built = {runs.results(each).get("image-digest", "") for each in _runs(context, one) if succeeded(each)}
    findings = [Finding(_RAN, True, name_of(run))]
    for task, stage, hint in (
        (_STAGED, "staging", again),
        (_SERVES, "production", f"workshop promote --usecase {one.folder}, then workshop approve --timeout 120"),
    ):
        there = serving(context, stage, one.deployment)
        if there & built:
            findings.append(Finding(task, True, sorted(there & built)[0][:19]))
        else:
            what = sorted(there)[0][:19] if there else Sentence("nothing")
            findings.append(
                Finding(
                    task,
                    False,
                    Sentence(
                        "{stage} serves {what} of {deployment}", stage=stage, what=what, deployment=one.deployment
                    ),
                    hint,
                )
            )
    return findings


def _explains(context: CheckContext, one: _Own) -> Finding:
    given = answers.answers(context, NUMBER)
    if "explains_most" not in given:
        return answers.missing(NUMBER, "explains_most", _EXPLAINS)
    columns = f"cd {one.folder} && python -m delivery.tabular columns"
    try:
        shares = _shares(context, one)
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        return Finding(
            _EXPLAINS,
            False,
            Sentence("the data of {folder} cannot be read: {error}", folder=one.folder, error=error),
            "dvc pull in its folder",
        )
    said = given["explains_most"]
    if said not in shares or shares[said] < max(shares.values()) - NEAR:
        return Finding(
            _EXPLAINS, False, Sentence("you say {said}, and another feature explains more", said=said), columns
        )
    return Finding(_EXPLAINS, True, Sentence("{said}, {share:.2f} of the label", said=said, share=shares[said]))


def _shares(context: CheckContext, one: _Own) -> dict[str, float]:
    """For each feature the correlation ratio (eta squared) with the label."""
    columns = {str(each["name"]): each for each in one.contract["columns"]}
    label = next(name for name, each in columns.items() if each.get("role") == "label")
    features = [name for name, each in columns.items() if each.get("role", "feature") == "feature"]
    with (context.clone / one.folder / one.contract["file"]).open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row[label]]
    positive = one.contract.get("positive")
    truth = [float(row[label] == str(positive)) if positive is not None else float(row[label]) for row in rows]
    whole = statistics.pvariance(truth)
    groups = {name: _groups([row[name] for row in rows], columns[name]["type"]) for name in features}
    return {name: _share(found, truth) / whole for name, found in groups.items()}


def _groups(values: Sequence[str], kind: str) -> Sequence[Any]:
    if kind == "string" or len(set(values)) <= BINS:
        return values
    known = sorted(float(value) for value in values if value)
    edges = [known[at * len(known) // BINS] for at in range(1, BINS)]
    return [bisect_left(edges, float(value)) if value else None for value in values]


def _share(groups: Sequence[Any], truth: Sequence[float]) -> float:
    """The variance of the label's means by group."""
    by: dict[Any, list[float]] = defaultdict(list)
    for group, value in zip(groups, truth, strict=True):
        by[group].append(value)
    mean = statistics.fmean(truth)
    return sum(len(each) * (statistics.fmean(each) - mean) ** 2 for each in by.values()) / len(truth)
