"""`python -m workshop.lab`: run the lab in this process until SIGTERM. `workshop up` starts it."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import sys

from workshop.errors import SetupError, WorkshopError, disk_error
from workshop.lab.components import COMPONENTS
from workshop.lab.listening.limits import raise_open_files
from workshop.lab.parts import Components
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.report import Lock
from workshop.lab.supervisor import Supervisor

log = logging.getLogger("workshop.lab")


def _wanted() -> Components:
    """The components. WORKSHOP_PROGRAMS=none leaves out the programs, for tests that need none."""
    without = os.environ.get("WORKSHOP_PROGRAMS") == "none"
    return {name: spec for name, spec in COMPONENTS.items() if spec.port is None or not without}


def _as_workshop_error(error: Exception, where: LabPaths) -> WorkshopError:
    """An error that ended the lab, as a WorkshopError with a hint."""
    if isinstance(error, WorkshopError):
        return error
    if isinstance(error, OSError):
        return disk_error(error) or WorkshopError(f"{type(error).__name__}: {error}", hint="see: workshop logs")
    return SetupError(
        f"the lab's store {where.store} cannot be used: {error}",
        hint="df -h shows whether the disk is full; else restore the file from a copy, or start again: workshop reset",
    )


def main() -> int:
    """Run the lab; the exit code is that of `workshop.errors`."""
    os.umask(0o077)
    raise_open_files()
    paths = LabPaths(lab_paths().root)
    paths.make()
    lock = Lock(paths)
    if not lock.take():
        sys.stderr.write(f"another lab runs on {paths.root}; workshop status shows it\n")
        return SetupError.exit_code
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    supervisor = Supervisor(paths, _wanted())
    try:
        import uvloop

        uvloop.run(supervisor.run())
    except (WorkshopError, OSError, sqlite3.DatabaseError) as e:
        fault = _as_workshop_error(e, paths)
        log.error("%s", fault, exc_info=fault is not e)
        supervisor.phase, supervisor.message = "failed", str(fault)
        # A full disk may prevent the report too; the exit code and the log remain.
        with contextlib.suppress(OSError):
            supervisor.report(exit_code=fault.exit_code)
        return fault.exit_code
    except Exception as e:
        log.exception("the lab stops")
        supervisor.phase, supervisor.message = "failed", f"{type(e).__name__}: {e}"
        supervisor.report(exit_code=1)
        return 1
    supervisor.phase = "stopped"
    supervisor.report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
