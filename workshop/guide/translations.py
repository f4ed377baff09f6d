"""Translated modules: `modules/<language>/NN-name.md`, each with the digest of the text that it translates.

A translation has the commands, includes and links of its source, so that both texts are executed by the same tests. If
the English text changed since, the page says so. `python -m workshop.guide.translations` lists what is stale or missing
as a warning, and fails only where a translation would execute something else. `--sync` copies changed blocks of
commands and includes; the translation stays stale until somebody writes the new digest into it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from markdown_it import MarkdownIt

from workshop.errors import ManifestError
from workshop.guide.module import Module, load, load_all
from workshop.languages.catalog import ENGLISH, FOLDER, languages

_LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)(?: \"([^\"]*)\")?\)")
_INCLUDE = re.compile(r"\[[^\]]*\]\(([^)\s]+) \"include[^\"]*\"\)")
_FENCE = re.compile(r"^```[^\n]*\n.*?^```$", re.M | re.S)


@dataclass(frozen=True)
class Translation:
    """A module in a language; `stale` if its source changed since. `language` is English where there is none."""

    language: str
    module: Module
    stale: bool


def digest(module: Module) -> str:
    """The digest of a source that its translation contains: the first 12 digits of the SHA-256 of its file."""
    return hashlib.sha256(module.path.read_bytes()).hexdigest()[:12]


def in_language(module: Module, language: str) -> Translation:
    """A module of the English text in a language. Raises ManifestError for a file that is not a module."""
    path = module.path.parent / language / module.path.name
    if language == ENGLISH.tag or not path.exists():
        return Translation(ENGLISH.tag, module, stale=False)
    made = load(path)
    return Translation(language, made, stale=made.source != digest(module))


def differences(module: Module, translation: Module) -> list[str]:
    """What a translation would do differently: front matter, headings, blocks, includes, answers, and links."""
    found = []
    if _front(translation) != _front(module):
        found.append(f"the front matter is {_front(translation)}, in {module.path.name} {_front(module)}")
    for what, read in (("heading", _headings), ("block", _fences), ("question", _questions), ("link", _links)):
        pairs = zip_longest(read(module), read(translation), fillvalue="nothing")
        found += [f"{what} {at} is {theirs}, in {module.path.name} {ours}" for at, (ours, theirs) in
                  enumerate(pairs, start=1) if ours != theirs]  # fmt: skip
    return [f"{translation.path}: {each}" for each in found]


def _front(module: Module) -> tuple[object, ...]:
    return module.minutes, module.runs_on, module.checks, module.needs


def _headings(module: Module) -> list[str]:
    return re.findall(r"^#+(?= )", _FENCE.sub("", module.body), re.M)


def _fences(module: Module) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(module.body)
    return [f"```{token.info}\n{token.content}```" for token in tokens if token.type == "fence"]


def _questions(module: Module) -> list[str]:
    """The number of choices of each question, and its answer."""
    return [f"{len(each.choices)} choices, answer {each.answer}" for each in module.questions]


def _links(module: Module) -> list[str]:
    """Targets of links, files relative to the kit, and what an include shows."""
    found = []
    for image, target, title in _LINK.findall(_FENCE.sub("", module.body)):
        known = re.match(r"[a-z]+:|\$|#", target) or ("/" not in target and target.endswith(".md"))
        place = target if known else str((module.path.parent / target).resolve())
        found.append(f"{image}{place} {title if title.startswith('include') else ''}".strip())
    return sorted(found)


_BLOCK = re.compile(rf"{_FENCE.pattern}|^{_INCLUDE.pattern}$", re.M | re.S)


def sync(module: Module, translation: Module) -> None:
    """Copy the fences and includes of the source. Raises ManifestError if their number differs."""
    text, path = translation.path.read_text(encoding="utf-8"), translation.path
    blocks = [found.group() for found in _BLOCK.finditer(module.body)]
    if len(blocks) != len(_BLOCK.findall(text)):
        raise ManifestError(
            f"{path}: it has {len(_BLOCK.findall(text))} blocks, {module.path.name} has {len(blocks)}",
            hint="add or remove the block in the translation, then sync again",
        )

    def moved(include: re.Match[str]) -> str:
        target = os.path.relpath(module.path.parent / include.group(1), path.parent)
        return include.group().replace(f"]({include.group(1)} ", f"]({target} ")

    copies = iter(block if block.startswith("```") else _INCLUDE.sub(moved, block) for block in blocks)
    path.write_text(_BLOCK.sub(lambda _: next(copies), text), encoding="utf-8")


def main(words: Sequence[str] = ()) -> int:
    """List what is stale or missing; exit 1 if a translation would execute something else."""
    wrong: list[str] = []
    for module in load_all(FOLDER):
        for language in list(languages())[1:]:
            found = in_language(module, language)
            if found.language != language:
                sys.stdout.write(f"warning: {module.path.parent / language / module.path.name}: not translated yet\n")
                continue
            if "--sync" in words:
                sync(module, found.module)
                found = in_language(module, language)
            wrong += differences(module, found.module)
            if found.stale:
                sys.stdout.write(
                    f"warning: {found.module.path}: stale; source: {digest(module)} once it says what "
                    f"{module.path.name} says\n"
                )
    sys.stdout.write("".join(f"error: {line}\n" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
