"""Notes of pushes: a hook in the repository writes one file for each push, and the server reads the files.

So a push by path has the same effect as one over HTTP, and no push is lost when the lab stops in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = "lab-pushes"
NOBODY = "0" * 40
_OPTION = "option "
"""The start of a line with a push option; other lines have a ref and its commits."""
_HOOK = f"""#!/bin/sh
# Written by the lab at each start: notes the push, from which the lab makes the webhook's event.
set -eu
mkdir -p {FOLDER}
note="$(mktemp {FOLDER}/.new.XXXXXX)"
index=0
while [ "$index" -lt "${{GIT_PUSH_OPTION_COUNT:-0}}" ]; do
  eval "option=\\$GIT_PUSH_OPTION_$index"
  printf 'option %s\\n' "$option" >> "$note"
  index=$((index + 1))
done
cat >> "$note"
mv "$note" "{FOLDER}/$(date +%s).$$"
"""


@dataclass(frozen=True)
class Change:
    """One ref before and after a push; 40 zeros where it did not exist."""

    ref: str
    before: str
    after: str


def install_hook(repository: Path) -> None:
    """Install the hook in a bare repository. Raises OSError."""
    hook = repository / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    if not hook.exists() or hook.read_text() != _HOOK:
        partial = hook.with_name(".post-receive.new")
        partial.write_text(_HOOK)
        partial.chmod(0o755)
        partial.replace(hook)


def notes(repository: Path) -> list[Path]:
    """The notes, oldest first."""
    try:
        found = [(path.stat().st_mtime_ns, path) for path in (repository / FOLDER).iterdir() if path.name[0] != "."]
    except OSError:
        return []
    return [path for _, path in sorted(found)]


def options(note: Path) -> list[str]:
    """The push options in a note: what `git push -o` has given."""
    lines = note.read_text(errors="replace").splitlines()
    return [line.removeprefix(_OPTION) for line in lines if line.startswith(_OPTION)]


def changes(note: Path) -> list[Change]:
    """The changes in a note. Lines that cannot be parsed are skipped."""
    found = []
    for line in note.read_text(errors="replace").splitlines():
        parts = line.split(" ", 2)
        if len(parts) == 3 and not line.startswith(_OPTION):
            found.append(Change(ref=parts[2], before=parts[0], after=parts[1]))
    return found
