"""Module 7, tests and the gate: a test by the participant, a run that the gate stopped, and no leak on the branch.

Any test will do, in any file, that passes with the model and fails with a broken one.
"""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import yaml

from workshop.checks import runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, drop, git, has, keep_and_go, root, shown
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import condition, name_of

LEAKS = ("dep_delay",)
TRIAL = "cautious"
"""The branch on which the participant tries the threshold that the gate refuses."""
TESTS = "model/tests"
PLUGIN = Path(__file__).parent / "mutants" / "broken_model.py"
BROKEN = ("reversed", "constant")
"""The broken models of the plugin."""
PARAMS = "model/params.yaml"
_WRITTEN, _HOLDS, _CATCHES, _RED, _CLEAN = (
    N_("you have written a test"),
    N_("your test holds"),
    N_("your test fails with a broken model"),
    N_("the gate has stopped a run"),
    Sentence("{branch} trains without a leak", branch=BRANCH),
)


def check(context: CheckContext) -> list[Finding]:
    """The test in Git, its results, the failed run, the clean branch."""
    if not has(context, BRANCH):
        return [
            Finding(task, False, Sentence("there is no branch {branch}", branch=BRANCH), "workshop start 07")
            for task in (_WRITTEN, _HOLDS, _CATCHES, _RED, _CLEAN)
        ]
    return [*_test(context), _red(context), _clean(context)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Set the branch back to before the test; delete the trial's branch and its failed runs."""
    said = drop(context, TRIAL) if has(context, TRIAL) else []
    added = git(context, "rev-list", "--reverse", f"{root(context)}..{BRANCH}", "--", TESTS).partition("\n")[0]
    said += keep_and_go(context, BRANCH, f"{added}^") if added else []
    git(context, "switch", "--quiet", BRANCH)
    for run in runs.newest_first(context, runs.PIPELINE):
        if _refused(context, run):
            editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
            said.append(f"deleted the red run {name_of(run)}")
    return said


def _test(context: CheckContext) -> tuple[Finding, Finding, Finding]:
    own = own_tests(context)
    if not own:
        reason = Sentence("no commit of {branch} adds a test to {tests}", branch=BRANCH, tests=TESTS)
        first = Finding(_WRITTEN, False, reason, "git add your file, then git commit")
        return (
            first,
            Finding(_HOLDS, False, N_("it needs the test"), ""),
            Finding(_CATCHES, False, N_("it needs the test"), ""),
        )
    written = Finding(_WRITTEN, True, ", ".join(own))
    found, last = _outcomes(context, own)
    again = f"cd model && python -m pytest {own[0].removeprefix('model/')}"
    if not found["right"]:
        holds = Finding(_HOLDS, False, last, again)
    else:
        failed = [name for name, passed in found["right"].items() if not passed]
        said = (
            Sentence("{failed} fails", failed=failed[0])
            if failed
            else Sentence("{count} passed", count=len(found["right"]))
        )
        holds = Finding(_HOLDS, not failed, said, again if failed else "")
    if not holds.ok:
        return written, holds, Finding(_CATCHES, False, N_("it needs a test that holds"), "")
    caught = [model for model in BROKEN if not all(found[model].values())]
    if not caught:
        reason = Sentence("with a model that is {broken}, it passes too", broken=" or ".join(BROKEN))
        return written, holds, Finding(_CATCHES, False, reason, N_("assert how the answers for two flights differ"))
    return (
        written,
        holds,
        Finding(_CATCHES, True, Sentence("it fails when the model is {caught}", caught=" or ".join(caught))),
    )


def own_tests(context: CheckContext) -> list[str]:
    """The ids of the test functions that the branch has and the kit has not, as `file::function`."""
    listed = git(context, "diff", "--name-only", "--diff-filter=AM", root(context), BRANCH, "--", TESTS).splitlines()
    found = []
    for path in listed:
        if path.endswith(".py"):
            brought = set(_functions(shown(context, root(context), path)))
            names = _functions(shown(context, BRANCH, path))
            found += [f"{path}::{name}" for name in names if name not in brought]
    return found


def _functions(text: str) -> list[str]:
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return []
    return [one.name for one in body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")]


def _outcomes(context: CheckContext, own: list[str]) -> tuple[dict[str, dict[str, bool]], str]:
    """For each model of the plugin which tests passed, and the last line that pytest printed."""
    found: dict[str, dict[str, bool]] = {model: {} for model in ("right", *BROKEN)}
    paths = os.pathsep.join(part for part in (str(PLUGIN.parent), context.env.get("PYTHONPATH", "")) if part)
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        done = subprocess.run(
            [
                "python",
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "-p",
                PLUGIN.stem,
                "--no-header",
                "-q",
                f"--junit-xml={report}",
                *(one.removeprefix("model/") for one in own),
            ],
            cwd=context.clone / "model",
            env={**context.env, "PYTHONPATH": paths},
            text=True,
            capture_output=True,
            check=False,
        )
        cases = ElementTree.parse(report).iter("testcase") if report.exists() else ()  # noqa: S314 pytest wrote it
        for case in cases:
            name, _, model = str(case.get("name")).rstrip("]").partition("[")
            if model.rpartition("-")[2] in found:
                bad = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
                passed = found[model.rpartition("-")[2]]
                passed[name] = passed.get(name, True) and not bad
    said = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["it printed nothing"]
    return found, said[-1].strip("= ")


def _red(context: CheckContext) -> Finding:
    for run in runs.newest_first(context, runs.PIPELINE):
        if _refused(context, run):
            return Finding(_RED, True, Sentence("{run} went no further than the gate", run=name_of(run)))
    hint = f"workshop run tekton/runs/train-and-stage.yaml -p revision={TRIAL} -p deploy=false"
    return Finding(_RED, False, N_("no run has failed in the task gate"), hint)


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
            _CLEAN,
            False,
            Sentence("{params} on {branch} cannot be read", params=PARAMS, branch=BRANCH),
            f"git diff {root(context)[:8]} -- {PARAMS}",
        )
    leaking = [name for name in added if name in LEAKS]
    if leaking:
        return Finding(
            _CLEAN,
            False,
            Sentence("features.add on {branch} has {leaking}", branch=BRANCH, leaking=leaking[0]),
            Sentence("take it out of {params} and commit", params=PARAMS),
        )
    return Finding(_CLEAN, True, N_("features.add has nothing that is known only afterwards"))
