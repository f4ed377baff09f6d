"""Slides, made from the modules' text: what participants will do, why it matters, the steps, the diagram.

For each module: where we are, why, the questions, and what we did. They are generated, so they cannot become outdated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from workshop.guide import diagram, question
from workshop.guide.module import SECTIONS, Module
from workshop.guide.render import WHY, Translated
from workshop.languages.catalog import N_


@dataclass(frozen=True)
class Slide:
    """One slide: HTML rendered from a module's Markdown."""

    module: Module
    title: str
    body: str


def slides(modules: Sequence[Module], translated: Translated = str) -> list[Slide]:
    """All slides in the order of the modules. `translated` gives the words that are not in the modules' texts."""
    made = []
    for module in modules:
        will, steps = section(module, "You will"), section(module, "Steps")
        headings = "\n".join(f"1. {heading}" for heading in re.findall(r"^### (.+)$", steps, re.M))
        made.append(Slide(module, module.title, _html(will) + diagram.svg(int(module.number), translated)))
        why = re.search(rf"^> {re.escape(WHY)}(.*\n(?:>.*\n)*)", steps, re.M)
        if why:
            text = re.sub(r"^> ?", "", why[1], flags=re.M)
            made.append(Slide(module, translated(N_("Why it matters")), _html(text)))
        for each in module.questions:
            made.append(Slide(module, translated(N_("Before you run it")), question.slide(each, translated)))
        made.append(Slide(module, translated(N_("The steps")), _html(headings)))
    return made


def section(module: Module, name: str) -> str:
    """The text of one of SECTIONS; it is found by its place, because translations have other headings."""
    parts = re.split(r"^## .*\n", module.body, flags=re.M)[1:]
    at = SECTIONS.index(name)
    return parts[at] if at < len(parts) else ""


def _html(text: str) -> str:
    return str(MarkdownIt("commonmark", {"html": False}).render(text))
