"""Where kubectl is: one answer for `oc`, the doctor, the lab's tools and the tests.

The environment's own kubectl comes first, then PATH. The environment's is pinned by uv.lock and is the one that the
tests run; a machine's kubectl may be of any version, or a dispatcher that picks one. PATH is for an environment that
was made without it, such as a container image that brings a kubectl of its own.
"""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

from workshop.errors import SetupError


def kubectl() -> str:
    """The path of kubectl. Raises SetupError."""
    own = Path(sysconfig.get_path("scripts"), "kubectl")
    found = str(own) if own.exists() else shutil.which("kubectl")
    if not found:
        raise SetupError(f"there is no kubectl: looked for {own} and on PATH", hint="make setup installs it")
    return found
