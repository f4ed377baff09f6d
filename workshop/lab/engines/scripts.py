"""The files that `script:` fields become, and the interpreters in their first lines.

Without a `#!` line a script runs under `sh` with `set -e`, as Tekton makes it. `sh` is bash here: many Tasks
use `[[ ]]` under sh, which works in busybox but not in dash. An interpreter that the host keeps elsewhere is
looked up by its name.
"""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path

from workshop.lab.engines.pod import PodPlan

DEFAULT = "#!/bin/sh\nset -e\n"
SHELLS = frozenset({"ash", "bash", "dash", "sh"})
_ENV = re.compile(r"^/\S*/env\s+(?:-S\s+)?(\S+)(.*)$")


def text_of(script: str, *, bash: str, has_sh: bool, path: str) -> str:
    """A script with its first line made to work here.

    `has_sh` says that /bin/sh is bash already, in the private file tree; `path` is where programs are looked
    for.
    """
    if not script.startswith("#!"):
        script = DEFAULT + script
    line, newline, rest = script[2:].partition("\n")
    return f"#!{_interpreter(line.strip(), bash, has_sh, path)}{newline}{rest}"


def write(pod: PodPlan, index: int, text: str, *, sidecar: bool = False) -> str:
    """Write a script into the Pod's folder; its path as containers see it."""
    suffix = "".join(secrets.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))
    name = f"{'sidecar-' if sidecar else ''}script-{index}-{suffix}"
    file = pod.folder / "tekton" / "scripts" / name
    file.write_text(text)
    file.chmod(0o755)
    return f"/tekton/scripts/{name}"


def _interpreter(line: str, bash: str, has_sh: bool, path: str) -> str:
    by_env = _ENV.match(line)
    if by_env:
        return f"{bash}{by_env.group(2)}" if by_env.group(1) in SHELLS else line
    program, _, arguments = line.partition(" ")
    name = Path(program).name
    if name in SHELLS and (not has_sh or program not in ("/bin/sh", "/bin/bash")):
        return f"{bash} {arguments}".rstrip()
    if not Path(program).exists() and shutil.which(name, path=path):
        return f"/usr/bin/env -S {name} {arguments}".rstrip()
    return line
