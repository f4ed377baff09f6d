"""Options that several commands have."""

from __future__ import annotations

import argparse
import os


def add_release(parser: argparse.ArgumentParser) -> None:
    """The options that name a release and the run that moves it."""
    parser.add_argument("--image", required=True, help="by digest: registry/name@sha256:...")
    parser.add_argument("--version", required=True, help="of the model in the registry")
    parser.add_argument("--run", default=os.environ.get("PIPELINE_RUN", ""), help="the PipelineRun, for the history")
