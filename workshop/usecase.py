"""The kit's use case, as model/usecase.yaml names it: what the lab deploys, and what checks and verbs look at."""

from __future__ import annotations

from pathlib import Path

from delivery.usecase import FILE, read

FOLDER = "model"
"""The use case's folder in the kit and in each clone."""
KIT = Path(__file__).resolve().parents[1]
"""The checkout of this code."""
USE_CASE = read(KIT / FOLDER)
DEPLOYMENT = USE_CASE.deployment
"""The SeldonDeployment and the registered model."""


def is_clone(folder: Path) -> bool:
    """Whether a folder is a clone of the workshop."""
    return (folder / FOLDER / FILE).is_file()
