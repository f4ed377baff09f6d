"""Module 6, productize: the better settings are in the source, and the lock file records their run."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import Any

import yaml

from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, git, has, keep_and_go, root, shown
from workshop.checks.m05 import POINTER
from workshop.cluster.jsonhttp import NoAnswer
from workshop.languages.catalog import N_, Sentence

PARAMS, LOCK, CARD, SERVED = (
    "model/params.yaml",
    "model/dvc.lock",
    "model/models/serving/model.json",
    "model/models/serving/model.onnx",
)
_CHANGED, _LOCKED, _MADE, _LOGGED = (
    N_("the source has settings of yours"),
    N_("dvc.lock says that they were run"),
    N_("the model on your disk is the one they give"),
    N_("MLflow has that model's run"),
)


def check(context: CheckContext) -> list[Finding]:
    """One chain: from params.yaml and dvc.lock to the model and its run."""
    if not has(context, BRANCH):
        return [
            Finding(task, False, Sentence("there is no branch {branch}", branch=BRANCH), "workshop start 06")
            for task in (_CHANGED, _LOCKED, _MADE, _LOGGED)
        ]
    mine, theirs = _candidates(context, BRANCH), _candidates(context, root(context))
    changed = [
        f"{name}.{key} is {value}"
        for name, all_ in mine.items()
        for key, value in all_.items()
        if theirs.get(name, {}).get(key) != value
    ]
    if not changed:
        first = Finding(
            _CHANGED,
            False,
            Sentence("candidates in {params} on {branch} are as you found them", params=PARAMS, branch=BRANCH),
            f"git diff main -- {PARAMS}",
        )
    else:
        first = Finding(_CHANGED, True, ", ".join(changed))
    return [first, _locked(context, mine), *_model(context, mine)]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Set the branch back to the commit that added August, and delete DVC's run cache, so that training runs again."""
    brought = git(context, "log", "--diff-filter=A", "--format=%H", "-1", BRANCH, "--", POINTER)
    said = keep_and_go(context, BRANCH, brought) if brought else []
    cache = context.clone / "model" / ".dvc" / "cache" / "runs"
    if cache.exists():
        shutil.rmtree(cache)
        said.append("had DVC forget the stages that it ran; the data and the models stay in its cache")
    return said


def _candidates(context: CheckContext, commit: str) -> dict[str, dict[str, Any]]:
    try:
        found = yaml.safe_load(shown(context, commit, PARAMS))["candidates"]
        return {str(name): dict(values or {}) for name, values in found.items()}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {}


def _locked(context: CheckContext, mine: dict[str, dict[str, Any]]) -> Finding:
    text = shown(context, BRANCH, LOCK)
    if not text:
        return Finding(
            _LOCKED,
            False,
            Sentence("{lock} is in no commit of {branch}", lock=LOCK, branch=BRANCH),
            "cd model && dvc repro && git add dvc.lock",
        )
    try:
        stages = yaml.safe_load(text)["stages"]
        ran = {name: stages[f"train@{name}"]["params"]["params.yaml"][f"candidates.{name}"] for name in mine}
    except (yaml.YAMLError, KeyError, TypeError) as e:
        return Finding(_LOCKED, False, Sentence("{lock} has no {key}", lock=LOCK, key=e), "cd model && dvc repro")
    stale = [name for name, values in mine.items() if ran[name] != values]
    if stale:
        return Finding(
            _LOCKED,
            False,
            Sentence(
                "{candidate} was last run with other settings than {params} has", candidate=stale[0], params=PARAMS
            ),
            "cd model && dvc repro && git add dvc.lock, then commit",
        )
    return Finding(_LOCKED, True, Sentence("both candidates were run with what {params} says", params=PARAMS))


def _model(context: CheckContext, mine: dict[str, dict[str, Any]]) -> tuple[Finding, Finding]:
    try:
        card = json.loads((context.clone / CARD).read_text(encoding="utf-8"))
        digest = hashlib.sha256((context.clone / SERVED).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return (
            Finding(_MADE, False, Sentence("{card} or its model is not there", card=CARD), "cd model && dvc repro"),
            Finding(_LOGGED, False, N_("it needs the model"), ""),
        )
    name = card["candidate"]
    if card["onnx_sha256"] != digest or card["params"] != mine.get(name):
        made = Finding(
            _MADE,
            False,
            Sentence("{card} is of {name} with {params}", card=CARD, name=name, params=card["params"]),
            "cd model && dvc repro",
        )
    else:
        made = Finding(
            _MADE,
            True,
            Sentence(
                "{name}, AUC {auc:.4f} on month {test_month}",
                name=name,
                auc=card["metrics"]["auc"],
                test_month=card["test_month"],
            ),
        )
    try:
        runs = context.mlflow.runs(f"tags.onnx_sha256 = '{digest}'")
    except NoAnswer as e:
        return made, Finding(_LOGGED, False, str(e), context.where_things_are)
    if not runs:
        return made, Finding(
            _LOGGED,
            False,
            Sentence("no run has the model {digest}", digest=digest[:12]),
            "cd model && dvc repro --force",
        )
    return made, Finding(_LOGGED, True, Sentence("{name}, model {digest}", name=runs[0].name, digest=digest[:12]))
