"""`workshop up`: start the lab and wait until everything in it is ready."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

import psutil
from rich.live import Live
from rich.text import Text

from workshop import output
from workshop.commands import status as status_verb
from workshop.errors import SetupError, TimedOut
from workshop.lab import room
from workshop.lab.paths import KIT, LabPaths, lab_paths
from workshop.lab.report import Report, read, running_pid
from workshop.lab.runtimes.choice import PODMAN, VARIABLE, chosen
from workshop.lab.runtimes.podman.program import find as find_podman

POLL_SECONDS = 0.05
MEMORY_BYTES = 2**29
"""Memory of a participant at rest: MLflow 210 MiB, JupyterHub 135 MiB and three model servers of 46 MiB."""
OTHERS_SECONDS = 20.0
"""Additional seconds for each participant of `--users`: each starts an MLflow and a JupyterHub."""
STOP_SECONDS = 30.0
"""Time limit in seconds for stopping a lab that is still starting: it finishes the builder's image first."""
NOT_LINUX = "run it on Linux; on macOS in a Linux virtual machine, on Windows in WSL 2"
"""The lab needs Linux: the launcher reads /proc and uses namespaces."""


def up(words: argparse.Namespace) -> int:
    """Start the lab and print what runs."""
    where = lab_paths()
    start_lab(
        where,
        ports=words.ports,
        users=words.users,
        runtime=words.runtime,
        timeout=words.timeout,
        quiet=words.output == output.JSON,
    )
    return status_verb.status(words)


def start_lab(
    where: LabPaths,
    *,
    ports: str = "",
    users: int | None = None,
    runtime: str = "",
    timeout: float = 180.0,
    quiet: bool = False,
) -> Report:
    """Start the lab unless it runs, and wait for it; two calls at once start one lab.

    `users` is the number of participants, None for those of the last start; so is `runtime`, if it is not empty.

    Raises SetupError if it cannot start, TimedOut if it is not ready in time. Ctrl-C during the start stops it
    again.
    """
    if sys.platform != "linux":
        raise SetupError(f"the lab needs Linux; this is {sys.platform}", hint=NOT_LINUX)
    wanted = room.numbered(users) if users is not None else None
    try:
        where.make()
    except OSError as e:
        raise SetupError(
            f"cannot write to {where.root}: {e.strerror}",
            hint="free some space, or set WORKSHOP_STATE to a folder that you may write to; then workshop up",
        ) from e
    began = time.time()
    process: subprocess.Popen[bytes] | None = None
    pid = running_pid(where)
    if pid is None:
        if wanted and not quiet:
            _warn_of_memory(len(wanted))
        if (runtime or chosen(where)) == PODMAN:
            find_podman()
        process = _spawn(where, ports, users, runtime)
    try:
        report = _wait(where, process, began, timeout + OTHERS_SECONDS * len(wanted or ()), quiet)
    except KeyboardInterrupt:
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()  # the launcher ends what it has started
                process.wait()
        raise
    if wanted and len(report.participants) != len(wanted):
        raise SetupError(
            f"the lab runs with {len(report.participants)} participants, not {len(wanted)}",
            hint=f"workshop down, then workshop up --users {len(wanted)}",
        )
    if runtime and chosen(where) != runtime:
        raise SetupError(
            f"the lab runs with the runtime {chosen(where)}, not {runtime}",
            hint=f"workshop down, then workshop up --runtime {runtime}",
        )
    return report


def _warn_of_memory(count: int) -> None:
    """Say what participants need at rest when the machine has less."""
    needed, free = count * MEMORY_BYTES, psutil.virtual_memory().available
    if needed > free:
        output.note(f"{count} participants need {needed / 2**30:.1f} GiB at rest; {free / 2**30:.1f} GiB are free here")


def _spawn(where: LabPaths, ports: str, users: int | None, runtime: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "WORKSHOP_STATE": str(where.root)}
    if users is not None:
        env[room.VARIABLE] = str(users)
    if runtime:
        env[VARIABLE] = runtime
    env.setdefault("UV_CACHE_DIR", str(KIT / ".cache" / "uv"))
    if ports:
        env["WORKSHOP_PORTS"] = ports
    with where.log.open("ab") as log:
        return subprocess.Popen(  # its own session: Ctrl-C in the terminal must not reach the lab
            [sys.executable, "-m", "workshop.lab"],
            cwd=KIT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(
    where: LabPaths, process: subprocess.Popen[bytes] | None, began: float, timeout: float, quiet: bool
) -> Report:
    deadline = time.monotonic() + timeout
    live = Live(console=output.err, transient=True) if output.interactive() and not quiet else None
    printed: dict[str, str] = {}
    if live:
        live.start()
    try:
        while time.monotonic() < deadline:
            report = read(where)
            fresh = report is not None and (process is None or report.started >= began - 1)
            if report is not None and fresh:
                line = _line(report, time.time() - began)
                if live:
                    live.update(Text.from_markup(line))
                elif not quiet:
                    for part in report.components:
                        if part.state != "starting" and printed.get(part.name) != part.state:
                            output.note(f"  {part.name}: {part.state}")
                        printed[part.name] = part.state
                if report.phase == "ready" and running_pid(where) is not None:
                    return report
                if report.phase == "failed":
                    raise SetupError(f"the lab did not start: {report.message}", hint="workshop logs shows what it did")
            if process is not None and process.poll() is not None:
                if process.returncode == SetupError.exit_code and running_pid(where) is not None:
                    process = None  # another `workshop up` started a lab first; wait for that one
                    continue
                raise SetupError(
                    f"the lab ended with exit code {process.returncode}: {_last_line(where)}",
                    hint="workshop logs shows what it did",
                )
            if process is None and running_pid(where) is None:
                raise SetupError("the lab stopped while it was waited for", hint="workshop up starts it again")
            time.sleep(POLL_SECONDS)
    finally:
        if live:
            live.stop()
    raise TimedOut(f"the lab is not ready after {timeout:.0f} s", hint="workshop status shows what is missing")


def _line(report: Report, seconds: float) -> str:
    parts = "  ".join(f"{c.name} {output.styled(c.state)}" for c in report.components)
    return f"starting the lab, {seconds:4.1f} s: {parts}"


def _last_line(where: LabPaths) -> str:
    try:
        lines = where.log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
