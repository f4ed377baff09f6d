"""A row of the instructor's board: where a participant is, and what stops them.

It is read from the objects of their namespaces, in the lab and on a cluster alike. Names and messages of runs are text
that participants may write, so they are cut to one line of printable characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workshop.guide.question import Question
from workshop.manifests.objects import Object, condition, labels_of, name_of, namespace_and_name, status_of, truth
from workshop.manifests.quantities import number
from workshop.participants.progress import Help, Progress, one_line, progress_of

RUN_STATES = {"True": "succeeded", "False": "failed", "Unknown": "running"}
LONGEST = 200
"""Characters of the reason of a failed run."""
_PIPELINE, _OWNER, _TASK = "tekton.dev/pipeline", "tekton.dev/pipelineRun", "tekton.dev/pipelineTask"


@dataclass(frozen=True)
class RedRun:
    """The newest run of a pipeline, which failed: in which task and why."""

    namespace: str
    name: str
    pipeline: str
    task: str
    why: str


@dataclass(frozen=True)
class Seen:
    """The objects of a participant's namespaces; `progress` is their ConfigMap."""

    progress: Object | None = None
    pods: Sequence[Object] = ()
    quotas: Sequence[Object] = ()
    runs: Sequence[Object] = ()
    task_runs: Sequence[Object] = ()


@dataclass
class Standing:
    """One participant.

    `module` is the one that they work on, empty when all are done, and `since` the time of its beginning in seconds
    since 1970. `open` are the tasks that its last check found, `failed` how often a check of it found one. `quota` is
    the highest use of any limit in percent, and `quota_of` says of which. `run` is the newest run.
    """

    name: str
    module: str = ""
    since: float | None = None
    done: int = 0
    modules: int = 0
    open: tuple[str, ...] = ()
    failed: int = 0
    help: Help | None = None
    red: list[RedRun] = field(default_factory=list)
    pods: int = 0
    pods_failed: int = 0
    quota: int = 0
    quota_of: str = ""
    run: str = ""
    run_state: str = ""
    run_reason: str = ""
    progress: Progress = field(default_factory=Progress, repr=False)

    @property
    def waits(self) -> bool:
        """Whether the participant waits for help."""
        return self.help is not None and self.help.waits


@dataclass(frozen=True)
class OpenTask:
    """A task of a module that checks find undone: by how many participants, after how many checks of the module."""

    module: str
    task: str
    participants: tuple[str, ...]
    checks: int


@dataclass(frozen=True)
class Score:
    """What a participant predicted: how many of the first answers to the modules' questions are right."""

    name: str
    right: int
    given: int


@dataclass(frozen=True)
class Entry:
    """A participant in the contest: the rules that the gate lacks, as they have shown."""

    name: str
    past: tuple[str, ...]


def contest(rows: Iterable[Standing]) -> list[Entry]:
    """The participants who got a bad model past the gate, those who found the most rules first, then the earliest."""
    found = [(row.name, row.progress.contest) for row in rows]
    entries = [(name, one) for name, one in found if one and one.past]
    entries.sort(key=lambda each: (-len(each[1].past), each[1].at, each[0]))
    return [Entry(name, one.past) for name, one in entries]


def scores(rows: Iterable[Standing], questions: Mapping[tuple[str, int], Question]) -> list[Score]:
    """The participants who have answered a question, those with the most right answers first.

    Of equal numbers, fewer wrong answers come first. `questions` are those of the modules, by module and number.
    """
    found = []
    for row in rows:
        answers = {key: each.first for key, each in row.progress.answers.items() if key in questions}
        right = sum(questions[key].right(first) for key, first in answers.items())
        if answers:
            found.append(Score(row.name, right, len(answers)))
    return sorted(found, key=lambda one: (-one.right, one.given, one.name))


def standing(name: str, seen: Seen, numbers: Sequence[str]) -> Standing:
    """The row of a participant. `numbers` are those of all modules, in their order."""
    progress = progress_of(seen.progress)
    row = Standing(name, progress=progress, modules=len(numbers), help=progress.help)
    row.module = progress.module(numbers)
    row.done = sum(number_ in progress.modules and progress.modules[number_].done for number_ in numbers)
    if progress.modules or progress.here:
        row.since = progress.since(row.module)
    if record := progress.modules.get(row.module):
        row.open, row.failed = record.open, record.failed
    phases = [status_of(one).get("phase") for one in seen.pods]
    row.pods, row.pods_failed = sum(phase in ("Pending", "Running") for phase in phases), phases.count("Failed")
    for one in seen.quotas:
        _quota(row, one, seen.pods)
    _runs(row, seen)
    return row


def open_most(rows: Iterable[Standing]) -> list[OpenTask]:
    """The tasks that checks of modules in work found undone, those of most participants first."""
    found: dict[tuple[str, str], list[Standing]] = {}
    for row in rows:
        for task in row.open if row.failed else ():
            found.setdefault((row.module, task), []).append(row)
    tasks = [
        OpenTask(module, task, tuple(row.name for row in those), sum(row.failed for row in those))
        for (module, task), those in found.items()
    ]
    return sorted(tasks, key=lambda one: (-len(one.participants), -one.checks, one.module, one.task))


def red_runs(runs: Sequence[Object]) -> list[Object]:
    """The newest run of each pipeline of a namespace, if it failed and was not cancelled; the newest first."""
    newest: dict[tuple[str, str], Object] = {}
    for run in sorted(runs, key=_began):
        newest[namespace_and_name(run)[0], pipeline_of(run)] = run
    failed = [run for run in newest.values() if truth(run) == "False" and not _cancelled(run)]
    return sorted(failed, key=_began, reverse=True)


def pipeline_of(run: Object) -> str:
    """The name of a run's Pipeline; empty for one that is written in place."""
    reference: dict[str, Any] = (run.get("spec") or {}).get("pipelineRef") or {}
    return labels_of(run).get(_PIPELINE) or str(reference.get("name") or "")


def _requested(pods: Sequence[Object], namespace: str) -> dict[str, object]:
    """What a quota counts of the Pods of a namespace: a lab has no controller that does."""
    live = [
        one
        for one in pods
        if namespace_and_name(one)[0] == namespace and status_of(one).get("phase") in ("Pending", "Running")
    ]
    found: dict[str, float] = {"pods": len(live), "requests.cpu": 0.0, "requests.memory": 0.0}
    for pod in live:
        for container in (pod.get("spec") or {}).get("containers") or []:
            for what, amount in ((container.get("resources") or {}).get("requests") or {}).items():
                if f"requests.{what}" in found:
                    found[f"requests.{what}"] += number(amount)
    return dict(found)


def _quota(row: Standing, quota: Object, pods: Sequence[Object]) -> None:
    status, namespace = status_of(quota), namespace_and_name(quota)[0]
    hard: dict[str, Any] = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}
    spent: Mapping[str, object] = status.get("used") or _requested(pods, namespace)
    for what, limit in hard.items():
        allowed = number(limit)
        used = round(100 * number(spent.get(what, 0)) / allowed) if allowed else 0
        if used > row.quota:
            row.quota, row.quota_of = used, f"{what} in {namespace}"


def _runs(row: Standing, seen: Seen) -> None:
    last = max(seen.runs, key=_began, default=None)
    if last is not None:
        row.run, row.run_state = "/".join(namespace_and_name(last)), RUN_STATES[truth(last)]
        row.run_reason = str(condition(last).get("reason", ""))
    for run in red_runs(seen.runs):
        namespace, name = namespace_and_name(run)
        failed = sorted(
            (one for one in seen.task_runs if labels_of(one).get(_OWNER) == name and truth(one) == "False"),
            key=lambda one: str(status_of(one).get("completionTime") or ""),
        )
        cause = next((one for one in failed if namespace_and_name(one)[0] == namespace), run)
        task = labels_of(cause).get(_TASK, "") if cause is not run else ""
        why = one_line(str(condition(cause).get("message") or condition(cause).get("reason") or ""), LONGEST)
        row.red.append(RedRun(namespace, name, pipeline_of(run) or name_of(run), task, why))


def _cancelled(run: Object) -> bool:
    return "Cancel" in str(condition(run).get("reason", ""))


def _began(run: Object) -> str:
    return str(status_of(run).get("startTime") or run["metadata"].get("creationTimestamp") or "")
