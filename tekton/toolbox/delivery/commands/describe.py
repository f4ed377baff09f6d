"""Print what the data or the chosen model is, for the results of a Task.

python -m delivery describe data --results DIR       data-version
python -m delivery describe model --results DIR      candidate, score
"""

from __future__ import annotations

import argparse
import json

from delivery import usecase
from delivery.card import CARD
from delivery.cli import add_results, say, write_results
from delivery.errors import DeliveryError
from delivery.usecase import Config


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("what", choices=["data", "model"])
    add_results(parser, "data-version, or candidate and score,")


def run(given: argparse.Namespace) -> int:
    """Print and write the results."""
    config = usecase.read()
    found = {"data-version": usecase.load(config).data_version()} if given.what == "data" else _model(config)
    write_results(given.results, found)
    for name, value in found.items():
        say(f"{name}={value}")
    return 0


def _model(config: Config) -> dict[str, str]:
    """The candidate of the chosen model, and the measure by which candidates are compared, three decimals."""
    file = config.folder / "models/serving" / CARD
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        return {"candidate": card["candidate"], "score": format(card["metrics"][config.measure], ".3f")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next="dvc repro") from error
