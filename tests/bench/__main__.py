"""`make bench`: measure the parts, keep the figures in results.json, and write the page with its plots.

    python -m tests.bench [--list] [--only PART] [--resume] [--page]

A whole run takes about a quarter of an hour on two idle cores. Each part is kept as soon as it has ended; --resume
leaves out those that this commit has idle figures of. Figures that were measured while other programs used the machine
are marked, and never replace idle ones: then the exit code is 1. Nothing is asserted: figures depend on the machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from tests.bench import page, results
from tests.bench.figures import MAX_OTHER_LOAD, Figure, replaces
from tests.bench.load import MARK
from tests.bench.parts import PARTS


def main(argv: Sequence[str] | None = None) -> int:
    """Choose, measure, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--list", action="store_true", help="list the parts")
    parser.add_argument("--only", action="append", default=[], choices=list(PARTS), help="measure this part alone")
    parser.add_argument("--resume", action="store_true", help="leave out what this commit has idle figures of")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page of the kept figures")
    given = parser.parse_args(argv)
    if given.list:
        for name, part in PARTS.items():
            say(f"{name:<14} {part.minutes:4.1f} min  {part.title}")
        return 0
    os.environ.setdefault(MARK, f"{os.getpid()}-{time.time_ns()}")
    kept, code = results.read(), 0
    for name in () if given.page else given.only or list(PARTS):
        if given.resume and (old := kept.get(name)) and old.commit == results.commit() and not old.is_loaded:
            say(f"---> {name}: this commit has its figures")
            continue
        code |= measure(name, kept)
        page.write(kept)
    if given.page:
        page.write(kept)
    return code


def measure(name: str, kept: results.Results) -> int:
    """Measure a part and keep its figures; 1 when they are no result."""
    part = PARTS[name]
    say(f"---> {name}: {part.title}, about {part.minutes:g} min")
    if reason := part.needs():
        say(f"     skipped: {reason}")
        return 0
    began, figures = time.monotonic(), []
    try:
        for figure in part.measure():
            figures.append(figure)
            say(f"     {line(figure, part.grows)}")
    except Exception as error:
        # The other parts can still be measured; --only repeats this one.
        say(f"     FAILED: {type(error).__name__}: {str(error)[:500]}")
        return 1
    say(f"     {time.monotonic() - began:.0f} s")
    old = kept.get(name)
    loaded = [one for one in figures if one.is_loaded]
    if loaded:
        say(
            f"     {len(loaded)} of {len(figures)} figures with other load above {MAX_OTHER_LOAD:.0%} of the processors"
        )
    if old and not replaces(figures, old.figures):
        say(f"     no result; the figures of {old.date} stay")
        return 1
    kept[name] = results.now(figures)
    results.write(kept)
    return int(bool(loaded))


def line(figure: Figure, grows: str) -> str:
    """One figure for the terminal."""
    at = f"{figure.at:,} {grows}: " if figure.at is not None else ""
    mark = f"  (others used {figure.load:.0%})" if figure.is_loaded else ""
    return f"{at}{figure.name}: {page.number(figure.value)} {figure.unit}{mark}"


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
