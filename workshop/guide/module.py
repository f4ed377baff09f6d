"""A module of the guide as data: front matter, text and commands with their line numbers.

The Markdown is also readable on a Git host. In a `bash` fence a line that begins with `$ ` is a command. A command
continues in the next line if its line ends with a backslash. Other lines are the expected output of the command above.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.front_matter import front_matter_plugin

from workshop.errors import ManifestError
from workshop.guide.question import Question, questions
from workshop.languages.catalog import N_

FILE_NAME = re.compile(r"(\d\d)-([a-z0-9-]+)\.md\Z")
SECTIONS = ("You will", "You are here", "Steps", "Check", "What changed", "State of the pipeline")
RUNS_ON = ("lab", "cluster", "both")
_NEEDED = ("title", "minutes", "runs-on", "checks")
_OPTIONAL = ("needs", "source")


@dataclass(frozen=True)
class Command:
    """One command: its text without the prompt, and its expected output."""

    line: int
    text: str
    expected: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One `bash` fence. `exit_code` is expected of its last command; `timeout` is in seconds, for each command.

    `only` is `lab` or `cluster` if the block runs only there. `fold` is the label under which the page hides the block
    until the reader opens it, because the block contains an answer.
    """

    line: int
    commands: tuple[Command, ...]
    exit_code: int = 0
    timeout: float = 60.0
    only: str = ""
    fold: str = ""


@dataclass(frozen=True)
class Module:
    """One module. `body` is the Markdown after the front matter, from line `body_line` of the file on.

    `needs` are the numbers of the modules whose results this one needs; `questions` are those that the reader answers
    before a command. A translation has `source`: the digest of the
    text that was translated. If that text has changed, the translation is stale.
    """

    path: Path
    number: str
    slug: str
    title: str
    minutes: int
    runs_on: str
    checks: bool
    body: str
    body_line: int
    blocks: tuple[Block, ...]
    needs: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    source: str = ""

    @property
    def name(self) -> str:
        return f"{self.number}-{self.slug}"


def load_all(folder: Path) -> list[Module]:
    """The modules of a folder in their order. Raises ManifestError."""
    return [load(path) for path in sorted(folder.glob("[0-9][0-9]-*.md"))]


def load(path: Path) -> Module:
    """Read one module. Raises ManifestError with file and line if it is not one.

    Modules that were read before are kept by their text, because a page of the guide reads all of them.
    """
    return _parse(path.read_text(encoding="utf-8"), path)


def parse(text: str, path: Path) -> Module:
    """Read a module from its text; `path` gives the number and the slug, and appears in messages."""
    named = FILE_NAME.search(path.name)
    if named is None:
        raise ManifestError(f"{path}: a module's file is called NN-verb-object.md")
    front, first = _front_matter(text, path)
    blocks = tuple(
        _block(token.info, token.content, token.map[0] + 1, path)
        for token in _markdown().parse(text)
        if token.type == "fence" and token.info.split()[:1] == ["bash"] and token.map
    )
    body = "\n".join(text.splitlines()[first - 1 :]) + "\n"
    return Module(
        path=path,
        number=named.group(1),
        slug=named.group(2),
        title=str(front["title"]),
        minutes=int(str(front["minutes"])),
        runs_on=str(front["runs-on"]),
        checks=front["checks"] is True,
        body=body,
        body_line=first,
        blocks=blocks,
        needs=tuple(str(front.get("needs") or "").split()),
        questions=questions(body, path, first),
        source=str(front.get("source") or ""),
    )


_parse = functools.lru_cache(maxsize=256)(parse)


def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").use(front_matter_plugin)


def _front_matter(text: str, path: Path) -> tuple[Mapping[str, object], int]:
    """The front matter and the line after it."""
    found = re.match(r"---\n(.*?\n)---\n", text, re.S)
    if not found:
        raise ManifestError(
            f"{path}:1: a module begins with front matter between two lines of ---",
            hint=f"it has the fields {', '.join(_NEEDED)}",
        )
    try:
        front = yaml.safe_load(found.group(1))
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        raise ManifestError(f"{path}:{mark.line + 2 if mark else 1}: the front matter is not YAML: {e}") from e
    if not isinstance(front, dict):
        raise ManifestError(f"{path}:1: the front matter has no fields; it needs {', '.join(_NEEDED)}")
    missing = [name for name in _NEEDED if name not in front]
    unknown = [str(name) for name in front if name not in _NEEDED + _OPTIONAL]
    if missing or unknown:
        what = f"lacks {', '.join(missing)}" if missing else f"has the unknown field {unknown[0]}"
        raise ManifestError(f"{path}:1: the front matter {what}; its fields are {', '.join(_NEEDED + _OPTIONAL)}")
    if not isinstance(front["minutes"], int) or not 1 <= front["minutes"] <= 90:
        raise ManifestError(f"{path}:1: minutes is {front['minutes']!r}; allowed is a number from 1 to 90")
    if front["runs-on"] not in RUNS_ON:
        raise ManifestError(f"{path}:1: runs-on is {front['runs-on']!r}; allowed is one of {', '.join(RUNS_ON)}")
    return front, text[: found.end()].count("\n") + 1


def _block(info: str, content: str, line: int, path: Path) -> Block:
    """A fence: `line` is the line of its opening; options are `name=value` words after `bash`."""
    options: dict[str, str] = {}
    for word in info.split()[1:]:
        name, _, value = word.partition("=")
        if name not in ("exit", "timeout", "only", "fold") or not value:
            raise ManifestError(
                f"{path}:{line}: the fence has the option {word!r}; "
                "allowed are exit=<code>, timeout=<seconds>, only=lab or only=cluster, and fold=<a-line-that-opens-it>"
            )
        options[name] = value
    try:
        exit_code, timeout = int(options.get("exit", "0")), float(options.get("timeout", "60"))
    except ValueError as e:
        raise ManifestError(f"{path}:{line}: exit and timeout are numbers: {info!r}") from e
    if options.get("only", "lab") not in ("lab", "cluster"):
        raise ManifestError(f"{path}:{line}: only is {options['only']!r}; allowed is lab or cluster")
    commands = _commands(content, line + 1, path)
    return Block(line, commands, exit_code, timeout, options.get("only", ""), fold_line(options.get("fold", "")))


FOLDS = (N_("Show one way to answer"),)
"""The labels of folded blocks that modules use, for the catalogs."""


def fold_line(option: str) -> str:
    """The label of `fold=show-one-answer`: `Show one answer`."""
    return option.replace("-", " ").capitalize()


def _commands(content: str, line: int, path: Path) -> tuple[Command, ...]:
    commands: list[tuple[int, list[str], list[str]]] = []
    open_command = False
    for number, text in enumerate(content.splitlines(), start=line):
        if open_command:
            commands[-1][1].append(text)
        elif text.startswith("$ "):
            commands.append((number, [text[2:]], []))
        elif commands:
            commands[-1][2].append(text)
            continue
        elif text.strip():
            raise ManifestError(
                f"{path}:{number}: a bash fence begins with a command, `$ ` and its text; "
                "put text that is not run into a fence of another language"
            )
        open_command = text.endswith("\\")
    return tuple(Command(n, "\n".join(typed), tuple(printed)) for n, typed, printed in commands)


def questions_of(modules: Iterable[Module]) -> dict[tuple[str, int], Question]:
    """The questions of modules, by module and number from 1 on."""
    return {(module.number, at): each for module in modules for at, each in enumerate(module.questions, start=1)}
