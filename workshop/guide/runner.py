"""Runs the commands of a module in order in one shell, and compares their output with the expected output.

One `bash` runs the whole module, so a variable or a working directory of one command is kept for the next. Standard
output and standard error are compared together, as a terminal shows them. The first difference ends the run and is
reported with the file and the line of the module. Programs have a pipe and no terminal, so they print without colours.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from workshop.guide.module import Block, Command, load
from workshop.guide.values import fill

ANY = "..."
_NAME = re.compile(r"<[a-z][a-z0-9 _-]*>")
SHOWN_LINES = 40


@dataclass(frozen=True)
class Ran:
    """One command that was run."""

    line: int
    text: str
    output: str
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """The result of a module: `problem` says where and what, or is empty; `skipped` counts blocks."""

    path: Path
    problem: str = ""
    commands: list[Ran] = field(default_factory=list)
    skipped: int = 0

    @property
    def ok(self) -> bool:
        return not self.problem


class _Stuck(Exception):
    """A command did not end in time; the text is its output so far."""


class _Gone(Exception):
    """The shell ended; the text is the output before."""


def run_module(
    path: Path,
    env: Mapping[str, str],
    cwd: Path,
    *,
    where: str = "lab",
    before: Callable[[Command], None] = lambda _: None,
    after: Callable[[Ran], None] = lambda _: None,
) -> Result:
    """Run the commands of a module that are meant for `where` (`lab` or `cluster`).

    `env` is the whole environment of the shell: nothing is inherited. Variables in expected lines are replaced from it.
    `before` and `after` are called for each command. Raises ManifestError when the file is no module.
    """
    module = load(path)
    ran: list[Ran] = []
    skipped = 0
    shell = _Shell(env, cwd)
    try:
        for block in module.blocks:
            if block.only and block.only != where:
                skipped += 1
                continue
            for number, command in enumerate(block.commands):
                wanted = block.exit_code if number == len(block.commands) - 1 else 0
                before(command)
                known = len(ran)
                problem = _step(shell, module.path, block, _filled(command, env), wanted, ran)
                for each in ran[known:]:
                    after(each)
                if problem:
                    return Result(path, problem, ran, skipped)
    finally:
        shell.close()
    return Result(path, "", ran, skipped)


def _filled(command: Command, env: Mapping[str, str]) -> Command:
    """The command with variables replaced in its expected lines; the shell expands those of the command."""
    return replace(command, expected=tuple(fill(line, env) for line in command.expected))


def _step(shell: _Shell, path: Path, block: Block, command: Command, wanted: int, ran: list[Ran]) -> str:
    where = f"{path}:{command.line}: `{command.text}`"
    began = time.monotonic()
    try:
        output, code = shell.run(command.text, block.timeout)
    except _Stuck as e:
        return f"{where} did not end within {block.timeout:g} s; it had printed:\n{_tail(str(e))}"
    except _Gone as e:
        return f"{where} ended the shell; it had printed:\n{_tail(str(e))}"
    ran.append(Ran(command.line, command.text, output, code, time.monotonic() - began))
    if code != wanted:
        return f"{where} ended with exit code {code}, expected {wanted}; it printed:\n{_tail(output)}"
    difference = compare(command.expected, output.splitlines())
    if difference is None:
        return ""
    offset, text = difference
    line = command.line + len(command.text.splitlines()) + offset
    return f"{path}:{line}: {text}\nit printed:\n{_tail(output)}"


def compare(expected: tuple[str, ...], printed: list[str]) -> tuple[int, str] | None:
    """None if the lines match, else the index of the first expected line that does not, and why.

    A line `...` matches any number of lines, `...` inside a line any text, `<name>` one word. Runs of spaces count as
    one, so columns may move. A command without expected lines may print anything.
    """
    wanted = list(expected)
    while wanted and not wanted[-1].strip():
        wanted.pop()
    if not wanted:
        return None
    # reachable[i] is the set of numbers of printed lines that the first i expected lines can match.
    reachable: set[int] = {0}
    for index, line in enumerate(wanted):
        if line.strip() == ANY:
            reachable = set(range(min(reachable), len(printed) + 1))
            continue
        pattern = _pattern(line)
        following = {at + 1 for at in reachable if at < len(printed) and pattern.fullmatch(_squeezed(printed[at]))}
        if not following:
            found = repr(printed[max(reachable)]) if max(reachable) < len(printed) else "the end of the output"
            return index, f"expected {line.strip()!r}, found {found}"
        reachable = following
    if len(printed) not in reachable and any(line.strip() for line in printed[max(reachable) :]):
        return len(wanted) - 1, f"expected no more lines, found {printed[max(reachable)]!r}"
    return None


def _pattern(line: str) -> re.Pattern[str]:
    parts = []
    for part in re.split(r"(\.\.\.|<[a-z][a-z0-9 _-]*>)", _squeezed(line)):
        parts.append(".*" if part == ANY else r"\S+" if _NAME.fullmatch(part) else re.escape(part))
    return re.compile("".join(parts))


def _squeezed(line: str) -> str:
    return " ".join(line.split())


def _tail(output: str) -> str:
    lines = output.splitlines()
    return "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])


class _Shell:
    """One bash that reads commands from a pipe and prints a mark and the exit code after each."""

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        self._mark = f"end-{secrets.token_hex(8)}"
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=dict(env), cwd=cwd, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdout.fileno(), False)

    def run(self, text: str, timeout: float) -> tuple[str, int]:
        """Output and exit code of one command. Raises _Stuck, _Gone."""
        # The command must not read the commands that follow it, so its standard input is empty.
        script = f"{{ {text}\n}} </dev/null\nprintf '\\n%s %d\\n' {self._mark} $?\n"
        try:
            self._stdin.write(script.encode())
            self._stdin.flush()
        except BrokenPipeError as e:
            raise _Gone("") from e
        end = re.compile(rb"(?:^|\n)" + self._mark.encode() + rb" (\d+)\n")
        seen = b""
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            while not (found := end.search(seen)):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise _Stuck(seen.decode(errors="replace"))
                if selector.select(left):
                    chunk = self._stdout.read()
                    if chunk == b"":
                        raise _Gone(seen.decode(errors="replace"))
                    seen += chunk or b""
        return seen[: found.start()].decode(errors="replace"), int(found.group(1))

    def close(self) -> None:
        """End the shell and what it started."""
        self._stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stdout.close()
