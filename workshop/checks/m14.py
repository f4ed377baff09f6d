"""Module 14, decide: production runs one model, and the history records a rollback, a return, and the reasons."""

from __future__ import annotations

import json

from workshop.checks import production, runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.m13 import AB_TEST, CANDIDATES
from workshop.checks.serving import digests_of, state_of
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import Object, name_of, succeeded
from workshop.usecase import DEPLOYMENT

HISTORY, KEY = f"{DEPLOYMENT}-history", "history.json"
SHADOW = "shadow"
ROLLED_BACK, TESTED = "rolled-back", "ab-test"
"""Values of the field `cause` of an entry, as delivery/history.py writes it."""
_ALONE, _SHADOW, _BACK, _KNOWN = (
    N_("production runs one model"),
    N_("a model has run as a shadow"),
    N_("production went back, and came again"),
    N_("the history ends with what production runs"),
)


def check(context: CheckContext) -> list[Finding]:
    """The running model, the shadow's run, the rollback and return, and the history."""
    found = context.cluster.find("SeldonDeployment", context.namespace("production"), DEPLOYMENT)
    entries = _entries(context)
    return [_alone(found), _shadow(context), _back(entries), _known(found, entries)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Remove the shadow; production runs what was promoted last, with the test of module 13 if there was one.

    The history is not changed.
    """
    said = []
    for run in runs.newest_first(context, SHADOW):
        editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
        said.append(f"deleted the run {name_of(run)}")
    names = production.predictors(context)
    if not names or set(names) == set(CANDIDATES):
        return said
    present, promoted = _production(_entries(context))
    if names != ["main"] or present != promoted:
        said.append(production.roll_back(context, "module 14 was taken back", promoted))
    for run in runs.newest_first(context, AB_TEST):
        built = runs.results(runs.task_runs(context, run).get("build-image", {}))
        if succeeded(run) and built:
            version = runs.results(run)["model-version"]
            said.append(production.begin_test(context, built["IMAGE_URL"], built["IMAGE_DIGEST"], version))
            break
    return said


def _production(entries: list[dict[str, str]]) -> tuple[str, str]:
    """The digest that production runs by its history, and the one that it ran before this module."""
    was = [one for one in entries if one.get("since")]
    promoted = [one["digest"] for one in was if one.get("cause") != ROLLED_BACK]
    return (was[-1]["digest"] if was else ""), (promoted[-1] if promoted else "")


def _entries(context: CheckContext) -> list[dict[str, str]]:
    found = context.cluster.find("ConfigMap", context.namespace("production"), HISTORY)
    try:
        return list(json.loads(((found or {}).get("data") or {})[KEY])["entries"])
    except (KeyError, ValueError):
        return []


def _alone(found: Object | None) -> Finding:
    names = [p["name"] for p in (found or {}).get("spec", {}).get("predictors") or []]
    if found is None or names != ["main"] or state_of(found) != "Available":
        return Finding(
            _ALONE,
            False,
            Sentence("it runs {names}", names=" and ".join(names) or Sentence("nothing")),
            N_("workshop rollback --because '...' ends it"),
        )
    return Finding(_ALONE, True, N_("main, Available"))


def _shadow(context: CheckContext) -> Finding:
    for run in runs.newest_first(context, runs.EXPERIMENT):
        if succeeded(run) and runs.param(run, "kind") == SHADOW:
            return Finding(_SHADOW, True, name_of(run))
    hint = "workshop run tekton/runs/shadow.yaml -p model-version=..., then workshop approve"
    return Finding(_SHADOW, False, N_("production has started no shadow"), hint)


def _back(entries: list[dict[str, str]]) -> Finding:
    """Two entries of rollbacks with a reason, to two digests, since the newest A/B test ended."""
    ends = [at for at, e in enumerate(entries) if e.get("cause") == TESTED]
    since = entries[ends[-1] + 1 if ends else 0 :]
    drills = [e for e in since if e.get("cause") == ROLLED_BACK and e.get("reason")]
    if len({e["digest"] for e in drills}) < 2:
        why = Sentence("the history has {count} rollbacks with a reason", count=len(drills))
        return Finding(
            _BACK,
            False,
            why,
            "workshop rollback --because 'drill', then workshop rollback VERSION --because 'the drill is over'",
        )
    return Finding(_BACK, True, f"{drills[-1]['came']}, by {drills[-1].get('by', '?')}")


def _known(found: Object | None, entries: list[dict[str, str]]) -> Finding:
    serving = digests_of(found) if found else set()
    last = next((e for e in reversed(entries) if e.get("since") and not e.get("until")), None)
    if last is None or serving != {last["digest"]}:
        shown = " and ".join(digest[:19] for digest in sorted(serving)) or Sentence("nothing")
        why = Sentence(
            "production runs {shown}, the history says {digest}",
            shown=shown,
            digest=last["digest"][:19] if last else Sentence("nothing"),
        )
        return Finding(_KNOWN, False, why, "workshop history; workshop rollback puts both right")
    return Finding(
        _KNOWN,
        True,
        Sentence(
            "version {model_version}, {digest}, since {since}",
            model_version=last["model_version"],
            digest=last["digest"][:19],
            since=last["since"],
        ),
    )
