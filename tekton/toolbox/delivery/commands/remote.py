"""Make DVC_REMOTE_URL the DVC remote of the use case in the working folder.

The address is in the ConfigMap mlops-endpoints.
"""

from __future__ import annotations

import argparse

from delivery import repository, usecase


def add(parser: argparse.ArgumentParser) -> None:
    """It has no options."""


def run(given: argparse.Namespace) -> int:
    """Write DVC's local configuration, which Git does not track. Raises DeliveryError for data behind a link."""
    repository.refuse_links(usecase.folder())
    repository.set_remote(usecase.folder())
    return 0
