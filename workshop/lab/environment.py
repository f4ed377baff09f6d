"""The environments of the lab's children: complete and stated here, nothing is inherited from the user's shell.

No child calls home, and none writes to the user's home folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workshop.lab.state import KIT, State

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "true",
    "JUPYTERLAB_SETTINGS_DIR": "",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
}
"""Rooms are often offline, and participants' machines are not ours."""


def tools_folder(state: State) -> Path:
    """Where `workshop`, and the built-in `oc`, `s2i` and `buildah` stand on PATH."""
    return state.root / "tools"


def base(state: State, home: Path | None = None) -> dict[str, str]:
    """The environment of a child of the lab: PATH with the platform's programs, a home of its own."""
    env = {k: v for k, v in QUIET.items() if v}
    env |= {
        "PATH": os.pathsep.join([
            str(tools_folder(state)), str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin",
            "/usr/local/sbin", "/usr/sbin", "/sbin",
        ]),
        "HOME": str(home or state.home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "KUBECONFIG": str(state.kubeconfig),
        "WORKSHOP_STATE": str(state.root),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(KIT / ".cache" / "uv")),
        "LAB_IMAGES": str(state.images),
    }
    return env
