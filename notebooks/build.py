"""Make the notebooks from their sources: `python notebooks/build.py`.

Edit `notebooks/source/*.py` (percent format). The `.ipynb` files are for JupyterLab and for reading on a Git host; they
have no output and no data of the machine that made them. A test makes them again and compares.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import jupytext  # type: ignore[import-untyped]
import nbformat
from clean import METADATA

HERE = Path(__file__).parent
SOURCE = HERE / "source"


def built(source: Path = SOURCE, to: Path = HERE) -> dict[Path, str]:
    """Each notebook and its text."""
    return {to / f"{path.stem}.ipynb": text(path) for path in sorted(source.glob("*.py"))}


def text(path: Path) -> str:
    """One source as the text of a notebook. The same source gives the same bytes."""
    notebook: Any = jupytext.read(path, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)  # type: ignore[no-untyped-call]
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        # A random id would change each file at each build.
        cell.id = hashlib.sha256(f"{path.stem} {number} {cell.cell_type}".encode()).hexdigest()[:8]
        for name in set(cell.metadata) - {"tags"}:
            del cell.metadata[name]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.validate(notebook)
    written: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return written.rstrip("\n") + "\n"


def main() -> None:
    """Write the notebooks, and delete those without a source."""
    wanted = built()
    for path in set(HERE.glob("*.ipynb")) - set(wanted):
        path.unlink()
    for path, content in wanted.items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
