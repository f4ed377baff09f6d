"""`python -m workshop.programs [PACKAGE...]`: fetch missing programs; part of `make setup`.

Without an argument, the packages that the lab needs.
"""

from __future__ import annotations

import sys

from workshop import output
from workshop.errors import WorkshopError
from workshop.programs.catalog import NEEDED, PACKAGES
from workshop.programs.fetch import ensure


def main(names: list[str]) -> int:
    """Ensure each package; the exit code is that of `workshop.errors`."""
    try:
        for name in names or NEEDED:
            ensure(PACKAGES[name])
    except WorkshopError as e:
        output.fail(str(e))
        return e.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
