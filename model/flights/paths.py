"""The project's folder: that of the package in a checkout, else the working folder."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder of params.yaml, data/, models/ and reports/. FLIGHTS_HOME overrides it.

    The path is relative when it is the working folder, so messages show `data/...` without the path of one machine.
    """
    given = os.environ.get("FLIGHTS_HOME")
    folder = Path(given) if given else Path(__file__).resolve().parent.parent
    if not given and not (folder / "params.yaml").exists():
        folder = Path.cwd()
    return Path() if folder.resolve() == Path.cwd() else folder


def write_atomic(path: Path, content: bytes) -> None:
    """Write a temporary file and rename it, so a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
