"""MLflow's disk is full; training fails with the reason, nothing is registered, and what is served goes on.

The disk of a machine cannot be filled for one program without root. The limit on the size of files (RLIMIT_FSIZE) can:
with 0, the operating system refuses each byte that the running MLflow writes to a file. It ends with the process.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass

from workshop.drills.commits import Commit
from workshop.drills.drill import Note, Place
from workshop.errors import SetupError

MLFLOW = "mlflow"
"""The component of the lab."""
PATTERN = r"MLflow .*the disk is full"


@dataclass(frozen=True)
class FullDisk:
    """Refuses writes of the participant's MLflow in the lab, and lets it write again."""

    title: str = "the disk of MLflow is full"
    look: str = "the run's page: train is red, and its log says that the disk is full. Production answers as before"
    catcher: str = "Task train"

    def run(self, place: Place, note: Note, seconds: float) -> str:
        """Refuse writes, run the pipeline and read why it failed. SetupError on a cluster: its disk is everybody's."""
        limit(place.target.pid(MLFLOW), 0)
        note("MLflow cannot write to files any more")
        return _REFUSED.run(place, note, seconds)

    def stop(self, place: Place, note: Note) -> list[str]:
        """Let it write again, also when Git does not answer."""
        freed = limit(place.target.pid(MLFLOW), None)
        return (["MLflow can write to files again"] if freed else []) + _REFUSED.stop(place, note)


def limit(pid: int, size: int | None) -> bool:
    """Set the largest size in bytes of a file that a process may write; None is as large as the system allows.

    Returns whether that has changed anything. Raises SetupError where a running process cannot be limited.
    """
    if not hasattr(resource, "prlimit"):
        raise SetupError("only Linux changes the limits of a running program", hint="run this drill in a lab on Linux")
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    wanted = hard if size is None else size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (wanted, hard))
    return wanted != soft


_REFUSED = Commit(
    name="mlflow-full",
    title="the disk of MLflow is full",
    look="",
    change=lambda model, env: None,
    task="train",
    pattern=PATTERN,
)
DRILL = FullDisk()
