"""JupyterHub: the participant's notebooks, and a terminal with the commands of the guide.

Each participant has a hub of their own, and logs in with their token or a one-time code from the console. It needs no
root, no PAM and no system user: the notebook server runs as the user who runs the lab, so people are not isolated from
each other. The proxy is the Python one and needs no Node. Jupyter writes only below the lab's state folder, and makes
no requests to the internet.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.lab import process_environment
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.components.sockets import socket_folder
from workshop.lab.endpoints import SERVED_STAGES, endpoints, predictions_url
from workshop.lab.participant import clone_folder
from workshop.lab.parts import ComponentSpec, Runner, Station
from workshop.lab.paths import LabPaths

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

NAME = "jupyterhub"
SOCKET_NAME = len("kernel-00000000-0000-0000-0000-000000000000-ipc-10")
CONFIG = Path(__file__).with_name("jupyterhub_config.py")


def process(state: LabPaths, port: int, env: Mapping[str, str], user: str, console: str) -> ProcessSpec:
    """The command of JupyterHub. `env` is the environment of notebooks and terminals; `console` gives the codes."""
    folder = state.components / "jupyterhub"
    url = f"http://127.0.0.1:{port}"
    return ProcessSpec(
        argv=[sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)],
        env={**env, **jupyter_folders(folder), **hub_settings(state, port, user, console)},
        cwd=folder,
        ready_url=f"{url}/hub/health",
        log=folder / "jupyterhub.log",
    )


def hub_settings(state: LabPaths, port: int, user: str, console: str = "") -> dict[str, str]:
    """The variables of `jupyterhub_config.py`. The notebook servers do not get them."""
    return {
        "LAB_HUB_CONSOLE": console,
        "LAB_HUB_FOLDER": str(state.components / "jupyterhub"),
        "LAB_HUB_HOME": str(state.home),
        "LAB_HUB_NOTEBOOKS": str(clone_folder(state)),
        "LAB_HUB_PORT": str(port),
        "LAB_HUB_TOKEN_FILE": str(state.token),
        "LAB_HUB_USER": user,
    }


def jupyter_folders(folder: Path) -> dict[str, str]:
    """The folders of Jupyter's settings, connection files and history, which replace those in the home folder."""
    return {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "lab" / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "lab" / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime_folder(folder)),
    }


def runtime_folder(folder: Path) -> Path:
    """The folder of the kernels' Unix sockets."""
    return socket_folder(folder / "runtime", SOCKET_NAME)


def _make(lab: Lab) -> Runner:
    def spec() -> ProcessSpec:
        # A notebook server may be older than the model that it calls, so it gets both stages' addresses at its start.
        known = endpoints(lab) | {stage: predictions_url(lab, stage) for stage in SERVED_STAGES}
        env = process_environment.participant(lab.paths, lab.participant, known, lab.components, lab.token)
        return process(lab.paths, lab.ports[NAME], env, lab.participant.name, str(lab.url("console")))

    return ProcessRunner(lab, NAME, spec)


SPEC = ComponentSpec(
    make=_make,
    title="JupyterHub",
    login="/hub/login",
    port=18888,
    variable="JUPYTERHUB_URL",
    station=Station("notebooks", "JupyterHub"),
    package="jupyterhub",
    personal=True,
)
