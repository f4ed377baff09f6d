"""Command lines as kubectl reads them: flags anywhere, `-n x`, `-nx`, `--name x`, `--name=x`, `--` ends them.

A flag that a verb does not list is refused with the list of those it has: nothing is ignored silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Type = Literal["text", "yes", "many", "optional"]


class BadUsage(Exception):
    """The words cannot be understood; kubectl exits with 1 for it."""


@dataclass(frozen=True)
class Flag:
    """One flag. `yes` takes no value, `many` may be repeated, `optional` may stand alone and means `implied`."""

    name: str
    short: str = ""
    type: Type = "text"
    implied: str = "true"


@dataclass
class Words:
    """A command line, taken apart."""

    args: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    """What stands after `--`."""
    values: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """The last value of a flag."""
        return self.values.get(name, [default])[-1]

    def many(self, name: str) -> list[str]:
        """All values of a flag."""
        return self.values.get(name, [])

    def yes(self, name: str, default: bool = False) -> bool:
        """Whether a flag is set. Raises BadUsage for values other than true and false."""
        value = self.text(name, str(default).lower())
        if value.lower() not in ("true", "false", "1", "0", "t", "f"):
            raise BadUsage(f'invalid argument "{value}" for "--{name}" flag: allowed are true and false')
        return value.lower() in ("true", "1", "t")


GLOBAL = (
    Flag("namespace", "n"),
    Flag("kubeconfig"),
    Flag("context"),
    Flag("request-timeout"),
    Flag("help", "h", "yes"),
    Flag("loglevel"),
    Flag("v", "v"),
)


def parse(argv: Sequence[str], flags: Sequence[Flag], command: str = "") -> Words:
    """Take a command line apart. Raises BadUsage."""
    known = {f"--{flag.name}": flag for flag in flags} | {f"-{flag.short}": flag for flag in flags if flag.short}
    words = Words()
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words.after = rest
            break
        if word == "-" or not word.startswith("-"):
            words.args.append(word)
            continue
        name, value = _split(word, known)
        flag = known.get(name)
        if flag is None:
            kind = "flag" if word.startswith("--") else "shorthand flag"
            listed = ", ".join(sorted(f"--{one.name}" for one in flags))
            raise BadUsage(f"unknown {kind}: {word}\nthe built-in oc knows for {command or 'this'}: {listed}")
        if flag.type == "yes":
            value = value if value is not None else "true"
        elif flag.type == "optional":
            value = value if value is not None else flag.implied
        elif value is None:
            if not rest:
                raise BadUsage(f"flag needs an argument: {word}")
            value = rest.pop(0)
        words.values.setdefault(flag.name, []).append(value)
    return words


def _split(word: str, known: dict[str, Flag]) -> tuple[str, str | None]:
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    name, rest = word[:2], word[2:]
    flag = known.get(name)
    if not rest:
        return name, None
    if flag and flag.type == "yes" and not rest.startswith("="):
        return word, None
    return name, rest.removeprefix("=")
