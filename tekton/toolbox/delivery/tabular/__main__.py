"""The stages of a project's dvc.yaml, and what its columns explain, in the folder of the project.

python -m delivery.tabular data                 the data file is the one that its pointer in Git names
python -m delivery.tabular validate             the file keeps the contract; exit 1 on findings
python -m delivery.tabular train CANDIDATE      models/CANDIDATE/model.onnx and model.json
python -m delivery.tabular evaluate             reports/, and the better candidate in models/serving
python -m delivery.tabular columns              for each feature, how much of the label it explains alone
"""

from __future__ import annotations

import argparse
import sys

from delivery.cli import exit_code
from delivery.tabular.project import Project
from delivery.tabular.stages import STAGES


def main(argv: list[str]) -> int:
    """Run one stage."""
    parser = argparse.ArgumentParser(prog="python -m delivery.tabular", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("stage", choices=sorted(STAGES))
    parser.add_argument("candidate", nargs="?", default="", help="of params.yaml, for train")
    given = parser.parse_args(argv)
    if (given.stage == "train") != bool(given.candidate):
        parser.error("train needs a candidate of params.yaml, and the other stages take none")
    return exit_code(lambda: STAGES[given.stage](Project.of(), given.candidate))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
