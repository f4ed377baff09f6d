"""Module 7, tests and the gate: a test by the participant, a run that the gate stopped, and no leak on the branch."""

from __future__ import annotations

import subprocess

import yaml

from workshop.checks import runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, drop, git, has, keep_and_go, root, shown
from workshop.manifests.objects import condition, name_of

LEAKS = ("dep_delay",)
TRIAL = "cautious"
"""The branch on which the participant tries the threshold that the gate refuses."""
TEST = "model/tests/behaviour/test_weekend.py"
PARAMS = "model/params.yaml"
_WRITTEN, _HOLDS, _RED, _CLEAN = (
    "you have written a test",
    "your test holds",
    "the gate has stopped a run",
    f"{BRANCH} trains without a leak",
)


def check(context: CheckContext) -> list[Finding]:
    """The test in Git, its result, the failed run, the clean branch."""
    if not has(context, BRANCH):
        return [Finding(task, False, f"there is no branch {BRANCH}", "workshop start 07") for task in
                (_WRITTEN, _HOLDS, _RED, _CLEAN)]  # fmt: skip
    return [*_test(context), _red(context), _clean(context)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Set the branch back to before the test; delete the trial's branch and its failed runs."""
    said = drop(context, TRIAL) if has(context, TRIAL) else []
    added = git(context, "log", "--diff-filter=A", "--format=%H", "-1", BRANCH, "--", TEST)
    said += keep_and_go(context, BRANCH, f"{added}^") if added else []
    git(context, "switch", "--quiet", BRANCH)
    for run in runs.newest_first(context, runs.PIPELINE):
        if _refused(context, run):
            editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
            said.append(f"deleted the red run {name_of(run)}")
    return said


def _test(context: CheckContext) -> tuple[Finding, Finding]:
    text = shown(context, BRANCH, TEST)
    if not text:
        there = Finding(_WRITTEN, False, f"{TEST} is in no commit of {BRANCH}", f"git add {TEST}, then git commit")
        return there, Finding(_HOLDS, False, "it needs the test", "")
    if "assert" not in text or "served" not in text:
        there = Finding(
            _WRITTEN, False, f"{TEST} asserts nothing about the served model", "a test that cannot fail is none"
        )
        return there, Finding(_HOLDS, False, "it proves nothing", "")
    commit = git(context, "log", "--format=%h", "-1", BRANCH, "--", TEST)
    written = Finding(_WRITTEN, True, f"commit {commit}")
    if not (context.clone / TEST).exists():
        return written, Finding(_HOLDS, False, f"{TEST} is not on your disk", f"git switch {BRANCH}")
    done = subprocess.run(
        ["python", "-m", "pytest", "-p", "no:cacheprovider", "--no-header", TEST.removeprefix("model/")],
        cwd=context.clone / "model", env=dict(context.env) or None, text=True, capture_output=True, check=False,
    )  # fmt: skip
    last = (done.stdout.strip().splitlines() or ["it printed nothing"])[-1]
    hint = "" if done.returncode == 0 else f"cd model && python -m pytest {TEST.removeprefix('model/')}"
    return written, Finding(_HOLDS, done.returncode == 0, last.strip("= "), hint)


def _red(context: CheckContext) -> Finding:
    for run in runs.newest_first(context, runs.PIPELINE):
        if _refused(context, run):
            return Finding(_RED, True, f"{name_of(run)} went no further than the gate")
    hint = f"workshop run tekton/runs/train-and-stage.yaml -p revision={TRIAL} -p deploy=false"
    return Finding(_RED, False, "no run has failed in the task gate", hint)


def _refused(context: CheckContext, run: dict[str, object]) -> bool:
    if condition(run).get("status") != "False":
        return False
    gate = runs.task_runs(context, run).get("gate")
    return gate is not None and condition(gate).get("status") == "False"


def _clean(context: CheckContext) -> Finding:
    try:
        added = yaml.safe_load(shown(context, BRANCH, PARAMS))["features"]["add"] or []
    except (yaml.YAMLError, KeyError, TypeError):
        return Finding(
            _CLEAN, False, f"{PARAMS} on {BRANCH} cannot be read", f"git diff {root(context)[:8]} -- {PARAMS}"
        )
    leaking = [name for name in added if name in LEAKS]
    if leaking:
        return Finding(
            _CLEAN, False, f"features.add on {BRANCH} has {leaking[0]}", f"take it out of {PARAMS} and commit"
        )
    return Finding(_CLEAN, True, "features.add has nothing that is known only afterwards")
