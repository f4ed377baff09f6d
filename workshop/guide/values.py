"""Replaces variables in a module's text by a participant's names and addresses.

The text contains `$PRODUCTION_URL`. The page shows its value; `workshop shell` and the tests set the variable. So one
text fits every participant, and a command copied from the page works in any terminal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping


def fill(text: str, known: Mapping[str, str]) -> str:
    """The text with `$NAME` and `${NAME}` of known names replaced; others stay for the shell."""
    return re.sub(
        r"\$(?:\{([A-Z_]+)\}|([A-Z_]+)\b)",
        lambda found: known.get(found.group(1) or found.group(2), found.group(0)),
        text,
    )
