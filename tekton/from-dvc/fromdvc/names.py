"""Names of Kubernetes for names of DVC.

A task's name is a DNS label (RFC 1123): at most 63 of a-z, 0-9 and `-`, with a letter or digit at both ends. DVC's
names have `@`, `_`, capitals and any letters, as `train@a_b`. Each becomes the nearest label. Where two names would
become the same label, or a label would be too long, it ends with a part of the name's hash. So the label of a stage
does not depend on the order of the stages.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

LONGEST = 63
_HASH = 6


def labels(names: Sequence[str], *, taken: Sequence[str] = ()) -> dict[str, str]:
    """The label of each name. All are different, and none is in `taken`."""
    plain = {name: _label(name) for name in names}
    uses = Counter([*plain.values(), *taken])
    return {
        name: label if label and uses[label] == 1 and len(label) <= LONGEST else _with_hash(label, name)
        for name, label in plain.items()
    }


def _label(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _with_hash(label: str, name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"{(label or 'stage')[: LONGEST - _HASH - 1].rstrip('-')}-{digest}"
