"""Module 14, decide: production runs one model, and the history says that it went back and came again, and why."""

from __future__ import annotations

import json

from workshop.checks.finding import CheckContext, Editor, Finding, Object
from workshop.checks.runs import named, newest_first
from workshop.checks.serving import DEPLOYMENT, digests_of, state_of

HISTORY, KEY = "flight-delay-history", "history.json"
SHADOW = "shadow"
_ALONE, _SHADOW, _BACK, _KNOWN = (
    "production runs one model",
    "a shadow has answered nobody",
    "production went back, and came again",
    "the history ends with what production runs",
)


def check(context: CheckContext) -> list[Finding]:
    """What runs, the shadow's run, the way back, and the history."""
    found = context.cluster.find("SeldonDeployment", context.namespace("production"), DEPLOYMENT)
    entries = _entries(context)
    return [_alone(found), _shadow(context), _back(entries), _known(found, entries)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """The runs of the shadow go; production and its history stay: what was, was."""
    said = []
    for run in newest_first(context, SHADOW):
        editor.delete("PipelineRun", context.namespace("dev"), named(run), missing_ok=True)
        said.append(f"deleted the run {named(run)}")
    return said


def _entries(context: CheckContext) -> list[dict[str, str]]:
    found = context.cluster.find("ConfigMap", context.namespace("production"), HISTORY)
    try:
        return list(json.loads(((found or {}).get("data") or {})[KEY])["entries"])
    except (KeyError, ValueError):
        return []


def _alone(found: Object | None) -> Finding:
    names = [p["name"] for p in (found or {}).get("spec", {}).get("predictors") or []]
    if found is None or names != ["main"] or state_of(found) != "Available":
        return Finding(_ALONE, False, f"it runs {' and '.join(names) or 'nothing'}", "workshop rollback --because ...")
    return Finding(_ALONE, True, "main, Available")


def _shadow(context: CheckContext) -> Finding:
    for run in newest_first(context, SHADOW):
        if any(c.get("status") == "True" for c in (run.get("status") or {}).get("conditions") or []):
            return Finding(_SHADOW, True, named(run))
    return Finding(_SHADOW, False, "no run of shadow has succeeded", "workshop run tekton/runs/shadow.yaml")


def _back(entries: list[dict[str, str]]) -> Finding:
    """Two entries that came by a rollback with a reason, to two digests."""
    drills = [e for e in entries if e.get("came", "").startswith("rolled back") and " because " in e["came"]]
    if len({e["digest"] for e in drills}) < 2:
        why = f"the history tells of {len(drills)} returns with a reason"
        return Finding(_BACK, False, why, "workshop rollback --because 'drill', and once more to come back")
    return Finding(_BACK, True, f"{drills[-1]['came']}, by {drills[-1].get('by', '?')}")


def _known(found: Object | None, entries: list[dict[str, str]]) -> Finding:
    serving = digests_of(found) if found else set()
    last = next((e for e in reversed(entries) if e.get("since") and not e.get("until")), None)
    if last is None or serving != {last["digest"]}:
        shown = sorted(serving)[0][:19] if serving else "nothing"
        why = f"production runs {shown}, the history says {last['digest'][:19] if last else 'nothing'}"
        return Finding(_KNOWN, False, why, "workshop history; workshop rollback puts both right")
    return Finding(_KNOWN, True, f"version {last['model_version']}, {last['digest'][:19]}, since {last['since']}")
