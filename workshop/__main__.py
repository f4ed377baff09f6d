"""`python -m workshop` and the script `workshop`."""

import sys

from workshop.isolation import isolate


def main() -> int:
    """Run the command line, with the packages of the lock alone."""
    isolate()
    from workshop.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
