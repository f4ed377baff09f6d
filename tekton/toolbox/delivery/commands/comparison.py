"""Compare feature sets of one algorithm, or the algorithms of params.yaml, in the folder of the use case.

    python -m delivery comparison variants features       what there is to compare: names, as a JSON list
    python -m delivery comparison try features "all"      train and test one variant; its file is in reports/
    python -m delivery comparison report features         table, pictures and page of the variants that were tried

`try` needs no more than its variant, so a pipeline tries them at the same time. `report` logs to MLflow when
MLFLOW_TRACKING_URI is set: a run with a child run for each variant, and the report as its artifacts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from typing import cast

from delivery import comparison, origin, params, tracking, usecase
from delivery.cli import add_results, say, write_results
from delivery.comparison import FEATURES, KINDS, Report
from delivery.errors import DeliveryError
from delivery.usecase import Comparing, Config


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the three verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, about, results in (
        ("variants", "list what can be compared", "variants"),
        ("try", "train and test one variant", ""),
        ("report", "compare the variants that were tried", "best, score and run"),
    ):
        verb = verbs.add_parser(name, help=about)
        verb.add_argument("kind", choices=KINDS)
        if name == "try":
            verb.add_argument("variant", help="a name of `variants`")
            verb.add_argument("--candidate", default="", help="for features: the algorithm (default: the first one)")
        if results:
            add_results(verb, results)


def run(given: argparse.Namespace) -> int:
    """Do the verb."""
    config = usecase.read()
    return {"variants": _variants, "try": _try, "report": _report}[given.verb](config, given)


def _case(config: Config) -> Comparing:
    """The use case's module. DeliveryError when it cannot compare."""
    case = usecase.load(config)
    missing = [name for name in ("feature_sets", "candidates", "compared") if not hasattr(case, name)]
    if missing:
        raise DeliveryError(
            f"{config.package}.usecase has no function {missing[0]}, so its variants cannot be compared",
            next="workshop update adds them to a project of workshop new",
        )
    return cast(Comparing, case)


def _variants(config: Config, given: argparse.Namespace) -> int:
    case = _case(config)
    found = list(case.feature_sets() if given.kind == FEATURES else case.candidates())
    # What an earlier comparison has left is none of this one.
    shutil.rmtree(comparison.folder_of(config, given.kind), ignore_errors=True)
    write_results(given.results, {"variants": json.dumps(found)})
    say(json.dumps(found))
    return 0


def _try(config: Config, given: argparse.Namespace) -> int:
    case = _case(config)
    sets = case.feature_sets() if given.kind == FEATURES else {}
    known = list(sets) if given.kind == FEATURES else list(case.candidates())
    if given.variant not in known:
        raise DeliveryError(f"variant: got {given.variant!r}, allowed: {', '.join(known)}")
    candidate = given.variant
    if given.kind == FEATURES:
        candidate = given.candidate or case.candidates()[0]
    one = case.compared(given.variant, candidate, list(sets.get(given.variant, ())))
    file = comparison.save(one, comparison.folder_of(config, given.kind))
    say(
        f"{one.variant}: {config.measure} {one.metrics[config.measure]:.4g}, {one.candidate} with "
        f"{len(one.features)} features, trained in {one.train_seconds:.1f} s: {file.relative_to(config.folder)}"
    )
    return 0


def _report(config: Config, given: argparse.Namespace) -> int:
    folder = comparison.folder_of(config, given.kind)
    report = Report.of(config, given.kind, comparison.load(folder))
    files = report.write(folder / "report")
    say(report.markdown)
    say(f"---> {', '.join(file.name for file in files)} in {(folder / 'report').relative_to(config.folder)}")
    run_id = _log(config, report) if tracking.enabled() else ""
    score = format(report.best.metrics[config.measure], ".4g")
    write_results(given.results, {"best": report.best.variant, "score": score, "run": run_id})
    return 0


def _log(config: Config, report: Report) -> str:
    """Log the comparison to MLflow; the id of its run."""
    name = f"compare-{report.kind}"
    tags = {
        "comparison": report.kind,
        "pipeline_run": os.environ.get("PIPELINE_RUN", ""),
        "git_commit": origin.commit(),
        "set_params": params.noted(config.folder),
    }
    children = [
        tracking.Child(
            one.variant,
            {**one.params, "candidate": one.candidate, "variant": one.variant, "features": ",".join(one.features)},
            {**one.metrics, "train_seconds": one.train_seconds},
        )
        for one in report.variants
    ]
    with tracking.reachable():
        folder = comparison.folder_of(config, report.kind) / "report"
        found = tracking.log_comparison(config.experiment, name, tags, report.markdown, children, folder)
    say(f"---> MLflow: experiment {config.experiment}, run {name} ({found}), artifact comparison/index.html")
    return found
