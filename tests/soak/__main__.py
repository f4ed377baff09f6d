"""`make soak`: a lab under load meets one fault after another.

    python -m tests.soak [--list] [--only WORD] [--seconds 5] [--keep FOLDER]

Makes a lab of its own with `workshop lab`, which takes one to two minutes, and sends it predictions, objects,
TaskRuns, MLflow runs and requests for pages. Each fault is made, taken back, and must leave nothing lost: every
acknowledged object is there, the lab is healthy again, and no request fails before or after. Prints a table, and
puts each line of it on README.md beside this file. Exit code 1 when a fault was not survived. All requests go to
127.0.0.1.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.figures import machine
from tests.bench.markers import Section
from tests.soak.faults import FAULTS
from tests.soak.lab import LAB_SECONDS, Lab
from tests.soak.load import Load
from tests.soak.outcomes import Outcome, exit_code, merged, table
from tests.soak.run import meet
from tests.soak.volume import enter_namespace, volume

PAGE = Path(__file__).with_name("README.md")


def main() -> int:
    """Choose, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--list", action="store_true", help="list the faults")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="faults whose name has this word")
    parser.add_argument("--seconds", type=float, default=5, help="of load before and after each fault (default 5)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the lab in this folder, and use it again")
    given = parser.parse_args()
    chosen = [name for name in FAULTS if not given.only or any(word in name for word in given.only)]
    if not chosen:
        parser.error(f"no fault has {' or '.join(given.only)} in its name; --list shows all")
    if given.list:
        for name in chosen:
            say(f"{name:<18} {FAULTS[name].about}")
        return 0
    enter_namespace()
    # The lab is stopped and the file system unmounted then, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    with ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        folder.mkdir(exist_ok=True)
        lab = Lab(stack.enter_context(volume(folder)) / "state")
        stack.callback(lab.end)
        say("---> workshop lab")
        lab.workshop("lab", seconds=LAB_SECONDS)
        lab.until_healthy()
        load = Load(lab)
        stack.callback(load.end)
        outcomes = soak(chosen, lab, load, given.seconds)
    say("\n" + table(outcomes))
    return exit_code(outcomes)


def soak(chosen: list[str], lab: Lab, load: Load, seconds: float) -> list[Outcome]:
    """Meet the faults in turn, and print each outcome as soon as it is known."""
    outcomes = []
    for number, name in enumerate(chosen, 1):
        began = time.monotonic()
        say(f"---> {number}/{len(chosen)} {name}: {FAULTS[name].about}")
        outcomes.append(meet(name, FAULTS[name], lab, load, seconds, lambda text: say(f"     {text}")))
        one = outcomes[-1]
        if one.skipped:
            say(f"     skipped: {one.skipped}")
            continue
        keep(one)
        healthy = "never healthy again" if one.healthy_seconds is None else f"healthy after {one.healthy_seconds:.1f} s"
        say(
            f"     {one.verdict}, {healthy}; {one.served} served, {one.failed} failed, {time.monotonic() - began:.0f} s"
        )
        for problem in one.problems[:20]:
            say(f"     - {problem}")
    return outcomes


def keep(outcome: Outcome, page: Path = PAGE) -> None:
    """Write the line of a fault to the page at once: the lines of others stay."""
    lines = merged(page.read_text(encoding="utf-8"), [outcome], list(FAULTS))
    when = f"Last measured {datetime.now(UTC).date()} on {machine()}."
    Section(page, "make soak").write(f"{lines}\n{when}\n")


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
