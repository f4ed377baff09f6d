"""Compare the chosen model with the champion on periods that the gate has not seen, and say which rule it lacks.

    python -m delivery audit --periods 10 [-o json]

It runs the gate first. A model that the gate stops is not compared. For a model that it lets through, each measure that
is clearly worse than the champion's is a blind spot of the gate; blindspots.py has the measures and their bounds. The
command changes nothing, and needs a champion in MLflow.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from delivery import graph, usecase
from delivery.blindspots import blind_spots, measures
from delivery.card import CARD, MODEL
from delivery.cli import add_output, say
from delivery.errors import DeliveryError
from delivery.registry import CHAMPION, Registry
from delivery.usecase import CLASSIFICATION, Champion, Config, LabelledRow

DEFAULT_THRESHOLD = 0.5


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--periods", required=True, help="which the gate has not seen, such as 10 or 9-10")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Print the gate's verdict, and the blind spots."""
    config = usecase.read()
    if config.task != CLASSIFICATION:
        raise DeliveryError(f"{config.deployment} is a {config.task}: only a classification has these measures")
    found = audited(config, given.periods)
    if given.output == "json":
        say(json.dumps(found))
        return 0
    if found["stopped_by"]:
        say(f"the gate stops this model: {', '.join(found['stopped_by'])}")
        return 0
    say(f"the gate lets this model through; on {found['rows']:,} rows of period {given.periods}:")
    for name, value in found["measures"].items():
        say(f"  {name:<18} {value:.3f}   the champion's {found['champion'][name]:.3f}")
    for spot in found["blind_spots"]:
        say(f"---> it got past: {spot['rule']}")
    if not found["blind_spots"]:
        say("---> it is not worse than the champion")
    return 0


def audited(config: Config, periods: str) -> dict[str, Any]:
    """The gate's verdict on the model in models/serving, and its measures next to those of the champion.

    DeliveryError without a model or a champion, and for periods in the model's test.
    """
    registry = Registry(config.deployment)
    version = registry.version_of(CHAMPION)
    if not version:
        raise DeliveryError(f"{config.deployment} has no champion yet", next="promote a model")
    folder = config.folder / "models" / "serving"
    try:
        content, about = (folder / MODEL).read_bytes(), json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeliveryError(f"{folder}: {type(error).__name__}: {error}", next="dvc repro") from error
    case, theirs = usecase.load(config), registry.graph(version)
    stopped = [check.name for check in case.gate(Champion(version, theirs)) if not check.passed]
    found: dict[str, Any] = {"model": hashlib.sha256(content).hexdigest(), "stopped_by": stopped}
    if stopped:
        return found
    rows = [row for period in _hidden(case, periods, about) for row in case.labelled_rows(period).rows]
    threshold = float(about.get("threshold", DEFAULT_THRESHOLD))
    champion = json.loads(registry.file(version, CARD))
    ours = _measured(config, content, rows, threshold)
    before = _measured(config, theirs, rows, float(champion.get("threshold", DEFAULT_THRESHOLD)))
    spots = [asdict(spot) for spot in blind_spots(ours, before)]
    return found | {"rows": len(rows), "measures": ours, "champion": before, "blind_spots": spots}


def _hidden(case: usecase.UseCase, periods: str, about: dict[str, Any]) -> list[str]:
    """The periods, none of which the model knows. DeliveryError for one that it does."""
    known = {str(period) for period in (*about.get("train_months", ()), about.get("test_month", ""))}
    found = list(case.periods(periods))
    seen = [period for period in found if period in known]
    if seen:
        raise DeliveryError(f"period {seen[0]}: the model was trained or tested on it", next="a later one")
    return found


def _measured(config: Config, model: bytes, rows: list[LabelledRow], threshold: float) -> dict[str, float]:
    running = graph.session(model)
    stated = running.get_modelmeta().custom_metadata_map
    feed = {}
    for key, kind, missing in (("words", object, ""), ("numbers", np.float32, np.nan)):
        if names := [name for name in stated[key].split(",") if name]:
            values = [[missing if row.values[name] is None else row.values[name] for name in names] for row in rows]
            feed[key] = np.asarray(values, dtype=kind)
    (both,) = running.run([running.get_outputs()[-1].name], feed)
    probability = np.asarray(both, dtype=np.float64)[:, 1]
    slices = [[row.values[name] for row in rows] for name in config.slices]
    return measures(np.asarray([row.truth for row in rows]), probability, threshold, slices)
