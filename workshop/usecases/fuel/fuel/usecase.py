"""The use case's functions for delivery: those of `delivery.usecase.UseCase`. Its periods are model years."""

from __future__ import annotations

import pandas as pd
from delivery.errors import DeliveryError
from delivery.tabular.comparison import candidates as candidates
from delivery.tabular.comparison import compared as compared
from delivery.tabular.comparison import feature_sets as feature_sets
from delivery.tabular.project import Project
from delivery.tabular.usecase import data_files as data_files
from delivery.tabular.usecase import data_version as data_version
from delivery.tabular.usecase import gate as gate
from delivery.tabular.usecase import labelled
from delivery.tabular.usecase import run_of_chosen_model as run_of_chosen_model
from delivery.usecase import LabelledRows


def labelled_rows(period: str) -> LabelledRows:
    """The cars of a model year (1982) with their consumption; by default the test cars.

    A car has no time of day at which somebody asks, so its rows have no times.
    """
    project = Project.of()
    if not period:
        return labelled(project, project.rows.test)
    cars = pd.concat(project.rows)
    chosen = cars[cars["year"].isin([float(year) for year in periods(period)])]
    if chosen.empty:
        known = sorted({str(int(year)) for year in cars["year"]})
        raise DeliveryError(f"period: got {period!r}, allowed: a model year, {', '.join(known)}")
    return labelled(project, chosen)


def periods(text: str) -> list[str]:
    """The model years that a text names: 1980-1982 is three of them."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal()):
        raise DeliveryError(f"period: got {text!r}, allowed: 1982 or 1980-1982")
    return [str(year) for year in range(int(first), int(last or first) + 1)]
