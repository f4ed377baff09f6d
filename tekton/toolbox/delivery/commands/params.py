"""Set params of params.yaml for one run, in the folder of the use case.

    python -m delivery params 'candidates.boosted.max_iter=200 split.every=4'

Values with spaces have quotes. Where there is conf/config.yaml, params.yaml is composed of it, and groups can be set.
"""

from __future__ import annotations

import argparse
import shlex

from delivery import params, usecase
from delivery.cli import say
from delivery.errors import DeliveryError


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("set", help="name=value, several with spaces between")


def run(given: argparse.Namespace) -> int:
    """Change the file, and print what was set."""
    try:
        words = shlex.split(given.set)
    except ValueError as error:
        raise DeliveryError(f"{given.set[:200]}: {error}, allowed: name=value, with closed quotes") from error
    params.write(usecase.folder(), words)
    say(f"---> {params.FILE}: set {' '.join(words)}")
    return 0
