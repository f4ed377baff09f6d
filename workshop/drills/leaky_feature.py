"""The model learns from a column that is known only after departure; a test of behaviour refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workshop.drills.commits import Commit
from workshop.errors import SetupError


def change(model: Path, _: Mapping[str, str]) -> None:
    """Add dep_delay to the features of params.yaml."""
    file = model / "params.yaml"
    text = file.read_text(encoding="utf-8")
    changed = text.replace("add: [] ", "add: [dep_delay] ", 1)
    if changed == text:
        raise SetupError(f"{file} adds features already", hint="git diff origin/main -- model/params.yaml")
    file.write_text(changed, encoding="utf-8")


DRILL = Commit(
    name="leaky-feature",
    title="the model learns from the delay at departure, which callers do not know yet",
    look="the run's page: test-code is red. Without that test, the gate's max_auc would refuse the model",
    change=change,
    task="test-code",
    pattern=r"FAILED .*known_only_afterwards",
)
