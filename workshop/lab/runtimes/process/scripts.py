"""The text of a `script:` field on this machine: the interpreter in its first line.

A script without a `#!` line runs under `/bin/sh` with `set -e`, as in Tekton. In images of Debian that is dash, which
does not know `[[ ]]`; in others it is bash, or busybox, which knows it. An interpreter that the host keeps elsewhere is
looked up by name.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

DEFAULT = "#!/bin/sh\nset -e\n"
SHELLS = frozenset({"ash", "bash", "dash", "sh"})
_ENV = re.compile(r"^/\S*/env\s+(?:-S\s+)?(\S+)(.*)$")


def text_of(script: str, *, bash: str, has_sh: bool, path: str, dash: str = "") -> str:
    """A script whose first line names an interpreter of this machine.

    `has_sh` says that /bin/sh is bash, as in a private file tree. `dash` is the shell that `sh` of the image is, if it
    is one. Interpreters are looked up on `path`.
    """
    if not script.startswith("#!"):
        script = DEFAULT + script
    line, newline, rest = script[2:].partition("\n")
    return f"#!{_interpreter(line.strip(), bash, has_sh, path, dash)}{newline}{rest}"


def _interpreter(line: str, bash: str, has_sh: bool, path: str, dash: str) -> str:
    by_env = _ENV.match(line)
    if dash and (by_env.group(1) if by_env else Path(line.partition(" ")[0]).name) in ("dash", "sh"):
        arguments = by_env.group(2) if by_env else line.partition(" ")[2]
        return f"{dash} {arguments.strip()}".rstrip()
    if by_env:
        return f"{bash}{by_env.group(2)}" if by_env.group(1) in SHELLS else line
    program, _, arguments = line.partition(" ")
    name = Path(program).name
    if name in SHELLS and (not has_sh or program not in ("/bin/sh", "/bin/bash")):
        return f"{bash} {arguments}".rstrip()
    if not Path(program).exists() and shutil.which(name, path=path):
        return f"/usr/bin/env -S {name} {arguments}".rstrip()
    return line
