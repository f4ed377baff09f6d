"""Questions of a module that the reader answers before a command shows the result.

A question is a quotation, so that it is also readable on a Git host. It has choices, of which one is right, or it asks
for a number:

    > **Before you run it.** Which model has the larger AUC?
    >
    > - [ ] logistic
    > - [x] boosted
    >
    > **Answer.** The reason.

    > **Before you run it.** How many of 100 flights are late?
    >
    > **Answer: 27.** The reason.

Translations have the same marks. The page shows its own words for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from workshop.errors import ManifestError
from workshop.languages.catalog import N_

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workshop.guide.module import Block

MARK = "**Before you run it.**"
NEAR = 0.1
"""How far from the right number an answer may be, as a share of it."""
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)
_ANSWER = re.compile(r"^\*\*Answer(?:: (-?\d+(?:\.\d+)?))?\.\*\*\s*", re.M)
_CHOICE = re.compile(r"^- \[([ x])\] (.+(?:\n  .+)*)\n?", re.M)
_ASK, _KEEP, _SHOW = N_("Before you run it"), N_("Keep my answer"), N_("Show the answer")
_GIVEN, _RIGHT = N_("Your answer:"), N_("The answer:")
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class Question:
    """A question: its text, its choices, and why the answer is right, in Markdown. `line` is that of the file.

    `answer` is the number of the right choice, from 1 on. Without choices it is the number that was asked for.
    """

    line: int
    text: str
    choices: tuple[str, ...]
    answer: str
    reason: str

    def accepts(self, given: str) -> bool:
        """Whether a reader may give this answer: the number of a choice, or a number."""
        if self.choices:
            return given in map(str, range(1, len(self.choices) + 1))
        return _NUMBER.fullmatch(given) is not None

    def right(self, given: str) -> bool:
        """Whether an answer is right: the right choice, or a number within a tenth of the right one."""
        if not self.accepts(given):
            return False
        if self.choices:
            return given == self.answer
        return abs(float(given) - float(self.answer)) <= abs(float(self.answer)) * NEAR

    def shown(self, given: str) -> str:
        """An answer as Markdown: the text of a choice, or the number."""
        return self.choices[int(given) - 1] if self.choices else given


def questions(text: str, path: Path, first: int = 1) -> tuple[Question, ...]:
    """The questions of a Markdown text whose first line is line `first` of its file. Raises ManifestError."""
    lines = text.splitlines()
    return tuple(
        _question("\n".join(re.sub("^> ?", "", line) for line in lines[start:end]), path, first + start)
        for start, end in _quotations(text)
        if lines[start].startswith(f"> {MARK}")
    )


def _quotations(text: str) -> Iterator[tuple[int, int]]:
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "blockquote_open" and token.level == 0 and token.map:
            yield token.map[0], token.map[1]


def _question(text: str, path: Path, line: int) -> Question:
    answer = _ANSWER.search(text)
    if answer is None:
        raise ManifestError(
            f"{path}:{line}: the question has no answer; its last paragraph begins with **Answer.** or "
            "**Answer: <number>.**"
        )
    asked, reason = text[len(MARK) : answer.start()], text[answer.end() :].strip()
    found = _CHOICE.findall(asked)
    right = [at for at, (box, _) in enumerate(found, start=1) if box == "x"]
    if found and (len(found) < 2 or len(right) != 1 or answer[1]):
        raise ManifestError(
            f"{path}:{line}: the question has {len(found)} choices and {len(right)} of them right; "
            "allowed are two or more with one [x], and **Answer.** without a number"
        )
    if not found and not answer[1]:
        raise ManifestError(f"{path}:{line}: the question has no choices, so its answer is **Answer: <number>.**")
    choices = tuple(" ".join(choice.split()) for _, choice in found)
    return Question(line, _CHOICE.sub("", asked).strip(), choices, str(right[0]) if right else answer[1], reason)


def beside(asked: Sequence[Question], blocks: Sequence[Block], where: str) -> Mapping[int, tuple[int, list[Question]]]:
    """The questions before each block of commands, by the line of its first command, with that of its last one.

    `where` is `lab` or `cluster`: a question belongs to the next block that runs there.
    """
    runs = [block for block in blocks if block.commands and block.only in ("", where)]
    found: dict[int, tuple[int, list[Question]]] = {}
    for question in asked:
        block = next((block for block in runs if block.line > question.line), None)
        if block:
            first, last = block.commands[0].line, block.commands[-1].line
            found.setdefault(first, (last, []))[1].append(question)
    return found


def form(question: Question, module: str, number: int, given: str, translated: Callable[[str], str]) -> str:
    """The question as a form. `given` is the reader's answer so far, or empty.

    Without JavaScript the answer opens, and nothing is kept: the script shows the button that keeps it.
    """
    name = f"question-{module}-{number}"
    if not question.accepts(given):
        given = ""
    if question.choices:
        options = "".join(
            f'<label><input type="radio" name="answer" value="{at}" required{" checked" if given == str(at) else ""}> '
            f"<span>{_inline(choice)}</span></label>\n"
            for at, choice in enumerate(question.choices, start=1)
        )
        field = f'<div class="choices" role="radiogroup" aria-labelledby="{name}">\n{options}</div>\n'
    else:
        field = (
            f'<p><input type="number" step="any" name="answer" required autocomplete="off" aria-labelledby="{name}" '
            f'value="{escape(given)}"></p>\n'
        )
    mine = f'<p class="given"{"" if given else " hidden"}>{escape(translated(_GIVEN))} <b>'
    mine += f"{_inline(question.shown(given)) if given else ''}</b></p>\n"
    answer = _solution(question, translated)
    return (
        f'<form class="question" data-module="{module}" data-question="{number}">\n'
        f'<p class="mark">{escape(translated(_ASK))}</p>\n'
        f'<div id="{name}">{_block(question.text)}</div>\n{field}'
        f'<p class="buttons no-print"><button class="ghost" type="submit" hidden>'
        f"{escape(translated(_KEEP))}</button> "
        f'<span class="small" role="status"></span></p>\n'
        f"<details><summary>{escape(translated(_SHOW))}</summary>\n{mine}{answer}"
        "</details>\n</form>\n"
    )


def slide(question: Question, translated: Callable[[str], str]) -> str:
    """The question for a slide: its choices, and an answer that opens."""
    choices = "\n".join(f"1. {choice}" for choice in question.choices)
    summary = escape(translated(_SHOW))
    return (
        f"{_block(question.text)}{_block(choices)}"
        f"<details><summary>{summary}</summary>\n{_solution(question, translated)}</details>\n"
    )


def plain(question: Question) -> list[str]:
    """The question as lines for a terminal."""
    return [" ".join(question.text.split()), *(f"{at}. {each}" for at, each in enumerate(question.choices, start=1))]


def plain_answer(question: Question) -> str:
    """The answer and its reason as one line for a terminal."""
    return f"{question.shown(question.answer)}: {' '.join(question.reason.split())}"


def _solution(question: Question, translated: Callable[[str], str]) -> str:
    right = escape(translated(_RIGHT))
    return f"<p>{right} <b>{_inline(question.shown(question.answer))}</b></p>\n{_block(question.reason)}"


def _block(text: str) -> str:
    return str(_MARKDOWN.render(text))


def _inline(text: str) -> str:
    return str(_MARKDOWN.renderInline(text))
