"""The names of a cohort's participants: made from a number or read from a list, and checked all at once.

A name is the user name on the cluster and the start of three namespaces, `<name>-production` the longest of them.
Kubernetes limits a namespace to a DNS label (RFC 1123): 63 characters of a-z, 0-9 and `-`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from workshop.errors import UsageError
from workshop.participants.names import STAGES

LONGEST = 63 - 1 - max(len(stage) for stage in STAGES)
MOST = 500
"""Participants of one cohort."""
_ALLOWED = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_RESERVED = ("kube", "openshift", "mlops-workshop", "default", "system")
"""A cluster keeps the namespaces `kube-...` and `openshift-...` for itself; the others would be mistaken."""
_RULE = f"allowed are 1 to {LONGEST} characters of a-z, 0-9 and '-', with a letter or digit at both ends"


def numbered(count: int, prefix: str = "user") -> list[str]:
    """`user1` to `user<count>`. Raises UsageError."""
    if not 1 <= count <= MOST:
        raise UsageError(f"--users {count}: allowed are 1 to {MOST} participants", hint="workshop cohort provision -h")
    return checked([f"{prefix}{number}" for number in range(1, count + 1)], f"--prefix {prefix}")


def from_file(path: Path) -> list[str]:
    """The first column of a file, without comments (`#`) and empty lines. Raises UsageError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"{path} cannot be read: {e}", hint="name a text file with one participant a line") from e
    lines = (re.split(r"[,;\t]", line.partition("#")[0])[0].strip().strip('"') for line in text.splitlines())
    return checked([line for line in lines if line], str(path))


def checked(names: Sequence[str], source: str) -> list[str]:
    """The names, if all are right. Raises UsageError that lists every fault."""
    faults = []
    if not names:
        faults.append("there are no names in it")
    if len(names) > MOST:
        faults.append(f"{len(names)} participants; allowed are {MOST}")
    seen: dict[str, str] = {}
    for name in names:
        before = seen.get(name.lower())
        if before == name:
            faults.append(f"{name!r} is there twice")
        elif before is not None:
            faults.append(f"{name!r} and {before!r} differ only in upper and lower case")
        elif not _ALLOWED.fullmatch(name) or len(name) > LONGEST:
            faults.append(f"{name!r}: {_RULE}")
        elif name in _RESERVED or name.startswith(("kube-", "openshift-")):
            faults.append(f"{name!r} is reserved")
        seen.setdefault(name.lower(), name)
    if faults:
        listed = "\n  ".join(faults)
        raise UsageError(
            f"{source}: the names of participants have {len(faults)} faults; nothing was written\n  {listed}",
            hint="correct the list, then the same command again",
        )
    return list(names)


def in_order(name: str) -> tuple[str, int, str]:
    """A sort key that puts user2 before user10."""
    word = name.rstrip("0123456789")
    return word, int(name[len(word) :] or 0), name
