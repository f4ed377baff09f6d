"""Decide whether the chosen model may be registered, and say by how much it fails.

    python -m delivery gate [--mode enabled|dry-run|disabled] [--against FOLDER] [--results DIR]

It exits with 1 when a check fails in mode enabled.

The use case makes the checks. When MLflow has a champion, the use case gets its model to compare with; with --against
it gets the chosen model of FOLDER, the use case in another clone. dry-run reports and passes; disabled checks nothing.
The result is also in reports/gate.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from delivery import tracking, usecase
from delivery.card import MODEL
from delivery.cli import add_results, say, write_results
from delivery.registry import CHAMPION, Registry
from delivery.usecase import Champion, Check, Config

MODES = ("enabled", "dry-run", "disabled")
NONE = "none"
"""The margin when no champion was compared with."""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--mode", choices=MODES, default="enabled")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="compare with this model instead of MLflow's")
    parser.add_argument("--name", default="target", help="what the checks call the model of --against")
    add_results(parser, "mode, passed and margin")


def run(given: argparse.Namespace) -> int:
    """Print the table of checks and fail in mode enabled when one fails."""
    config = usecase.read()
    if given.mode == "disabled":
        say("the gate is disabled: the model passes unchecked")
        _write(config, given.mode, [])
        write_results(given.results, {"mode": given.mode, "passed": "unchecked", "margin": NONE})
        return 0
    checks = usecase.load(config).gate(_of(given.against, given.name) if given.against else _champion(config))
    _write(config, given.mode, checks)
    for check in checks:
        say(check.line)
    failed = [check for check in checks if not check.passed]
    margin = next((f"{check.margin:g}" for check in checks if check.margin is not None), NONE)
    write_results(given.results, {"mode": given.mode, "passed": "false" if failed else "true", "margin": margin})
    if not failed:
        say("the gate is open")
        return 0
    reasons = "; ".join(f"{check.name}: {check.measured}, allowed: {check.allowed}" for check in failed)
    advice = ", ".join(dict.fromkeys(check.remedy for check in failed))
    say(f"the gate is closed: {reasons}, next: {advice}, then dvc repro")
    if given.mode == "dry-run":
        say("dry run: passes all the same")
        return 0
    return 1


def _of(folder: Path, name: str) -> Champion | None:
    """The chosen model of a use case's folder, None if it has none."""
    file = folder / "models" / "serving" / MODEL
    if not file.is_file():
        say(f"no model to compare with: {file} does not exist")
        return None
    return Champion(name, file.read_bytes())


def _champion(config: Config) -> Champion | None:
    if not tracking.enabled():
        say("no champion to compare with: MLFLOW_TRACKING_URI is not set")
        return None
    registry = Registry(config.deployment)
    version = registry.version_of(CHAMPION)
    if not version:
        say("no champion to compare with: none is registered yet")
        return None
    return Champion(version, registry.graph(version))


def _write(config: Config, mode: str, checks: Sequence[Check]) -> None:
    content = {
        "mode": mode,
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
    }
    file = config.folder / "reports" / "gate.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
