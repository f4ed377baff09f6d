"""Put the chosen model into MLflow's registry, as the challenger of the one that is in production.

    python -m delivery register [--results DIR]      registers models/serving, alias challenger: version=N
    python -m delivery register --fetch N [--into DIR]     puts that version into models/serving, or DIR

Registering the same run again gives the same version, so a pipeline may run again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from delivery import tracking, usecase
from delivery.cli import add_output, add_results, say, write_results
from delivery.errors import DeliveryError
from delivery.registry import CHALLENGER, Registry
from delivery.usecase import Config


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--fetch", metavar="VERSION", help="put this version into models/serving")
    parser.add_argument("--into", type=Path, default=None, metavar="DIR", help="for --fetch, instead of models/serving")
    add_results(parser, "version")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Register or fetch. DeliveryError when there is no MLflow server."""
    config = usecase.read()
    if not tracking.enabled():
        raise DeliveryError(
            "there is no registry: MLFLOW_TRACKING_URI is not set",
            next="export MLFLOW_TRACKING_URI=http://127.0.0.1:5000",
        )
    if given.fetch:
        Registry(config.deployment).fetch(given.fetch, given.into or config.folder / "models/serving")
        done: dict[str, Any] = {"name": config.deployment, "version": int(given.fetch)}
    else:
        done = registered(config)
    write_results(given.results, {"version": str(done["version"])})
    say(json.dumps(done) if given.output == "json" else f"version={done['version']}")
    return 0


def registered(config: Config) -> dict[str, Any]:
    """Register the model in models/serving; its name, version, alias, run and tags."""
    chosen = usecase.load(config).run_of_chosen_model()
    version = tracking.register(config, chosen.run_id, chosen.tags)
    return {"name": config.deployment, "version": int(version), "alias": CHALLENGER, "run_id": chosen.run_id,
            **chosen.tags}  # fmt: skip
