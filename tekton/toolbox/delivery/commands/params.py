"""Set params of params.yaml for one run, in the folder of the use case.

    python -m delivery params 'candidates.boosted.max_iter=200 split.every=4'
    python -m delivery params                   after a change in conf/

Values with spaces have quotes. Where there is conf/config.yaml, params.yaml is composed of it, and groups can be set:
`candidates=small` takes conf/candidates/small.yaml.
"""

from __future__ import annotations

import argparse
import shlex

from delivery import params, usecase
from delivery.cli import say
from delivery.errors import DeliveryError


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("set", nargs="?", default="", help="name=value, several with spaces between")


def run(given: argparse.Namespace) -> int:
    """Change the file, and print what was set."""
    try:
        words = shlex.split(given.set)
    except ValueError as error:
        raise DeliveryError(f"{given.set[:200]}: {error}, allowed: name=value, with closed quotes") from error
    folder = usecase.folder()
    composed = (folder / params.CONF).is_file()
    if not words and not composed:
        raise DeliveryError(f"set: got nothing, allowed: name=value; {folder.name} has no {params.CONF} to compose")
    params.write(folder, words)
    say(f"---> {params.FILE}: " + (f"set {' '.join(words)}" if words else f"composed of {params.CONF}"))
    return 0
