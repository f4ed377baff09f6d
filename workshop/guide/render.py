"""A module as HTML: variables replaced by values, included files, and commands whose prompt is not copied.

Raw HTML in a module is shown as text. There is no syntax highlighting.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from workshop.guide import diagram, glossary
from workshop.guide.include import Excerpt, excerpt
from workshop.guide.module import Module, fold_line
from workshop.guide.question import MARK, form, questions
from workshop.guide.values import fill
from workshop.languages.catalog import N_

ON_A_CLUSTER = "**On a cluster:**"
"""How a paragraph begins that applies only on a cluster; a fence has `only=cluster` instead.

Translations have the same words; the page shows them in its language.
"""

WHY = "**Why it matters.**"
"""How the quotation begins that says why a module matters; also in translations."""

Translated = Callable[[str], str]
"""The translation of an English text."""


def sections(module: Module, where: str = "lab") -> Iterator[tuple[str, str, str]]:
    """Heading, anchor and text of each section of a module's page; the first begins with the title.

    `where` is `lab` or `cluster`: what is for the other one is left out. The texts are the Markdown of the module,
    without included files.
    """
    heading, anchor, text = module.title, "", list[str]()
    tokens = _meant_for(where, _markdown().parse(module.body))
    for before, token in itertools.pairwise([Token("", "", 0), *tokens]):
        if before.type == "heading_open":
            yield heading, anchor, " ".join(text)
            heading, anchor, text = token.content, str(before.attrs.get("id", "")), []
        elif token.type in ("inline", "fence"):
            text += token.content.split()
    yield heading, anchor, " ".join(text)


def render(
    module: Module,
    kit: Path,
    known: Mapping[str, str],
    where: str = "lab",
    translated: Translated = str,
    answers: Mapping[int, str] = MappingProxyType({}),
) -> str:
    """The body of a module's page, without the parts for the other place. `where` is `lab` or `cluster`.

    `translated` gives the words that are not in the module's text: labels, the glossary, the diagram. `answers` are the
    reader's answers to the module's questions, by their numbers from 1 on.

    Raises ManifestError if an include fails.
    """
    markdown = _markdown()
    body = fill(module.body, known)
    tokens = _meant_for(where, markdown.parse(body))
    _translate_marks(tokens, translated)
    _ask(tokens, module, body, answers, translated)
    _include(tokens, module, kit, translated)
    _link_modules(tokens)
    _draw(tokens, int(module.number), translated)
    _label_tasks(tokens, translated)
    glossary.explain(tokens, module.number, translated)
    return str(markdown.renderer.render(tokens, markdown.options, {"translated": translated}))


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.use(anchors_plugin, max_level=3, permalink=False).use(tasklists_plugin)
    markdown.add_render_rule("fence", _fence)
    return markdown


def _fence(_: object, tokens: Sequence[Token], index: int, __: OptionsDict, env: EnvType) -> str:
    token, translated = tokens[index], env["translated"]
    words = token.info.split()
    if token.meta.get("html"):
        return str(token.meta["html"])
    if words[:1] == ["bash"]:
        fold = next((fold_line(word[5:]) for word in words if word.startswith("fold=")), "")
        shown = _commands(token.content, translated)
        return f"<details><summary>{escape(translated(fold))}</summary>{shown}</details>\n" if fold else shown
    caption = str(token.meta.get("caption", ""))
    return _code(escape(token.content), token.content, caption, translated)


def _commands(content: str, translated: Translated) -> str:
    """A fence of commands; the copy button leaves out the prompt and the expected output."""
    shown: list[str] = []
    copied: list[str] = []
    goes_on = False
    for line in content.splitlines():
        command = goes_on or line.startswith("$ ")
        text = line[2:] if line.startswith("$ ") and not goes_on else line
        if command:
            prompt = "" if goes_on else '<span class="prompt">$ </span>'
            shown.append(f"{prompt}<b>{escape(text)}</b>")
            copied.append(text)
        else:
            shown.append(f'<span class="output">{escape(line)}</span>')
        goes_on = command and line.endswith("\\")
    return _code("\n".join(shown), "\n".join(copied), "", translated, wrap=True)


def _code(shown: str, copied: str, caption: str, translated: Translated, *, wrap: bool = False) -> str:
    head = f'<span class="caption mono">{escape(caption)}</span>' if caption else ""
    pre = f'<pre data-copy="{escape(copied)}" tabindex="0">{shown}</pre>'
    button = f'<button class="ghost copy" type="button">{escape(translated("Copy"))}</button>'
    names = "code wrap" if wrap else "code"
    return f'<div class="{names}">{head}<div class="box">{pre}{button}</div></div>\n'


def _meant_for(where: str, tokens: Sequence[Token]) -> list[Token]:
    other = "cluster" if where == "lab" else "lab"
    left_out: set[int] = set()
    for at, token in enumerate(tokens):
        if token.type == "fence" and f"only={other}" in token.info.split():
            left_out.add(at)
        elif where == "lab" and token.type == "inline" and token.content.startswith(ON_A_CLUSTER):
            left_out |= {at - 1, at, at + 1}
    return [token for at, token in enumerate(tokens) if at not in left_out]


def _translate_marks(tokens: Sequence[Token], translated: Translated) -> None:
    """The words that the kit reads in every text, in the language of the page."""
    marks = {ON_A_CLUSTER.strip("*"): N_("On a cluster:"), WHY.strip("*"): N_("Why it matters.")}
    for token in tokens:
        for before, child in itertools.pairwise(token.children or []):
            if before.type == "strong_open" and child.content in marks:
                child.content = translated(marks[child.content])


def _ask(tokens: list[Token], module: Module, body: str, answers: Mapping[int, str], translated: Translated) -> None:
    """Replace each quotation that is a question by its form."""
    number, at = 0, 0
    asked = questions(body, module.path, module.body_line)
    while at + 2 < len(tokens):
        if tokens[at].type == "blockquote_open" and tokens[at + 2].content.startswith(MARK):
            end = next(to for to in range(at, len(tokens)) if tokens[to].type == "blockquote_close")
            shown = Token("fence", "", 0)
            shown.meta = {
                "html": form(asked[number], module.number, number + 1, answers.get(number + 1, ""), translated)
            }
            tokens[at : end + 1] = [shown]
            number += 1
        at += 1


def _include(tokens: list[Token], module: Module, kit: Path, translated: Translated) -> None:
    """Replace each paragraph that is one include link by a fence with the file's text."""
    index = 0
    while index + 2 < len(tokens):
        link = _only_link(tokens[index : index + 3])
        if link is not None:
            line = module.body_line + (tokens[index].map or [0])[0]
            title, target = str(link.attrs.get("title", "")), str(link.attrs.get("href", ""))
            shown = excerpt(kit, module.path, line, target, title)
            tokens[index : index + 3] = [_as_fence(shown, translated)]
        index += 1


def _only_link(three: Sequence[Token]) -> Token | None:
    opening, inline, _ = three
    children = inline.children or []
    if opening.type != "paragraph_open" or inline.type != "inline" or not children:
        return None
    first, last = children[0], children[-1]
    alone = first.type == "link_open" and last.type == "link_close" and children.count(first) == 1
    return first if alone and str(first.attrs.get("title", "")).split()[:1] == ["include"] else None


def _as_fence(shown: Excerpt, translated: Translated) -> Token:
    fence = Token("fence", "code", 0)
    fence.info, fence.content, fence.block = shown.language, shown.text, True
    part = translated(N_("{path}, from line {line}")).format(path=shown.path, line=shown.line)
    fence.meta = {"caption": shown.path if shown.line == 1 else part}
    return fence


def _draw(tokens: list[Token], module: int, translated: Translated) -> None:
    """Style the arrow from the notebooks to the dashboard, and add the diagram."""
    for at, (opening, inline) in enumerate(itertools.pairwise(tokens)):
        if opening.type == "paragraph_open" and inline.content.replace("*", "").startswith("notebooks →"):
            opening.attrSet("class", "arrow")
            picture = Token("fence", "", 0)
            picture.meta = {"html": diagram.svg(module, translated)}
            if picture.meta["html"]:
                tokens.insert(at + 3, picture)
            return


def _label_tasks(tokens: Sequence[Token], translated: Translated) -> None:
    """Draw checkboxes as boxes that cannot be ticked, with a word for screen readers."""
    for token in tokens:
        for child in token.children or []:
            if child.type == "html_inline" and "task-list-item-checkbox" in child.content:
                done = "checked" in child.content.replace("checkbox", "")
                word = translated(N_("Done: ") if done else N_("Open: "))
                child.content = (
                    f'<span class="box {"done" if done else "open"}"><span class="visually-hidden">{word}</span></span>'
                )


PAGES = {"model/DATA.md": "/guide/data", "grafana/runbook.md": "/dashboards/runbook"}
"""Files of the kit that have a page, by their paths."""


def _link_modules(tokens: Sequence[Token]) -> None:
    """Links to modules and to files that have a page become links to their pages; external links open in a new tab."""
    for token in tokens:
        for child in token.children or []:
            if child.type != "link_open":
                continue
            href = str(child.attrs.get("href", ""))
            if href.endswith(".md") and "/" not in href:
                child.attrs["href"] = f"/guide/{href.removesuffix('.md')}"
            elif (page := PAGES.get(href.partition("#")[0].replace("../", ""))) is not None:
                child.attrs["href"] = page + "".join(href.partition("#")[1:])
            elif href.startswith("http"):
                child.attrs |= {"target": "_blank", "rel": "noreferrer"}
