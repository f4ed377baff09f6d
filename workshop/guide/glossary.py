"""Terms that the guide explains where a module uses one for the first time: a button that shows the explanation.

The button and its popover are plain HTML, so they work with mouse, keyboard and touch, and without JavaScript.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from markdown_it.token import Token

from workshop.languages.catalog import N_

GLOSSARY = {
    "AUC": N_("The area under the ROC curve: 0.5 is a coin toss, 1 is perfect. It does not depend on the threshold."),
    "CEL": N_("Common Expression Language: short expressions over an event, such as body.ref == 'refs/heads/main'."),
    "EventListener": N_(
        "A Tekton object that receives events over HTTP and creates the runs that its triggers describe."
    ),
    "Interceptors": N_("Steps of a Tekton trigger that check or change an event before a run is created."),
    "PromQL": N_("The query language of Prometheus. A query selects time series and computes with them."),
    "ROC": N_("Receiver operating characteristic: found late flights against false warnings, for all thresholds."),
    "SeldonDeployment": N_("An object of Seldon Core that says which models serve, and their shares of the traffic."),
    "canary": N_("A new version that gets a small share of the real requests first."),
}
# Letters of other scripts may follow a term without a space.
_TERM = re.compile("|".join(rf"(?<![A-Za-z]){term}(?![A-Za-z])" for term in sorted(GLOSSARY, key=len, reverse=True)))


def explain(tokens: Sequence[Token], number: str, translated: Callable[[str], str] = str) -> None:
    """Replace the first use of each term in the text by its button; not in headings, links and code."""
    seen: set[str] = set()
    heading = False
    for token in tokens:
        heading = token.type == "heading_open" or (heading and token.type != "heading_close")
        if token.type != "inline" or heading or not token.children:
            continue
        children: list[Token] = []
        links = 0
        for child in token.children:
            links += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            children += [child] if child.type != "text" or links else _explained(child, number, seen, translated)
        token.children = children


def _explained(text: Token, number: str, seen: set[str], translated: Callable[[str], str]) -> list[Token]:
    parts: list[Token] = []
    at = 0
    for found in _TERM.finditer(text.content):
        term = found.group()
        if term in seen:
            continue
        seen.add(term)
        name = f"term-{number}-{term.lower()}"
        shown = Token("html_inline", "", 0)
        meaning = escape(translated(GLOSSARY[term]))
        shown.content = (
            f'<button type="button" class="term" popovertarget="{name}">{escape(term)}</button>'
            f'<span popover id="{name}" class="meaning"><b>{escape(term)}</b> {meaning}</span>'
        )
        parts += [_text(text, text.content[at : found.start()]), shown]
        at = found.end()
    return [*parts, _text(text, text.content[at:])]


def _text(like: Token, content: str) -> Token:
    made = Token("text", "", 0)
    made.content, made.level = content, like.level
    return made
