"""Let Git log in to the server of GIT_URL, as a Task needs it before it clones or pushes.

GIT_URL and GIT_USERNAME are in the ConfigMap mlops-endpoints, GIT_PASSWORD in the Secret git-login.
"""

from __future__ import annotations

import argparse

from delivery import repository


def add(parser: argparse.ArgumentParser) -> None:
    """It has no options."""


def run(given: argparse.Namespace) -> int:
    """Write Git's global configuration, which is that of one Pod."""
    repository.log_in()
    return 0
