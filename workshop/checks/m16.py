"""Module 16, retrain: alerts may start a run, one has gone to staging, main has its commits, production was asked."""

from __future__ import annotations

from delivery.repository import SKIP

from workshop.checks import production, runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import contains, git
from workshop.checks.pushes import bring_main_back
from workshop.checks.serving import serving
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import Object, annotations_of, name_of, status_of, succeeded

TRIGGER = "retrain"
ASKED_BY = "mlops-workshop/asked-by"
_CONNECTED, _RAN, _STAGED, _HOME, _ANSWERED = (
    N_("an alert may start a retraining"),
    N_("a retraining went well"),
    N_("staging serves its model"),
    N_("your main has its commits"),
    N_("a person has answered its request to production"),
)


def check(context: CheckContext) -> list[Finding]:
    """The Trigger, the newest run, and what became of it."""
    connected = _connected(context)
    run, why = _ran(context)
    if run is None:
        return [
            connected,
            Finding(_RAN, False, why, "workshop run tekton/runs/retrain.yaml"),
            *(Finding(task, False, N_("it needs the run"), "") for task in (_STAGED, _HOME, _ANSWERED)),
        ]
    ran = Finding(_RAN, True, name_of(run))
    return [connected, ran, _staged(context, run), _home(context, run), _answered(context, run)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Take the Trigger away; reject what waits; set main back to before the runs, and delete them."""
    said = []
    if context.cluster.find("Trigger", context.namespace("dev"), TRIGGER) is not None:
        editor.delete("Trigger", context.namespace("dev"), TRIGGER, missing_ok=True)
        said.append("deleted the Trigger: alerts start nothing")
    for run in runs.newest_first(context, runs.RETRAIN):
        asked = _promotion(context, run)
        approval = asked and _approval(context, asked)
        if approval and status_of(approval).get("state") == "pending":
            said.append(production.reject(context, name_of(approval), "module 16 was taken back"))
        commit = runs.results(run).get("commit", "")
        git(context, "fetch", "--quiet", "origin")
        if contains(context, "origin/main", commit):
            # Without a new period, the run has trained on a commit of the participant, which stays.
            own = SKIP in git(context, "log", "-1", "--format=%B", commit)
            said += bring_main_back(context, editor, f"{commit}^" if own else commit)
        editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
        said.append(f"deleted the run {name_of(run)}")
    return said


def _connected(context: CheckContext) -> Finding:
    if context.cluster.find("Trigger", context.namespace("dev"), TRIGGER) is None:
        hint = f"oc apply -f tekton/alerts/retrain.yaml -n {context.namespace('dev')}"
        return Finding(
            _CONNECTED,
            False,
            Sentence("{namespace} has no Trigger {trigger}", namespace=context.namespace("dev"), trigger=TRIGGER),
            hint,
        )
    return Finding(
        _CONNECTED,
        True,
        Sentence("the Trigger {trigger} is in {namespace}", trigger=TRIGGER, namespace=context.namespace("dev")),
    )


def _ran(context: CheckContext) -> tuple[Object | None, str]:
    why = N_("there is no run of retrain")
    for run in runs.newest_first(context, runs.RETRAIN):
        if succeeded(run):
            return run, ""
        why = runs.described(run)
    return None, why


def _staged(context: CheckContext, run: Object) -> Finding:
    there, built = serving(context, "staging"), runs.results(run).get("image-digest", "")
    if built not in there:
        shown = sorted(there)[0][:19] if there else Sentence("nothing")
        return Finding(
            _STAGED, False, Sentence("staging serves {shown}", shown=shown), "workshop run tekton/runs/retrain.yaml"
        )
    return Finding(_STAGED, True, built[:19])


def _home(context: CheckContext, run: Object) -> Finding:
    commit = runs.results(run).get("commit", "")
    if not contains(context, "main", commit):
        branch = runs.results(run).get("branch", "main")
        hint = "git switch main && git pull" + ("" if branch == "main" else f" && git merge origin/{branch}")
        return Finding(_HOME, False, Sentence("main of your clone does not have {commit}", commit=commit[:9]), hint)
    return Finding(_HOME, True, git(context, "log", "-1", "--format=%h %s", commit))


def _answered(context: CheckContext, run: Object) -> Finding:
    asked = _promotion(context, run)
    if asked is None:
        return Finding(_ANSWERED, False, Sentence("{run} has asked for nothing", run=name_of(run)), "workshop promote")
    approval = _approval(context, asked)
    state = str(status_of(approval).get("state") or "pending") if approval else "not there yet"
    if state not in ("approved", "rejected"):
        return Finding(
            _ANSWERED,
            False,
            Sentence("the approval of {run} is {state}", run=name_of(asked), state=state),
            "workshop approve",
        )
    return Finding(_ANSWERED, True, Sentence("the approval of {run} is {state}", run=name_of(asked), state=state))


def _promotion(context: CheckContext, run: Object) -> Object | None:
    """Production's run that this run has asked for."""
    found = runs.newest_first(context, runs.PROMOTE)
    return next((one for one in found if annotations_of(one).get(ASKED_BY) == name_of(run)), None)


def _approval(context: CheckContext, run: Object) -> Object | None:
    tasks = context.cluster.list("ApprovalTask", context.namespace("production"))
    return next((one for one in tasks if name_of(one).startswith(f"{name_of(run)}-")), None)
