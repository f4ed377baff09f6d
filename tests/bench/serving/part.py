"""The servers' figures for `make bench`; the whole table is in s2i/README.md, which this writes as well."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.bench.serving.report import README, NoResultError, write
from tests.bench.serving.running import measured
from tests.bench.serving.servers import KIT

SECONDS = 8.0


def why_not() -> str:
    """Why the servers cannot be compared here."""
    # The benchmark's own generator takes 40 us a request, and so limits a server that takes 28.
    return "" if shutil.which("wrk") else "wrk is not installed; on Debian and Ubuntu: apt-get install wrk"


def measure() -> Iterator[Figure]:
    """Requests a second and processor time of each server; the table of s2i/README.md where it is a result."""
    results, alone = measured(SECONDS)
    for result in results:
        yield Figure(f"{result.name}: one-row requests", result.one_row.rate, "requests/s", result.other_load)
        yield Figure(f"{result.name}: 99 of 100 within", result.one_row.p99_ms, "ms", result.other_load)
    try:
        write(results, alone)
    except NoResultError as error:
        sys.stderr.write(f"{README.relative_to(KIT)} is as it was:\n{error}\n")
