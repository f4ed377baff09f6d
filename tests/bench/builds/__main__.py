"""`python -m tests.bench.builds`: seconds to build the flights image again after a change of source, in each engine.

Needs what the container tests need (root, podman, buildah, runc, debootstrap); the first run makes the base and the
builder, which takes about a minute. Prints one line a build; nothing is asserted.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.s2i import flights
from tests.s2i.container.conftest import Model, made, why_not

REBUILDS = 3


def main() -> None:
    """Measure and print: with what it takes on the clock, what it takes on the processors."""
    if reason := why_not():
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as folder, made(Path(folder)) as engine:
        model = Model(engine, flights.source(Path(folder) / "model"), Path(folder) / "context")
        for program in ("buildah", "podman"):
            model.packages(program)
            model.build("localhost/bench:1", program=program)
            for _ in range(REBUILDS):
                model.change()
                parts = model.packages(program), model.build("localhost/bench:1", program=program)
                wall, cpu = sum(part.wall for part in parts), sum(part.cpu for part in parts)
                print(f"{program:8} rebuild {wall:5.1f} s, of which on the processors {cpu:5.1f} s", flush=True)


if __name__ == "__main__":
    main()
