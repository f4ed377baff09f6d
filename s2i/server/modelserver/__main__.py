"""``python -m modelserver MODEL`` serves; ``--check`` only imports, loads and warms up.

Exit codes: 0 stopped or checked, 1 the model or the environment is not fit, 2 wrong usage.
"""

import argparse
import os
import sys

from modelserver import __version__
from modelserver.app import Service
from modelserver.errors import ServingError, StartError
from modelserver.metrics import Metrics
from modelserver.model import Model, load_class
from modelserver.running import configure_logging, serve, serve_as_worker
from modelserver.serving import identity
from modelserver.settings import Settings, read_settings
from modelserver.shared import Shared


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="modelserver", description="Serve a plain Seldon model class.")
    parser.add_argument("model", help="Module (holding a class of that name) or package.module.Class")
    parser.add_argument("--check", action="store_true", help="import, load, warm up; then exit")
    # How a parent starts its workers: place, then the descriptors of socket, shared memory and the line to it.
    parser.add_argument("--worker", nargs=4, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=__version__)
    arguments = parser.parse_args()
    configure_logging()
    try:
        settings = read_settings(os.environ)
        if arguments.check:
            check(arguments.model, settings)
        elif arguments.worker:
            return serve_as_worker(arguments.model, settings, *arguments.worker)
        else:
            return serve(arguments.model, settings)
    except StartError as error:
        sys.stderr.write(f"modelserver: {error}\n")
        return 1
    return 0


def check(name: str, settings: Settings) -> None:
    """Prove that the model would start. Raises ``StartError``."""
    model = Model(name, load_class(name), settings.parameters)
    shared = Shared.make(1)
    service = Service(model, settings, Metrics(settings, identity(name, settings), shared), shared.blocks[0])
    try:
        service.prepare()
    except ServingError as error:
        raise StartError(f"{name}: the warm-up failed: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
