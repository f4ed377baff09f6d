"""Keep the kit's own processes apart from settings of the terminal that break them.

PYTHONPATH puts foreign modules before the locked packages (ROS, Spark and IDEs set it). A proxy cannot reach the lab's
servers on 127.0.0.1. `isolate` corrects both for this process and for those that it starts. It is called before any
module outside the standard library is imported.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
EXCEPTIONS = ("NO_PROXY", "no_proxy")
"""Programs differ in which spelling they read."""
_MISLEADING = ("PYTHONHOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Git sets its three for a hook; they would point every git of the kit at another repository."""
_KIT = Path(__file__).resolve().parents[1]
_OWN = (_KIT, _KIT / "tekton" / "toolbox")

ignored: list[str] = []
"""The folders of PYTHONPATH that `isolate` left out, for `workshop doctor`."""


def isolate(env: MutableMapping[str, str] = os.environ, path: list[str] = sys.path) -> None:
    """Take the folders of PYTHONPATH from the module path, and never send loopback through a proxy.

    Folders of the kit itself stay: images for OpenShift and CI jobs find it by PYTHONPATH.
    """
    for name in env.pop("PYTHONPATH", "").split(os.pathsep):
        folder = Path(name).absolute()
        if not name or folder.resolve() in _OWN:
            continue
        ignored.append(name)
        path[:] = [entry for entry in path if entry != str(folder)]
    for name in _MISLEADING:
        env.pop(name, None)
    env.update(without_proxy(env))


def without_proxy(env: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY in both spellings: what is there already, and loopback."""
    known = [word.strip() for name in EXCEPTIONS for word in env.get(name, "").split(",") if word.strip()]
    return dict.fromkeys(EXCEPTIONS, ",".join(dict.fromkeys([*known, *LOOPBACK])))


def interpreter(python: str) -> str:
    """How a shell script calls the Python of the kit's environment.

    Python reads the environment's `.pth` files, which have the path of the kit, in the encoding of the locale. Where
    LC_ALL names a locale that is not installed (openshift-client sets en_US.UTF-8), that is ASCII.
    """
    return ("" if python.isascii() else "env LC_ALL=C.UTF-8 ") + shlex.quote(python)
