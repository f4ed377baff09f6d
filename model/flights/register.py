"""Put the chosen model into MLflow's registry, as the challenger of the one that is in production.

    python -m flights.register                       registers models/serving, alias challenger: version=N
    python -m flights.register --fetch N             puts that version into models/serving

Registering the same model again gives the same version, so a pipeline may be run again. What production runs is
changed by flights.promotion, which moves the alias champion.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flights import card, provenance, tracking
from flights.card import CARD, MODEL, NAME
from flights.champion import CHALLENGER
from flights.cli import exit_code, say
from flights.errors import FlightsError
from flights.paths import home, write_atomic


def register() -> dict[str, Any]:
    """Register the model in models/serving; its name, version, alias, tags and run id."""
    folder = home() / "models/serving"
    made = card.load(folder / CARD)
    library = tracking.mlflow()
    with tracking.reachable():
        run_id = tracking.run_of(folder)
        client = library.MlflowClient()
        known = [found.version for found in _versions(client) if found.run_id == run_id]
        version = str(known[0] if known else _create(library, run_id))
        tags = {
            "candidate": made.candidate,
            "data_version": made.data_version,
            "git_commit": provenance.commit(),
            "onnx_sha256": made.onnx_sha256,
        }
        for key, value in tags.items():
            client.set_model_version_tag(NAME, version, key, value)
        client.set_registered_model_alias(NAME, CHALLENGER, version)
    return {"name": NAME, "version": int(version), "alias": CHALLENGER, "run_id": run_id, **tags}


def fetch(version: str, folder: Path) -> dict[str, Any]:
    """Put a version's model.onnx and model.json into the folder: what a server of it must answer like."""
    library = tracking.mlflow()
    with tracking.reachable(), TemporaryDirectory() as temporary:
        found = _known(library.MlflowClient(), version)
        model = library.artifacts.download_artifacts(
            artifact_uri=f"models:/{NAME}/{version}", dst_path=f"{temporary}/model"
        )
        about = library.artifacts.download_artifacts(run_id=found.run_id, artifact_path=CARD, dst_path=temporary)
        write_atomic(folder / MODEL, next(Path(model).rglob("*.onnx")).read_bytes())
        write_atomic(folder / CARD, Path(about).read_bytes())
    made = card.load(folder / CARD)
    return {"name": NAME, "version": int(version), "candidate": made.candidate, "onnx_sha256": made.onnx_sha256}


def _known(client: Any, version: str) -> Any:
    """The registered version of this number; FlightsError tells which there are."""
    known = {str(found.version): found for found in _versions(client)}
    if version not in known:
        raise FlightsError(
            f"version {version!r} of {NAME} is not registered, allowed: "
            f"{', '.join(sorted(known, key=int)) or 'none yet'}, next: python -m flights.register"
        )
    return known[version]


def _versions(client: Any) -> list[Any]:
    """All versions, newest first; none when the model is not registered."""
    return sorted(client.search_model_versions(f"name='{NAME}'"), key=lambda found: -int(found.version))


def _create(library: Any, run_id: str) -> str:
    registered = library.register_model(f"runs:/{run_id}/model", NAME, await_registration_for=30)
    return str(registered.version)


def main(argv: list[str] | None = None) -> int:
    """Register or fetch; FlightsError when there is no MLflow server to do it on."""
    parser = argparse.ArgumentParser(prog="python -m flights.register", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--fetch", metavar="VERSION", help="put this version into models/serving")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    if not tracking.enabled():
        raise FlightsError(
            "there is no registry: MLFLOW_TRACKING_URI is not set, next: export MLFLOW_TRACKING_URI=http://127.0.0.1:5000"
        )
    done = fetch(given.fetch, home() / "models/serving") if given.fetch else register()
    say(json.dumps(done) if given.output == "json" else f"version={done['version']}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
