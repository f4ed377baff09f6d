"""The model ends as soon as it is served; test-image starts the image and refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workshop.drills.commits import Commit, append

CRASH = """

# A drill: workshop drill crash-loop. Tests and builds pass, because only a deployment sets this variable.
if os.environ.get("PREDICTIVE_UNIT_HTTP_SERVICE_PORT"):
    sys.exit("drill: the model cannot start")
"""


def change(model: Path, _: Mapping[str, str]) -> None:
    """End the process where a deployment imports the entry point."""
    append(model / "FlightDelay.py", CRASH)


DRILL = Commit(
    name="crash-loop",
    title="the model server ends as soon as it starts",
    look="the run's page: test-image is red, so no deployment has the image; else ModelServerDown would fire",
    change=change,
    task="test-image",
    pattern=r"drill: the model cannot start|the server ended",
)
