"""Module 13, new data: the window moved on, a run put two candidates in production, and both got feedback."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml

from workshop.checks import production, runs
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, git, has, keep_and_go, root, shown
from workshop.cluster.jsonhttp import NoAnswer
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import Object, name_of, succeeded

PARAMS = "model/params.yaml"
AB_TEST = "ab-test"
CANDIDATES = ("logistic", "boosted")
"""The names of the test's predictors."""
FEWEST = 100
_MOVED, _RAN, _ASKED = (
    Sentence("{branch} learns from a month that was the test", branch=BRANCH),
    N_("an A/B test of your commit has begun"),
    N_("callers have judged both"),
)
_APPROVE = "workshop approve, then workshop follow experiment"
_RUN = f"workshop run tekton/runs/ab-test.yaml -p revision={BRANCH} -p candidate=logistic"


def check(context: CheckContext) -> list[Finding]:
    """The months, the run, the feedback of each predictor."""
    if not has(context, BRANCH):
        return [
            Finding(task, False, Sentence("there is no branch {branch}", branch=BRANCH), "workshop start 13")
            for task in (_MOVED, _RAN, _ASKED)
        ]
    ran, run = _ran(context)
    return [_moved(context), ran, _asked(context, run)]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """End the test; set the branch back to before the window moved; delete the runs of the test."""
    first = _test_month(context, root(context))
    moved = [c for c in git(context, "rev-list", BRANCH, "--", PARAMS).split() if _test_month(context, c) != first]
    said = keep_and_go(context, BRANCH, f"{moved[-1]}^") if moved else []
    if set(production.predictors(context)) == set(CANDIDATES):
        said.append(production.roll_back(context, "module 13 was taken back"))
    for run in runs.newest_first(context, AB_TEST):
        editor.delete("PipelineRun", context.namespace("dev"), name_of(run), missing_ok=True)
        said.append(f"deleted the run {name_of(run)}")
    return said


def _test_month(context: CheckContext, commit: str) -> str:
    try:
        return str(yaml.safe_load(shown(context, commit, PARAMS))["months"]["test"])
    except (yaml.YAMLError, KeyError, TypeError):
        return ""


def _moved(context: CheckContext) -> Finding:
    before, now = _test_month(context, root(context)), _test_month(context, BRANCH)
    if not now.isdecimal() or int(now) <= int(before):
        hint = "cd model && python -m flights.advance, then commit"
        return Finding(
            _MOVED,
            False,
            Sentence(
                "{params} on {branch} tests on month {now}, as you found it",
                params=PARAMS,
                branch=BRANCH,
                now=now or "?",
            ),
            hint,
        )
    return Finding(_MOVED, True, Sentence("it is tested on month {now}", now=now))


def _ran(context: CheckContext) -> tuple[Finding, Object | None]:
    why = N_("there is no run of ab-test")
    for run in runs.newest_first(context, AB_TEST):
        if not succeeded(run) or runs.param(run, "revision") != BRANCH:
            why = runs.described(run)
            continue
        started, why = _started(context, runs.results(run).get("image-digest", ""))
        if started is None:
            return Finding(
                _RAN, False, Sentence("{run} has asked production: {why}", run=name_of(run), why=why), _APPROVE
            ), None
        return Finding(_RAN, True, f"{name_of(run)}, {name_of(started)}"), started
    return Finding(_RAN, False, why, _RUN), None


def _started(context: CheckContext, digest: str) -> tuple[Object | None, str]:
    """Production's run that started a test of this digest, or why there is none."""
    why = N_("it has not answered")
    for run in runs.newest_first(context, runs.EXPERIMENT):
        if not runs.param(run, "image").endswith(f"@{digest}"):
            continue
        if succeeded(run):
            return run, ""
        why = runs.described(run)
    return None, why


def _asked(context: CheckContext, run: Object | None) -> Finding:
    """Counts since the run started, because an earlier test may have counts of its own."""
    if run is None:
        return Finding(_ASKED, False, N_("it needs the test"), "")
    began = datetime.fromisoformat(str(run["metadata"]["creationTimestamp"]))
    seconds = max(1, int((datetime.now(UTC) - began).total_seconds()))
    counts = {}
    try:
        for name in CANDIDATES:
            labels = f'namespace="{context.namespace("production")}",predictor_name="{name}"'
            query = f"sum(max_over_time(model_feedback_total{{{labels}}}[{seconds}s]))"
            counts[name] = context.prometheus.value(query) or 0.0
    except NoAnswer as e:
        return Finding(_ASKED, False, str(e), context.where_things_are)
    counted = ", ".join(f"{name} got the truth of {count:,.0f} flights" for name, count in counts.items())
    ok = min(counts.values()) >= FEWEST
    hint = "cd model && python -m delivery compare logistic boosted --rate 40 --seconds 20"
    return Finding(_ASKED, ok, counted, "" if ok else hint)
