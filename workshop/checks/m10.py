"""Module 10, push: main has the participant's commits, a push started the run, and staging serves its image.

One of the runs has made a model that is good enough and small enough, whatever its settings are.
"""

from __future__ import annotations

from workshop.checks import runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, git, root
from workshop.checks.pushes import bring_main_back
from workshop.checks.serving import serving
from workshop.cluster.jsonhttp import NoAnswer
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import Object, annotations_of, name_of, succeeded
from workshop.usecase import DEPLOYMENT

COMMIT = "mlops-workshop/commit"
AUC, BYTES = 0.755, 500_000
"""Of a model that is good enough and small enough, on the test month."""
_MERGED, _RAN, _STAGED, _GOOD = (
    N_("main on the Git server has your work"),
    N_("your push has started a run, and it went well"),
    N_("staging serves the image of that run"),
    Sentence("a model of yours came to staging with an AUC of {auc} and at most {bytes:,} bytes", auc=AUC, bytes=BYTES),
)


def check(context: CheckContext) -> list[Finding]:
    """Merged, ran, staged, and good."""
    first = root(context)
    own = [commit for commit in git(context, "rev-list", "origin/main").split() if commit != first]
    if not own:
        hint = f"git switch main && git merge {BRANCH} && git push origin main"
        return [
            Finding(_MERGED, False, N_("origin/main is as you found it"), hint),
            *(Finding(task, False, N_("it needs the push"), "") for task in (_RAN, _STAGED, _GOOD)),
        ]
    merged = Finding(
        _MERGED,
        True,
        Sentence("it ends with {commit}", commit=git(context, "log", "--format=%h %s", "-1", "origin/main")),
    )
    good = [
        r
        for r in runs.newest_first(context, runs.PIPELINE)
        if runs.pushed_by(r) and succeeded(r) and runs.results(r).get("commit") in own
    ]
    if not good:
        return [
            merged,
            Finding(_RAN, False, _why(context, own), "workshop follow"),
            *(Finding(task, False, N_("it needs the run"), "") for task in (_STAGED, _GOOD)),
        ]
    ran = Finding(_RAN, True, Sentence("{run}, pushed by {who}", run=name_of(good[0]), who=runs.pushed_by(good[0])))
    return [merged, ran, _staged(context, good), _good(context, good)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Set main back to the participant's start, here and on the server; stop the run that this starts."""
    return bring_main_back(context, editor, root(context))


def _why(context: CheckContext, own: list[str]) -> str:
    for run in runs.newest_first(context, runs.PIPELINE):
        if annotations_of(run).get(COMMIT) in own:
            return runs.described(run)
    return N_("no push of a commit of yours has started a run")


def _staged(context: CheckContext, good: list[Object]) -> Finding:
    there = serving(context, "staging")
    # A retraining (module 16) starts from these commits and takes its own image to staging.
    later = [run for run in runs.newest_first(context, runs.RETRAIN) if succeeded(run)]
    built = {runs.results(run).get("image-digest", "") for run in [*good, *later]}
    if not there:
        return Finding(_STAGED, False, N_("staging serves nothing"), f"oc get sdep -n {context.namespace('staging')}")
    if not there & built:
        return Finding(
            _STAGED,
            False,
            Sentence("staging serves {digest}, which came out of no push of yours", digest=sorted(there)[0][:19]),
            N_("push again, or: workshop run tekton/runs/train-and-stage.yaml"),
        )
    return Finding(_STAGED, True, f"{sorted(there & built)[0][:19]}")


def _good(context: CheckContext, good: list[Object]) -> Finding:
    """The best of the runs' models, by what the pipeline has logged of them."""
    seen = []
    try:
        for version in {runs.results(run).get("model-version", "") for run in good} - {""}:
            found = context.mlflow.run_of_version(DEPLOYMENT, version).metrics
            if {"auc", "onnx_bytes"} <= set(found):
                seen.append((found["auc"], found["onnx_bytes"], version))
    except NoAnswer as e:
        return Finding(_GOOD, False, str(e), context.where_things_are)
    if not seen:
        return Finding(_GOOD, False, N_("MLflow has no metrics of the versions of your runs"), "workshop follow")
    auc, size, version = max(seen, key=lambda one: (one[0] >= AUC and one[1] <= BYTES, one))
    said = Sentence("version {version}: AUC {auc:.4f}, {size:,.0f} bytes", version=version, auc=auc, size=size)
    if auc < AUC or size > BYTES:
        return Finding(
            _GOOD,
            False,
            said,
            Sentence("other settings of the candidates in model/params.yaml, on {branch}; push", branch=BRANCH),
        )
    return Finding(_GOOD, True, said)
