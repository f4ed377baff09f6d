"""Finds words in the modules, with the heading of the section.

The modules are read at each search: thirty pages need no index, and an edited module is found at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workshop.guide.module import Module
from workshop.guide.render import sections

SHOWN = 30
_AROUND = 90


@dataclass(frozen=True)
class Hit:
    """A place in a module: its section, its anchor on the page, and some text around it."""

    module: Module
    heading: str
    anchor: str
    text: str


def search(modules: Sequence[Module], words: str, where: str = "lab") -> list[Hit]:
    """The sections that contain all the words; those with the words together or in the heading come first.

    `where` is `lab` or `cluster`: what is for the other one is not found.
    """
    phrase = " ".join(words.casefold().split())
    wanted = phrase.split()
    if not wanted:
        return []
    found: list[tuple[int, Hit]] = []
    for module in modules:
        for heading, anchor, text in sections(module, where):
            head, body = heading.casefold(), text.casefold()
            if all(word in f"{module.title.casefold()} {head} {body}" for word in wanted):
                ranks = (phrase in head, phrase in body, any(word in head for word in wanted), True)
                at = body.find(phrase)
                at = at if at >= 0 else min((n for word in wanted if (n := body.find(word)) >= 0), default=0)
                found.append((ranks.index(True), Hit(module, heading, anchor, _around(text, at))))
    return [hit for _, hit in sorted(found, key=lambda pair: pair[0])][:SHOWN]


def _around(text: str, at: int) -> str:
    first = max(0, at - _AROUND)
    return ("… " if first else "") + text[first : at + _AROUND] + (" …" if at + _AROUND < len(text) else "")
