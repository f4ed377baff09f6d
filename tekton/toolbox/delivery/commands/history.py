"""Print what was in production, newest first, or how well changes reach it.

python -m delivery history [--measures] [-o json]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from delivery import usecase
from delivery.cli import add_output, command, say
from delivery.history import History, now
from delivery.measures import EXCLUDED, Measures, lines, measured


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--measures", action="store_true", help="lead time, frequency, failure rate, time to restore")
    add_output(parser)


def run(given: argparse.Namespace) -> int:
    """Print it."""
    entries = list(reversed(History(usecase.read().deployment).read()))
    if given.measures:
        return _print(measured(entries[::-1], now()), given.output)
    if given.output == "json":
        say(json.dumps({"entries": [asdict(one) for one in entries]}))
        return 0
    if not entries:
        say(f"production has no history yet, next: {command('promote')}")
    for one in entries:
        mark, span = ("*", f"since {one.since}") if one.current else (" ", f"{one.since or 'never'} to {one.until}")
        say(f"{mark} version {one.model_version:<4} {one.digest[:19]}  {span}")
        say(f"    came   {one.came}{f' in {one.run}' if one.run else ''}{f', by {one.by}' if one.by else ''}")
        if one.left:
            say(f"    left   {one.left}")
        say(f"    from   commit {one.git_commit[:12] or 'unknown'}, data {one.data_version or 'unknown'}")
    return 0


def _print(found: Measures, output: str) -> int:
    if output == "json":
        say(json.dumps({"measures": asdict(found)}))
        return 0
    say(f"from {found.since} to {found.until}" if found.since else f"no change yet, next: {command('promote')}")
    for title, value, counted, definition in lines(found):
        say(f"{title:<25} {value:<20} {counted}")
        say(f"    {definition}")
    say(EXCLUDED)
    return 0
