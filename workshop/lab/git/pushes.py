"""Notes of pushes: a hook in the repository writes one file for each push, and the server reads the files.

So a push by path has the same effect as one over HTTP, and no push is lost when the lab stops in between. Another hook
refuses a push with a push option that does not exist here, so that the pusher sees which exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workshop.lab.forge.requests import OPTIONS, TARGET

FOLDER = "lab-pushes"
NOBODY = "0" * 40
_OPTION = "option "
"""The start of a line with a push option; other lines have a ref and its commits."""
_NOTE = f"""#!/bin/sh
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
_REFUSE = f"""#!/bin/sh
# Written by the lab at each start: refuses a push option that does not exist here, and a branch that does not.
set -eu
index=0
while [ "$index" -lt "${{GIT_PUSH_OPTION_COUNT:-0}}" ]; do
  eval "option=\\$GIT_PUSH_OPTION_$index"
  case "$option" in
    {TARGET}=*)
      if ! git rev-parse --quiet --verify "refs/heads/${{option#*=}}" >/dev/null; then
        printf 'error: %s: there is no such branch; allowed: %s\\n' "$option" \\
          "$(git for-each-ref --count=20 --format='%(refname:short)' refs/heads | paste -s -d ' ' -)" >&2
        exit 1
      fi ;;
  esac
  case "${{option%%=*}}" in
    {"|".join(OPTIONS)}) ;;
    *)
      printf 'error: the push option %s does not exist here; allowed: {", ".join(OPTIONS)}\\n' "${{option%%=*}}" >&2
      exit 1 ;;
  esac
  index=$((index + 1))
done
"""
_HOOKS = {"pre-receive": _REFUSE, "post-receive": _NOTE}
"""In the order in which they are written."""


@dataclass(frozen=True)
class Change:
    """One ref before and after a push; 40 zeros where it did not exist."""

    ref: str
    before: str
    after: str


def install_hooks(repository: Path) -> None:
    """Install the hooks in a bare repository. Raises OSError."""
    for name, text in _HOOKS.items():
        hook = repository / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        if not hook.exists() or hook.read_text() != text:
            partial = hook.with_name(f".{name}.new")
            partial.write_text(text)
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
