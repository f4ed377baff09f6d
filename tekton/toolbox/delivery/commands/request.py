"""Ask production for a change; its own Pipelines make it.

    python -m delivery request promote
    python -m delivery request ab-test --image ...@sha256:... --version 4
    python -m delivery request shadow --version 4
    python -m delivery request rollback --version 3 --because "late flights missed"

PRODUCTION_LISTENER_URL and RELEASE_SECRET are the address and the secret of production's EventListener: the ConfigMap
mlops-endpoints and the Secret production-webhook have them.
"""

from __future__ import annotations

import argparse
import os

from delivery.asking import KINDS, MAIN, ask
from delivery.cli import say
from delivery.errors import DeliveryError


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--version", default="", help="of the model; for a rollback also the beginning of a digest")
    parser.add_argument("--image", default="", help="of an A/B test or a shadow, by digest; else the version's own")
    parser.add_argument("--because", default="", help="why, for the history; of a rollback")
    parser.add_argument("--usecase", default=MAIN, help=f"its folder in the toolbox image (default: {MAIN})")
    parser.add_argument("--by", default="", help="who asks")


def run(given: argparse.Namespace) -> int:
    """Ask, and print the event's id. DeliveryError when the address or the secret is missing."""
    missing = [name for name in ("PRODUCTION_LISTENER_URL", "RELEASE_SECRET") if not os.environ.get(name)]
    if missing:
        raise DeliveryError(f"{' and '.join(missing)} is not set: ConfigMap mlops-endpoints, Secret production-webhook")
    url, secret = os.environ["PRODUCTION_LISTENER_URL"], os.environ["RELEASE_SECRET"]
    event = ask(
        url, secret, given.kind, by=given.by, usecase=given.usecase, version=given.version, image=given.image,
        because=given.because,
    )  # fmt: skip
    say(f"---> asked production for: {given.kind}, event {event}")
    return 0
