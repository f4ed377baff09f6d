"""Decide whether the challenger in models/serving may be registered, and say by how much it fails.

    python -m flights.gate [--mode enabled|dry-run|disabled]     exit 1 when a check fails in mode enabled

The challenger is held to the bounds in params.yaml and, when MLflow has one, to the champion: both are
scored on the same test month, which neither was trained on. dry-run reports and passes; disabled only says
that it is. The result is also in reports/gate.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from flights import card, champion, export, features, metrics, params, tracking
from flights.card import CARD, MODEL, Card
from flights.cli import exit_code, say
from flights.paths import home, write_atomic
from flights.schema import BY_NAME, LEAKS

MODES = ("enabled", "dry-run", "disabled")


@dataclass(frozen=True, slots=True)
class Check:
    """One bound: what was measured, what is allowed, and what to do when it does not hold."""

    name: str
    measured: str
    allowed: str
    passed: bool
    remedy: str

    @property
    def line(self) -> str:
        """The check as a line of the table."""
        return f"{'ok  ' if self.passed else 'FAIL'} {self.name:<22} {self.measured:<28} {self.allowed}"


def bounds(made: Card, auc: float, recall: float, limits: params.Gate) -> list[Check]:
    """The checks that need the challenger alone; auc and recall are of the test month."""
    return [
        _at_least("auc", auc, limits.min_auc, "better features or another candidate in params.yaml"),
        _at_most("auc is believable", auc, limits.max_auc, "look for a feature known only after departure"),
        _leaks(made),
        _at_least("recall", recall, limits.min_recall, "a lower threshold in params.yaml"),
        _at_most("parity", made.parity["max_difference"], limits.max_parity, "see what export.py converts"),
        _at_most("model bytes", made.onnx_bytes, limits.max_bytes, "fewer trees or leaves in params.yaml"),
        _at_most("row milliseconds", made.row_ms, limits.max_row_ms, "fewer trees or leaves in params.yaml"),
    ]


def _at_least(name: str, measured: float, allowed: float, remedy: str) -> Check:
    passed = measured >= allowed  # false for NaN
    by = "" if passed else f" ({allowed - measured:.4g} short)"
    return Check(name, f"{measured:.4g}{by}", f"at least {allowed:.4g}", passed, remedy)


def _at_most(name: str, measured: float, allowed: float, remedy: str) -> Check:
    passed = measured <= allowed
    by = "" if passed else f" ({measured - allowed:.4g} over)"
    return Check(name, f"{measured:.7g}{by}", f"at most {allowed:.7g}", passed, remedy)


def _leaks(made: Card) -> Check:
    leaking = [name for name in made.features if name in LEAKS or name not in BY_NAME]
    return Check(
        "no leak",
        f"uses {', '.join(leaking)}" if leaking else f"{len(made.features)} features",
        "known before departure",
        not leaking,
        f"take {', '.join(leaking)} out of features.add in params.yaml" if leaking else "",
    )


def against(auc: float, other: float, version: str, allowed_loss: float) -> Check:
    """The challenger's AUC against the champion's on the same rows."""
    gain = auc - other
    return Check(
        "against the champion",
        f"{auc:.4g} to {other:.4g} ({gain:+.4f})",
        f"at most {allowed_loss:.4g} below version {version}",
        gain >= -allowed_loss,
        "keep the champion, or train on newer months (python -m flights.advance)",
    )


def decide(folder: Path, test: pd.DataFrame, limits: params.Gate, rival: champion.Champion | None) -> list[Check]:
    """All checks of the model in the folder on the rows of the test month."""
    made, actual = card.load(folder / CARD), features.labels(test)
    running = export.session((folder / MODEL).read_bytes())
    quality = metrics.score(actual, export.late(running, features.inputs(test, made.features)), made.threshold)
    checks = bounds(made, quality.auc, quality.recall, limits)
    if rival is not None:
        other = export.session(rival.model)
        theirs = metrics.score(actual, export.late(other, features.inputs(test, export.columns(other))), made.threshold)
        checks.append(against(quality.auc, theirs.auc, rival.version, limits.max_loss_to_champion))
    return checks


def _find_rival(say_why_not: Callable[[str], None]) -> champion.Champion | None:
    if not tracking.enabled():
        say_why_not("no champion to compare with: MLFLOW_TRACKING_URI is not set")
        return None
    found = champion.current()
    if found is None:
        say_why_not("no champion to compare with: none is registered yet")
    return found


def main(argv: list[str] | None = None) -> int:
    """Print the table of checks and fail in mode enabled when one fails."""
    parser = argparse.ArgumentParser(prog="python -m flights.gate", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mode", choices=MODES, default="enabled")
    mode: str = parser.parse_args(argv).mode
    root = home()
    if mode == "disabled":
        say("the gate is disabled: the challenger passes unchecked")
        _write(root, mode, [])
        return 0
    given, made = params.load(), card.load(root / "models/serving" / CARD)
    test = features.read([made.test_month], root / "data")
    checks = decide(root / "models/serving", test, given.gate, _find_rival(say))
    _write(root, mode, checks)
    say(f"{made.candidate} {made.onnx_sha256[:12]}, trained on months "
        f"{','.join(map(str, made.train_months))}, tested on {made.test_month}")  # fmt: skip
    for check in checks:
        say(check.line)
    failed = [check for check in checks if not check.passed]
    if not failed:
        say("the gate is open")
        return 0
    reasons = "; ".join(f"{check.name}: {check.measured}, allowed: {check.allowed}" for check in failed)
    advice = ", ".join(dict.fromkeys(check.remedy for check in failed))
    say(f"the gate is closed: {reasons}, next: {advice}, then dvc repro")
    if mode == "dry-run":
        say("dry run: passing all the same")
        return 0
    return 1


def _write(root: Path, mode: str, checks: list[Check]) -> None:
    content = {
        "mode": mode,
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
    }
    write_atomic(root / "reports/gate.json", (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(exit_code(main))
