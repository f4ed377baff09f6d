"""The source of a model: the commit, and the versions of the libraries that made it."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


def commit() -> str:
    """GIT_COMMIT when the pipeline sets it, else the checkout's commit, else `unknown`."""
    given = os.environ.get("GIT_COMMIT")
    if given:
        return given
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return asked.stdout.strip()


def committed_at() -> str:
    """The time of `commit()` as UTC, 2026-01-31T12:00:00Z; empty when the checkout does not have the commit."""
    shown = ["git", "show", "--no-patch", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd", commit()]
    try:
        asked = subprocess.run(shown, capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"})
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()


def libraries() -> dict[str, str]:
    """The version of each library that affects the model's bytes."""
    return {name: version(name) for name in _LIBRARIES}
