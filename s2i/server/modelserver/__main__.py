"""``python -m modelserver MODEL`` serves; ``--check`` only imports, loads and warms up.

Exit codes: 0 stopped or checked, 1 the model or the environment is not fit, 2 wrong usage.
"""

import argparse
import os
import sys

from modelserver import __version__
from modelserver.app import Service, State
from modelserver.errors import ServingError, StartError
from modelserver.metrics import Metrics
from modelserver.model import Model, load_class
from modelserver.running import configure_logging, serve
from modelserver.settings import Settings, read_settings


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="modelserver", description="Serve a plain Seldon model class.")
    parser.add_argument("model", help="Module (holding a class of that name) or package.module.Class")
    parser.add_argument("--check", action="store_true", help="import, load, warm up; then exit")
    parser.add_argument("--version", action="version", version=__version__)
    arguments = parser.parse_args()
    configure_logging()
    try:
        settings = read_settings(os.environ)
        if arguments.check:
            check(arguments.model, settings)
        else:
            serve(arguments.model, settings)
    except StartError as error:
        sys.stderr.write(f"modelserver: {error}\n")
        return 1
    return 0


def check(name: str, settings: Settings) -> None:
    """Prove that the model would start. Raises ``StartError``."""
    model = Model(name, load_class(name), settings.parameters)
    service = Service(model, settings, Metrics(settings, name), State())
    try:
        service.prepare()
    except ServingError as error:
        raise StartError(f"{name}: the warm-up failed: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
