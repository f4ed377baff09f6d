"""Module 9, the pipeline: a run that the participant started registered a model of their commit."""

from __future__ import annotations

from workshop.checks import runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, contains, git, has, root
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import labels_of, name_of, succeeded

_PUSHED, _GREEN, _BOTH = (
    N_("the Git server has your branch"),
    N_("a run that you started has registered a model"),
    N_("both candidates were trained in it"),
)
_HINT = f"workshop run tekton/runs/train-and-stage.yaml -p revision={BRANCH} -p deploy=false"


def check(context: CheckContext) -> list[Finding]:
    """The branch on the server, the run, its tasks."""
    if not has(context, f"origin/{BRANCH}"):
        pushed = Finding(
            _PUSHED, False, Sentence("origin has no {branch}", branch=BRANCH), f"git push -u origin {BRANCH}"
        )
    else:
        pushed = Finding(
            _PUSHED,
            True,
            Sentence("it ends with {commit}", commit=git(context, "log", "--format=%h %s", "-1", f"origin/{BRANCH}")),
        )
    run, why = _own(context)
    if run is None:
        return [pushed, Finding(_GREEN, False, why, _HINT), Finding(_BOTH, False, N_("it needs the run"), "")]
    commit = runs.results(run).get("commit", "")
    green = Finding(
        _GREEN,
        True,
        Sentence(
            "{run} registered version {version} of commit {commit}",
            run=name_of(run),
            version=runs.results(run).get("model-version", "?"),
            commit=commit[:8],
        ),
    )
    trained = [
        one["metadata"]["name"]
        for one in context.cluster.list("TaskRun", context.namespace("dev"))
        if labels_of(one).get("tekton.dev/pipelineRun") == name_of(run)
        and one["metadata"]["labels"].get("tekton.dev/pipelineTask") == "train"
        and succeeded(one)
    ]
    return [
        pushed,
        green,
        Finding(_BOTH, len(trained) >= 2, Sentence("{count} TaskRuns of train", count=len(trained)), _HINT),
    ]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Delete the runs that were started by hand for the participant's commits."""
    said = []
    for run in runs.newest_first(context, runs.PIPELINE):
        if runs.param(run, "revision") == BRANCH and not runs.pushed_by(run):
            editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
            said.append(f"deleted the run {name_of(run)}")
    return said


def _own(context: CheckContext) -> tuple[dict[str, object] | None, str]:
    """The newest successful run of a participant's commit that no push started, or why there is none."""
    why: str = Sentence(
        "no run of {pipeline} has succeeded for a commit of {branch}", pipeline=runs.PIPELINE, branch=BRANCH
    )
    first = root(context)
    for run in runs.newest_first(context, runs.PIPELINE):
        commit = runs.results(run).get("commit", "")
        if runs.pushed_by(run):
            continue
        if succeeded(run) and commit != first and contains(context, BRANCH, commit):
            return run, ""
        if runs.param(run, "revision") == BRANCH:
            why = runs.described(run)
    return None, why
