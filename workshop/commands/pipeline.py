"""`workshop pipeline from-dvc`: the tool of tekton/from-dvc with this kit's image and variables."""

from __future__ import annotations

import argparse
import subprocess
import sys

IMAGE = "image-registry.openshift-image-registry.svc:5000/mlops-workshop/mlops-toolbox:0.1.0"
DEFAULTS = ("--image", IMAGE, "--env-from", "configmap/mlops-endpoints", "--env-from", "secret/mlops-credentials")
"""What the Tasks of tekton/base have too. A later --image wins; a later --env-from is added."""


def pipeline(words: argparse.Namespace) -> int:
    """Run it in a process of its own, because importing DVC takes a second. Its exit code."""
    return subprocess.run([sys.executable, "-m", "fromdvc", *DEFAULTS, *words.words]).returncode
