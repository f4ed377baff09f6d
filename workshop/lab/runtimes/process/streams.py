"""Copies of a container's output in files that the container sees."""

from __future__ import annotations

from collections.abc import Sequence

_SCRIPT = r"""
out=$1 err=$2
shift 2
for file in "$out" "$err"; do
  [ -z "$file" ] || { mkdir -p -- "$(dirname -- "$file")" && : >> "$file"; } || exit 1
done
copy() { if [ -n "$1" ]; then exec tee -a -- "$1"; else exec cat; fi; }
exec 3>&1 4>&2
{ "$@" 2>&1 >&5 3>&- 4>&- 5>&- | copy "$err" >&4 3>&- 5>&-; exit "${PIPESTATUS[0]}"; } 5>&1 | copy "$out" >&3
exit "${PIPESTATUS[0]}"
"""


def copying(bash: str, argv: Sequence[str], stdout: str, stderr: str) -> list[str]:
    """The arguments of a program that runs `argv` and appends its output to files; an empty path means no copy.

    The exit code is that of `argv`.
    """
    return [bash, "-c", _SCRIPT, "copy", stdout, stderr, *argv]
