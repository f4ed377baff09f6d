"""Applies the rules to files."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from workshop.lab.admission.tekton.decode import fold_case
from workshop.lab.admission.tekton.defaults import (
    default_pipeline,
    default_pipeline_run,
    default_step_action,
    default_task,
    default_task_run,
)
from workshop.lab.api.discovery import SHOWN
from workshop.lab.api.views import view_of
from workshop.lab.kinds import Kinds
from workshop.lint import documents
from workshop.lint.documents import Document
from workshop.lint.findings import Finding, Finds, Found
from workshop.lint.ignoring import with_ignored
from workshop.lint.pipelines import Tasks, check_pipeline
from workshop.lint.refusals import refusals
from workshop.lint.rules import RULES
from workshop.lint.runs import Pipelines, check_pipeline_run, check_task_run
from workshop.lint.seldon import check_seldon
from workshop.lint.tasks import check_step_action, check_task
from workshop.manifests import tekton
from workshop.manifests.objects import Object
from workshop.manifests.places import Path
from workshop.manifests.seldon import SeldonDeployment
from workshop.manifests.tekton.beta import to_v1

_TYPES: dict[str, type[msgspec.Struct]] = {
    "Pipeline": tekton.Pipeline,
    "PipelineRun": tekton.PipelineRun,
    "SeldonDeployment": SeldonDeployment,
    "StepAction": tekton.StepAction,
    "Task": tekton.Task,
    "TaskRun": tekton.TaskRun,
}
LONGEST = 160
"""Characters of a message that repeats a script."""
NOT_THERE = "non-existent variable in"
_NEWEST = {
    (kind.api_version, kind.kind): stored.api_version for kind, stored in SHOWN.items() if kind.kind == stored.kind
}
_DEFAULTS: dict[str, Callable[[Object], None]] = {
    "Pipeline": lambda obj: default_pipeline(obj.get("spec")),
    "PipelineRun": default_pipeline_run,
    "StepAction": lambda obj: default_step_action(obj.get("spec")),
    "Task": lambda obj: default_task(obj.get("spec")),
    "TaskRun": default_task_run,
}


@dataclass(frozen=True)
class Report:
    """The findings in the order of files and lines, and how many objects were checked and left out."""

    findings: list[Finding]
    checked: int
    left_out: int

    @property
    def counted(self) -> list[Finding]:
        """The findings that no comment ignores."""
        return [one for one in self.findings if not one.reason]


@dataclass(frozen=True)
class _Typed:
    """An object of a document, or inside of it, that the rules understand."""

    document: Document
    path: Path
    raw: Object
    typed: msgspec.Struct


def lint(paths: Iterable[str], *, only: Iterable[str] = (), without: Iterable[str] = ()) -> Report:
    """Check files and folders. `only` and `without` name rules. Raises ManifestError for a path that does not exist."""
    read, kinds = documents.read(paths), Kinds()
    found: list[tuple[Document, list[Found]]] = []
    objects: list[_Typed] = []
    for one in read.documents:
        view = view_of(kinds, one.object)
        if view is None:
            continue
        decoded, refused = refusals(view, one.object)
        found.append((one, [*refused, *_old_version(one.object)]))
        objects += _typed(one, decoded) if decoded else []
    tasks, pipelines = _by_name(objects)
    by_document = {id(document): of_it for document, of_it in found}
    for obj in objects:
        by_document[id(obj.document)] += _check(obj, tasks, pipelines)
    chosen = (set(only) or set(RULES)) - set(without)
    findings = [one for one in read.findings if one.rule in chosen]
    for document, of_it in found:
        wanted = [one for one in of_it if one.rule in chosen]
        findings += _placed(document, _without_repeats(wanted))
    result = [one for one in with_ignored(list(dict.fromkeys(findings)), read.lines, chosen) if one.rule in chosen]
    order = {name: place for place, name in enumerate(read.names)}
    result.sort(key=lambda one: (order[one.file], one))
    return Report(result, len(found), len(read.documents) - len(found))


def _typed(document: Document, decoded: Object) -> Iterator[_Typed]:
    """The object of a document, or the runs in a TriggerTemplate."""
    objects: list[tuple[Path, Any]] = [((), decoded)]
    if document.kind == "TriggerTemplate":
        inside = (decoded.get("spec") or {}).get("resourcetemplates") or []
        objects = [(("spec", "resourcetemplates", index), one) for index, one in enumerate(inside)]
    for path, obj in objects:
        raw = to_v1(obj)
        type_ = _TYPES.get(str(raw.get("kind")))
        if type_ is None:
            continue
        full = copy.deepcopy({key: value for key, value in raw.items() if key != "status"})
        try:
            if set_defaults := _DEFAULTS.get(type_.__name__):
                set_defaults(full)
            fold_case(full, type_)
            yield _Typed(document, path, raw, msgspec.convert(full, type_))
        except msgspec.ValidationError:
            continue  # Admission has said why, or a reference of Triggers is where no text may be.


def _by_name(
    objects: Iterable[_Typed],
) -> tuple[dict[str, list[tekton.TaskSpec]], dict[str, list[tekton.PipelineSpec]]]:
    """The Tasks and Pipelines, for rules across objects."""
    tasks: dict[str, list[tekton.TaskSpec]] = defaultdict(list)
    pipelines: dict[str, list[tekton.PipelineSpec]] = defaultdict(list)
    for one in objects:
        name = str((one.raw.get("metadata") or {}).get("name"))
        match one.typed:
            case tekton.Task():
                tasks[name].append(one.typed.spec)
            case tekton.Pipeline():
                pipelines[name].append(one.typed.spec)
    return tasks, pipelines


def _check(obj: _Typed, tasks: Tasks, pipelines: Pipelines) -> Finds:
    path, raw = (*obj.path, "spec"), obj.raw.get("spec")
    fields: dict[str, Any] = raw if isinstance(raw, dict) else {}
    match obj.typed:
        case tekton.Task(spec=spec):
            yield from check_task(spec, path)
        case tekton.StepAction(spec=spec):
            yield from check_step_action(spec, path)
        case tekton.Pipeline(spec=spec):
            yield from check_pipeline(spec, path, tasks)
        case tekton.PipelineRun(spec=spec):
            yield from check_pipeline_run(spec, path, fields, pipelines, tasks)
        case tekton.TaskRun(spec=spec):
            yield from check_task_run(spec, path, fields, tasks)
        case SeldonDeployment():
            yield from check_seldon(obj.typed)


def _old_version(obj: Object) -> Finds:
    version, kind = str(obj["apiVersion"]), str(obj["kind"])
    newest = _NEWEST.get((version, kind))
    if newest:
        yield Found("deprecated-version", ("apiVersion",), f"{kind} {version} has the successor {newest}.")


def _placed(document: Document, found: Iterable[Found]) -> Iterator[Finding]:
    for one in found:
        line, column = document.places.of(one.path, one.text)
        severity = one.severity or RULES[one.rule].severity
        yield Finding(document.file, line, column, one.rule, _shortened(one.message), severity)


def _without_repeats(found: Sequence[Found]) -> Iterator[Found]:
    """The findings of an object without those of admission about params that a rule names with their line."""
    named = [one.text for one in found if one.rule == "undefined-param"]
    for one in found:
        unescaped = one.message.replace('\\"', '"')
        if not (one.rule == "admission" and NOT_THERE in unescaped and any(text in unescaped for text in named)):
            yield one


def _shortened(message: str) -> str:
    """A message without most of a script that it repeats."""
    return message if len(message) <= LONGEST or NOT_THERE not in message else f"{message[:LONGEST]}..."
