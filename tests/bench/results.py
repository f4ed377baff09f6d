"""The kept figures: one JSON file, with the machine, the day and the commit of each part."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.figures import KIT, Figure, machine

FILE = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Measured:
    """One part's figures; `date` is a day, `commit` the commit of the kit that was measured, 12 digits."""

    figures: tuple[Figure, ...]
    machine: str
    date: str
    commit: str

    @property
    def is_loaded(self) -> bool:
        """Whether other programs used the machine during one of the figures."""
        return any(one.is_loaded for one in self.figures)


Results = dict[str, Measured]
"""The parts by name."""


def read(file: Path = FILE) -> Results:
    """The kept figures; none without a file. Raises ValueError for a file of another form."""
    if not file.exists():
        return {}
    stored = json.loads(file.read_text(encoding="utf-8"))
    return {
        name: Measured(tuple(Figure(**one) for one in part.pop("figures")), **part) for name, part in stored.items()
    }


def write(results: Results, file: Path = FILE) -> None:
    """Replace the file. A figure is one line, so that a new measurement is a short change."""
    parts = []
    for name, part in results.items():
        figures = ",\n".join("   " + json.dumps(_short(one)) for one in part.figures)
        rest = json.dumps({"machine": part.machine, "date": part.date, "commit": part.commit})[1:-1]
        parts.append(f' {json.dumps(name)}: {{{rest},\n  "figures": [\n{figures}\n  ]}}')
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def now(figures: list[Figure]) -> Measured:
    """Figures that have just been measured, with four digits."""
    rounded = tuple(replace(one, value=float(f"{one.value:.4g}"), load=round(one.load, 3)) for one in figures)
    return Measured(rounded, machine(), datetime.now(UTC).date().isoformat(), commit())


def commit() -> str:
    """The commit of this checkout, 12 digits."""
    words = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(words, cwd=KIT, capture_output=True, text=True, check=True).stdout.strip()


def _short(figure: Figure) -> dict[str, object]:
    return {name: value for name, value in asdict(figure).items() if value is not None}
