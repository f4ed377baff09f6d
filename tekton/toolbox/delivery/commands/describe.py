"""Print what the data or the chosen model is, for the results of a Task.

python -m delivery describe data --results DIR       data-version, data-files, data-ARTIFACT_INPUTS
python -m delivery describe model --results DIR      candidate, score
"""

from __future__ import annotations

import argparse
import hashlib
import json

from delivery import usecase
from delivery.card import CARD
from delivery.cli import add_results, say, write_results
from delivery.errors import DeliveryError
from delivery.usecase import Config, UseCase


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("what", choices=["data", "model"])
    add_results(parser, "the data's version and files, or candidate and score,")


def run(given: argparse.Namespace) -> int:
    """Print and write the results."""
    config = usecase.read()
    found = _data(usecase.load(config)) if given.what == "data" else _model(config)
    write_results(given.results, found)
    for name, value in found.items():
        say(f"{name}={value}")
    return 0


def _data(case: UseCase) -> dict[str, str]:
    """The version of the data, its files by their hashes, and both in the form of which Tekton Chains reads it."""
    version = case.data_version()
    files = json.dumps(dict(sorted(case.data_files().items())), separators=(",", ":"))
    digest = f"sha256:{hashlib.sha256(files.encode()).hexdigest()}"
    return {
        "data-version": version,
        "data-files": files,
        "data-ARTIFACT_INPUTS": json.dumps({"uri": f"dvc:data@{version}", "digest": digest}),
    }


def _model(config: Config) -> dict[str, str]:
    """The candidate of the chosen model, and the measure by which candidates are compared, three decimals."""
    file = config.folder / "models/serving" / CARD
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        return {"candidate": card["candidate"], "score": format(card["metrics"][config.measure], ".3f")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next="dvc repro") from error
