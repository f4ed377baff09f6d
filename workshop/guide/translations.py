"""Translated modules: `modules/<language>/NN-name.md`, each with the digest of the text that it translates.

If the English text changed since, the page says so and links to it. `python -m workshop.guide.translations` lists stale
translations, each with the digest to write after it was updated.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from workshop.guide.module import Module, load

LANGUAGES = {"zh-Hans": "简体中文"}
"""The languages of translations, each with its own name for itself."""


@dataclass(frozen=True)
class Translation:
    """A module in another language; `stale` if its source changed since."""

    language: str
    module: Module
    stale: bool


def digest(module: Module) -> str:
    """The digest of a source that its translation contains: the first 12 digits of the SHA-256 of its file."""
    return hashlib.sha256(module.path.read_bytes()).hexdigest()[:12]


def translations(module: Module) -> dict[str, Translation]:
    """The translations of a module, by language. Raises ManifestError for a file that is not a module."""
    found = {}
    for language in LANGUAGES:
        path = module.path.parent / language / module.path.name
        if path.exists():
            made = load(path)
            found[language] = Translation(language, made, made.source != digest(module))
    return found


def main() -> int:
    """List the stale ones; exit 1 if there is one."""
    from workshop.guide.module import load_all

    stale = [
        f"{each.module.path}: stale; source: {digest(module)} once it says what {module.path.name} says"
        for module in load_all(Path(__file__).resolve().parents[1] / "modules")
        for each in translations(module).values()
        if each.stale
    ]
    sys.stdout.write("".join(f"{line}\n" for line in stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
