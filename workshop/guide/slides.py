"""Slides, made from the modules' text: what participants will do, why it matters, the steps, the diagram.

Three slides for each module: where we are, why, and what we did. They are generated, so they cannot become outdated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from workshop.guide import diagram
from workshop.guide.module import Module


@dataclass(frozen=True)
class Slide:
    """One slide: HTML rendered from a module's Markdown."""

    module: Module
    title: str
    body: str


def slides(modules: Sequence[Module]) -> list[Slide]:
    """All slides in the order of the modules."""
    made = []
    for module in modules:
        parts = sections(module)
        steps = "\n".join(f"1. {heading}" for heading in re.findall(r"^### (.+)$", parts.get("Steps", ""), re.M))
        made.append(Slide(module, module.title, _html(parts.get("You will", "")) + diagram.svg(int(module.number))))
        why = re.findall(r"^> ?(.*)$", parts.get("Steps", ""), re.M)
        if why:
            made.append(Slide(module, "Why it matters", _html(" ".join(why).replace("**Why it matters.**", ""))))
        made.append(Slide(module, "The steps", _html(steps)))
    return made


def sections(module: Module) -> dict[str, str]:
    """A module's text by its second-level headings."""
    found: dict[str, str] = {}
    for part in re.split(r"^## ", module.body, flags=re.M)[1:]:
        heading, _, text = part.partition("\n")
        found[heading.strip()] = text
    return found


def _html(text: str) -> str:
    return str(MarkdownIt("commonmark", {"html": False}).render(text))
