"""The environments of the lab's children: complete, and defined here.

Children inherit nothing from the user's shell except the variables in NETWORK, which are needed to reach a package
index. No child sends telemetry, and none writes to the user's home folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from workshop.isolation import EXCEPTIONS, PROXIES, without_proxy
from workshop.lab.endpoints import task_variables, token_variables, variables
from workshop.lab.parts import Components
from workshop.lab.paths import KIT, LabPaths
from workshop.participants.names import USER_VARIABLE, Participant
from workshop.programs import cache_folder

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "ORT_DISABLE_TELEMETRY": "1",
    "DVC_NO_ANALYTICS": "true",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
}
"""Disable telemetry and prompts: rooms are often offline, and the machines belong to the participants."""


SHELL_RC = Path(__file__).with_name("shellrc")
"""The rc file of the participant's interactive bash (`bash --rcfile`). It sets the prompt after /etc/bash.bashrc."""

NETWORK = (
    *PROXIES,
    *EXCEPTIONS,
    "PIP_INDEX_URL",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_OFFLINE",
    "UV_SYSTEM_CERTS",
    "UV_NATIVE_TLS",
)
"""Variables for access to a package index, inherited from the user: a room behind a proxy needs them.

Loopback is always an exception of the proxy, because the lab's servers are there.
"""
FILES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE")
"""Those that name files of this machine."""


def tools_folder(state: LabPaths) -> Path:
    """The folder on PATH that has `workshop`, `oc`, `s2i` and `buildah`."""
    return state.root / "tools"


def base(state: LabPaths, home: Path | None = None) -> dict[str, str]:
    """The environment of a child of the lab: PATH with the platform's programs, and a separate home folder."""
    passed = {name: os.environ[name] for name in NETWORK if name in os.environ}
    return (
        QUIET
        | passed
        | without_proxy(os.environ)
        | {
            "PATH": os.pathsep.join(
                [
                    str(tools_folder(state)),
                    str(Path(sys.executable).parent),
                    "/usr/local/bin",
                    "/usr/bin",
                    "/bin",
                    "/usr/local/sbin",
                    "/usr/sbin",
                    "/sbin",
                ]
            ),
            "HOME": str(home or state.home),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "KUBECONFIG": str(state.kubeconfig),
            "WORKSHOP_CACHE": str(cache_folder()),
            "WORKSHOP_STATE": str(state.root),
            USER_VARIABLE: state.participant,
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(KIT / ".cache" / "uv")),
            "LAB_IMAGES": str(state.images),
            "SELDON_CORE": str(state.seldon_core),
        }
    )


def participant(
    paths: LabPaths,
    person: Participant,
    known: Mapping[str, str | None],
    components: Components,
    token: str,
) -> dict[str, str]:
    """The environment of the participant's terminals, notebooks and checks: the lab's commands, names and addresses.

    `known` are the endpoints. It also has the variables from which Tasks read addresses.
    """
    own = {"LOGNAME": person.name, "PYTEST_DEBUG_TEMPROOT": str(paths.temporary)}
    env = base(paths) | task_variables(known, components) | own
    if token:
        env |= token_variables(components, token)
    return env | person.variables(variables(known, components))


def of_steps(state: LabPaths, *, isolated: bool = False) -> dict[str, str]:
    """The variables that every step gets in addition to those of its Task; with `isolated` none with a path."""
    env = base(state)
    if isolated:
        return {name: env[name] for name in ("TZ", *QUIET, *NETWORK) if name in env and name not in FILES}
    names = ("LAB_IMAGES", "UV_CACHE_DIR", "TZ", *QUIET, *NETWORK)
    return {name: env[name] for name in names if name in env}
