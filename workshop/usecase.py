"""The kit's use case, as model/usecase.yaml names it: what the lab deploys, and what checks and verbs look at."""

from __future__ import annotations

from pathlib import Path

from delivery.usecase import FILE as FILE
from delivery.usecase import read

FOLDER = "model"
"""The use case's folder in the kit and in each clone."""
KIT = Path(__file__).resolve().parents[1]
"""The checkout of this code."""
USE_CASE = read(KIT / FOLDER)
DEPLOYMENT = USE_CASE.deployment
"""The SeldonDeployment and the registered model."""


def folders(kit: Path = KIT) -> list[Path]:
    """The folders of the use cases in a kit or a clone: the main one first, then those of workshop/usecases."""
    files = [kit / FOLDER / FILE, *sorted((kit / "workshop/usecases").glob(f"*/{FILE}"))]
    return [file.parent for file in files if file.is_file()]


def is_clone(folder: Path) -> bool:
    """Whether a folder is a clone of the workshop."""
    return (folder / FOLDER / FILE).is_file()
