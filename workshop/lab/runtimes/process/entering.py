"""A shell with the files and variables of a running container: `python entering.py PID`.

Words after the id are given to bash. With mount namespaces it needs `nsenter` of util-linux. It imports nothing of the
kit, so that it works in any terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

FILE = Path(__file__)


def main(words: Sequence[str]) -> int:
    """Become the shell. Returns only when it cannot: 3 without `nsenter`, 1 when the container has ended."""
    pid, shell = int(words[0]), ["bash", *words[1:]]
    proc = Path(f"/proc/{pid}")
    try:
        pairs = (one.partition("=") for one in (proc / "environ").read_text("utf-8", "surrogateescape").split("\0"))
        env = {name: value for name, found, value in pairs if found}
        own = {name: str(Path(f"/proc/self/ns/{name}").readlink()) for name in ("mnt", "user")}
        theirs = {name: str((proc / "ns" / name).readlink()) for name in own}
        cwd = (proc / "cwd").readlink()
    except OSError as e:
        sys.stderr.write(f"error: the container is gone: {e.strerror}\n")
        return 1
    env["TERM"] = os.environ.get("TERM", "dumb")
    if own == theirs:
        os.chdir(cwd)
        os.execvpe(shell[0], shell, env)  # noqa: S606
    nsenter = shutil.which("nsenter")
    if nsenter is None:
        sys.stderr.write("error: nsenter is missing; it is in the package util-linux\n")
        return 3
    user = ["--user", "--preserve-credentials"] if own["user"] != theirs["user"] else []
    command = [nsenter, "--target", str(pid), *user, "--mount", "--root", "--wd", *shell]
    os.execve(nsenter, command, env)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
