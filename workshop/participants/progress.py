"""A participant's progress, in the ConfigMap `workshop-progress` of their dev namespace.

It has the last result of each module's check, their answers to the questions of the modules, the module that they work
on, and their request for help. The guide's
pages and the verbs `check`, `start`, `solve` and `help` write it, in the lab and on a cluster alike. The guide and the
instructor's board show it; a check decides again whether its module is done. A participant may write anything into the
ConfigMap: a value that is too long or has another form is ignored.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from workshop.checks import Finding
from workshop.checks.finding import DRILLS
from workshop.cluster.client import ApiFailure, Client
from workshop.manifests.objects import Object

NAME = "workshop-progress"
HERE, HELP, CONTEST, MODULE, ANSWER = "here", "help", "contest", "module-", "answer-"
"""The keys of the ConfigMap. A module's key ends with its number, an answer's with this and the question's."""
LONGEST = 300
"""Characters of a request for help."""
ANSWER_LENGTH = 20
"""Characters of an answer."""
_TASK, _OPEN, _RULE, _VALUE = 120, 5, 40, 4096
"""Characters of a task's name, tasks of a module, characters of a rule's name, and bytes of a value."""
_NUMBER = re.compile(rf"{MODULE}(\d\d)")
_QUESTION = re.compile(rf"{ANSWER}(\d\d)-([1-9])")
_Count = Annotated[int, Meta(ge=0, le=100_000)]
_Time = Annotated[float, Meta(ge=0, le=10**11)]
_Given = Annotated[str, Meta(min_length=1, max_length=ANSWER_LENGTH)]
_ModuleNumber = Annotated[str, Meta(pattern=r"^\d\d$")]


class CheckRecord(msgspec.Struct, frozen=True):
    """The last check of a module.

    `left` of `tasks` were not done, `at` in seconds since 1970. `failed` counts the checks that the participant asked
    for and that found something left; `open` are the tasks that the last check found.
    """

    left: _Count
    tasks: _Count
    at: _Time
    failed: _Count = 0
    open: Annotated[tuple[Annotated[str, Meta(max_length=_TASK)], ...], Meta(max_length=_OPEN)] = ()

    @property
    def done(self) -> bool:
        return self.left == 0


class Answer(msgspec.Struct, frozen=True):
    """The answer to a question of a module, and when it was given: the number of a choice, or a number.

    `first` is the first answer, from before the reader may have opened the right one.
    """

    given: _Given
    at: _Time
    first: _Given


class Here(msgspec.Struct, frozen=True):
    """The module that the participant last named in a verb or checked, and since when."""

    module: _ModuleNumber
    since: _Time


class Help(msgspec.Struct, frozen=True):
    """A request for help. `helped` is the time at which the instructor marked it, 0 before."""

    module: Annotated[str, Meta(pattern=r"^(\d\d)?$")]
    asked: _Time
    text: Annotated[str, Meta(max_length=LONGEST)] = ""
    helped: _Time = 0.0

    @property
    def waits(self) -> bool:
        return not self.helped


class Contest(msgspec.Struct, frozen=True):
    """The contest: the names of the rules that the gate lacks, as the participant has shown, and when the newest."""

    past: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=_RULE)], ...], Meta(max_length=_OPEN)]
    at: _Time


@dataclass(frozen=True)
class Progress:
    """What the ConfigMap says: `modules` by number, `answers` by module and number of the question."""

    modules: Mapping[str, CheckRecord] = field(default_factory=dict)
    here: Here | None = None
    help: Help | None = None
    contest: Contest | None = None
    answers: Mapping[tuple[str, int], Answer] = field(default_factory=dict)

    def answers_of(self, module: str) -> dict[int, str]:
        """The answers to a module's questions, by number."""
        return {number: each.given for (of, number), each in self.answers.items() if of == module}

    def module(self, numbers: Sequence[str]) -> str:
        """The module that the participant works on: the last one that they named, or after it the first open one.

        `numbers` are those of all modules. Empty when all are done.
        """
        first = numbers.index(self.here.module) if self.here and self.here.module in numbers else 0
        open_ = [one for one in (*numbers[first:], *numbers[:first]) if not self._done(one)]
        return open_[0] if open_ else ""

    def since(self, module: str) -> float | None:
        """When they began with a module, in seconds since 1970: when they named it, or when they ended the one before.

        None when the ConfigMap says neither.
        """
        if self.here and self.here.module == module:
            return self.here.since
        ends = [record.at for record in self.modules.values() if record.done]
        return max(ends, default=self.here.since if self.here else None)

    def _done(self, number: str) -> bool:
        return number in self.modules and self.modules[number].done


Change = Mapping[str, str | None]
"""New values by key of the ConfigMap; None removes a key."""


def progress_of(configmap: Object | None) -> Progress:
    """The progress in a ConfigMap. What cannot be read is left out."""
    data = (configmap or {}).get("data") or {}
    modules, answers = {}, {}
    for key, value in data.items():
        match = _NUMBER.fullmatch(key)
        if match and (record := _read(value, CheckRecord)):
            open_ = tuple(one_line(task, _TASK) for task in record.open)
            modules[match[1]] = msgspec.structs.replace(record, open=open_)
        question = _QUESTION.fullmatch(key)
        if question and (answer := _read(value, Answer)):
            answers[question[1], int(question[2])] = answer
    request = _read(data.get(HELP), Help)
    if request:
        request = msgspec.structs.replace(request, text=one_line(request.text, LONGEST))
    contest = _read(data.get(CONTEST), Contest)
    if contest:
        contest = msgspec.structs.replace(contest, past=tuple(one_line(rule, _RULE) for rule in contest.past))
    return Progress(dict(sorted(modules.items())), _read(data.get(HERE), Here), request, contest, answers)


def one_line(text: str, longest: int) -> str:
    """A text of a participant as one line of printable characters, for a page or a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * longest]).split())[:longest]


def checked(before: Progress, number: str, findings: Iterable[Finding], *, asked: bool) -> Change:
    """After a check of a module. `asked` says whether the participant asked for it; else another verb needed it.

    A verb also looks at modules that the participant has not begun: these are not written.
    """
    found = list(findings)
    open_ = tuple(finding.task[:_TASK] for finding in found if not finding.ok)
    old, now = before.modules.get(number), round(time.time(), 1)
    failed = (old.failed if old else 0) + (1 if asked and open_ else 0)
    record = CheckRecord(len(open_), len(found), now, failed, open_[:_OPEN])
    if not asked and (old is None if open_ else old is not None and old.done):
        return {}
    moved = here(before, number) if asked and open_ else {}
    return {MODULE + number: _text(record), **moved}


def here(before: Progress, number: str) -> Change:
    """After a verb that names a module."""
    if before.here and before.here.module == number:
        return {}
    return {HERE: _text(Here(number, round(time.time(), 1)))}


def answers(before: Progress, number: str, question: int, given: str) -> Change:
    """The answer to a question of a module, of at most ANSWER_LENGTH characters; the first one is kept, too."""
    known = before.answers.get((number, question))
    if known and known.given == given:
        return {}
    first = known.first if known else given
    return {f"{ANSWER}{number}-{question}": _text(Answer(given, round(time.time(), 1), first))}


def entered(before: Progress, past: Iterable[str]) -> Change:
    """After a try in the contest that got past the gate: the rules that it lacks, with those of earlier tries."""
    known = set(before.contest.past) if before.contest else set()
    found = known | {one_line(rule, _RULE) for rule in past}
    if found == known:
        return {}
    return {CONTEST: _text(Contest(tuple(sorted(found))[:_OPEN], round(time.time(), 1)))}


def asks_for_help(before: Progress, number: str, text: str) -> Change:
    """A request for help with a module; `number` may be empty. The text is one line of at most LONGEST characters."""
    return {HELP: _text(Help(number, round(time.time(), 1), one_line(text, LONGEST)))}


def needs_no_help(before: Progress) -> Change:
    """The participant takes the request back."""
    return {HELP: None} if before.help else {}


def helped(before: Progress) -> Change:
    """The instructor has helped."""
    request = before.help
    if request is None or not request.waits:
        return {}
    return {HELP: _text(msgspec.structs.replace(request, helped=round(time.time(), 1)))}


def remember(client: Client, namespace: str, change: Callable[[Progress], Change]) -> Progress:
    """Read the progress of a namespace and write its change; the progress before. Raises ApiFailure, SetupError."""
    before = progress_of(client.find("ConfigMap", namespace, NAME))
    if data := change(before):
        write(client, namespace, data)
    return before


def caught(client: Client, namespace: str, drill: str, evidence: str) -> None:
    """Keep what caught a drill, for the check of its module: an alert ends, and a run is deleted.

    Raises ApiFailure, SetupError.
    """
    write(client, namespace, {drill: one_line(evidence, LONGEST)}, DRILLS)


def write(client: Client, namespace: str, data: Change, name: str = NAME) -> None:
    """Change the keys in `data` and no others. Raises ApiFailure, SetupError."""
    try:
        client.patch("ConfigMap", namespace, name, {"data": dict(data)})
    except ApiFailure as e:
        if e.code != 404:
            raise
        try:
            client.create(configmap(namespace, data, name))
        except ApiFailure as late:
            if late.code != 409:
                raise
            client.patch("ConfigMap", namespace, name, {"data": dict(data)})


def configmap(namespace: str, data: Change, name: str = NAME) -> dict[str, Any]:
    """The ConfigMap with its first keys."""
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "mlops-workshop"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": {key: value for key, value in data.items() if value is not None},
    }


T = TypeVar("T")


def _read(value: object, wanted: type[T]) -> T | None:
    if not isinstance(value, str) or len(value) > _VALUE:
        return None
    try:
        return msgspec.json.decode(value, type=wanted)
    except (msgspec.DecodeError, ValueError):
        return None


def _text(made: msgspec.Struct) -> str:
    return msgspec.json.encode(made).decode()
