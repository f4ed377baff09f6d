"""One command: train, start each server in turn, ask it, write the table and the plot.

    python -m tests.bench.serving [--seconds 8] [--only NAME] [--no-write]

The table needs wrk as the load generator. Nothing else may run on the machine: a run in which other programs use it, or
in which requests fail, is no result; it leaves the table as it is and ends with exit code 1. Takes five minutes, of
which one is installing the other servers.

The load: 16 connections with one-row requests, then 1,000 rows in one request on one connection. Our server has
validation, metrics and access log on. The reference for batches is onnxruntime between two calls of orjson, in one
process, without a server.
"""

from __future__ import annotations

import argparse
import sys

from tests.bench.serving.part import why_not
from tests.bench.serving.report import README, NoResultError, write
from tests.bench.serving.running import measured
from tests.bench.serving.servers import KIT


def main() -> int:
    """Measure all, show each as it comes, write the documents."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=8, help="of one-row requests for each server (default 8)")
    parser.add_argument("--only", default="", help="measure the servers whose name contains this; writes nothing")
    parser.add_argument("--no-write", action="store_true", help="leave s2i/README.md and the plot as they are")
    given = parser.parse_args()
    if not (given.only or given.no_write) and (reason := why_not()):
        parser.error(f"{reason}; without it: --no-write")
    results, alone = measured(given.seconds, given.only)
    try:
        if given.only or given.no_write:
            return int(any(result.problems for result in results))
        write(results, alone)
    except NoResultError as error:
        sys.stderr.write(f"no result; {README.relative_to(KIT)} is as it was:\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
