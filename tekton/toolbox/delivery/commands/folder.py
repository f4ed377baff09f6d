"""Print the folder with the usecase.yaml of a use case, for a Task.

    python -m delivery folder workshop/usecases/cars [--source CLONE]

In a run that has a clone, it is the folder in the clone. Production has none: there it is the folder in the toolbox
image (KIT), else a new folder with the names that the deployment in staging or in production carries as an annotation.
That annotation is a participant's word: rules of a canary and another deployment's name are refused.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from tempfile import mkdtemp

import yaml

from delivery import cluster, usecase
from delivery.asking import FOLDER, MAIN
from delivery.cli import say
from delivery.cluster import PRODUCTION, STAGING
from delivery.errors import DeliveryError
from delivery.usecase import FILE


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("usecase", help="the folder of the use case in the clone")
    parser.add_argument("--source", default="", help="the clone, if there is one")


def run(given: argparse.Namespace) -> int:
    """Print it."""
    if given.source:
        say(str(Path(given.source, given.usecase)))
        return 0
    kit = Path(os.environ.get("KIT") or ".").resolve()
    if not re.fullmatch(FOLDER, given.usecase):
        raise DeliveryError(f"usecase: got {given.usecase[:80]!r}, allowed: what matches {FOLDER}")
    own = kit / given.usecase
    say(str(own if (own / FILE).is_file() else _deployed(kit, given.usecase)))
    return 0


def _deployed(kit: Path, folder: str) -> Path:
    """A folder with the use case that the deployment of the folder's name describes."""
    name = folder.rpartition("/")[2]
    files = [kit / MAIN / FILE, *kit.glob(f"workshop/usecases/*/{FILE}")]
    taken = [usecase.read(file.parent).deployment for file in files if file.is_file()]
    stages = [stage for stage in (STAGING, PRODUCTION) if cluster.is_known(stage)]
    for stage in stages:
        names = cluster.described(name, stage)
        if names is None:
            continue
        if names.get("deployment") != name or name in taken:
            raise DeliveryError(
                f"{folder}: deployment: got {names.get('deployment')!r}, allowed: {name}, and no other use case has it",
                next=f"deployment: {name} in {folder}/{FILE}",
            )
        if names.get("canary"):
            raise DeliveryError(
                f"{folder}: canary: production takes rules of a canary from the toolbox image alone",
                next=f"take canary out of {folder}/{FILE}, or add the folder to the toolbox image",
            )
        made = Path(mkdtemp(prefix="usecase-"))
        (made / FILE).write_text(yaml.safe_dump({**names, "overlays": str(kit / "seldon")}), encoding="utf-8")
        usecase.read(made)
        return made
    if not stages:
        raise DeliveryError(
            f"the toolbox image has no {folder}, and this Task knows no stage that may run it",
            next="the ConfigMap mlops-endpoints has STAGING_NAMESPACE and PRODUCTION_NAMESPACE",
        )
    raise DeliveryError(
        f"the toolbox image has no {folder}, and {name} is neither in staging nor in production",
        next=f"workshop run {folder}/runs/train-and-stage.yaml brings it to staging",
    )
