"""Which PipelineRuns of `.tekton/` an event starts, by their annotations (pkg/matcher/annotation_matcher.go)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workshop.lab.controllers.celvalues import ExpressionError
from workshop.lab.controllers.pipelinesascode import keys
from workshop.lab.controllers.pipelinesascode.annotations import AnnotationError, values
from workshop.lab.controllers.pipelinesascode.event import COMMANDS, INCOMING, LABELED, ON_COMMENT, PUSH, Event
from workshop.lab.controllers.pipelinesascode.expressions import is_match
from workshop.lab.controllers.pipelinesascode.globs import matches
from workshop.manifests.objects import Object, annotations_of
from workshop.manifests.patterns import PatternError, compiled

HEADS, TAGS = "refs/heads/", "refs/tags/"
log = logging.getLogger("workshop.lab.pipelinesascode")


@dataclass
class Matched:
    """The PipelineRuns that an event starts, the event (a comment that matches changes its type), and the errors.

    `errors` has a text for each PipelineRun whose annotations cannot be evaluated.
    """

    runs: list[Object]
    event: Event
    errors: dict[str, str] = field(default_factory=dict)


def original_name(run: Object) -> str:
    """The name of a PipelineRun of `.tekton/`: generateName goes before name."""
    meta = run["metadata"]
    return str(meta.get("generateName") or meta.get("name") or "")


def match(runs: Sequence[Object], event: Event, params: Mapping[str, str]) -> Matched:
    """The PipelineRuns of `.tekton/` for an event. `params` are those of the Repository."""
    found = Matched([], event)
    for run in runs:
        name, annotations = original_name(run), annotations_of(run)
        if event.pipeline:
            if event.pipeline == name.removesuffix("-"):
                found.runs.append(run)
                continue
            if event.type != INCOMING or event.pipeline != name:
                continue
        try:
            pattern = annotations.get(keys.ON_COMMENT)
            if pattern is not None and event.comment and compiled(pattern).search(event.comment.strip("\r\n").strip()):
                found.event = replace(found.event, type=ON_COMMENT)
                found.runs.append(run)
            elif not found.event.is_comment and _applies(annotations, event, params):
                found.runs.append(run)
        except (AnnotationError, ExpressionError, PatternError) as e:
            found.errors[name] = str(e)
    return found


def _applies(annotations: Mapping[str, str], event: Event, params: Mapping[str, str]) -> bool:
    if (expression := annotations.get(keys.ON_CEL)) is not None:
        return is_match(expression, event, params)
    if event.type == LABELED and keys.ON_LABEL not in annotations:
        return False
    targets = [INCOMING, PUSH] if event.type == INCOMING else [event.target]
    if not _is_wanted(annotations, keys.ON_EVENT, targets, globs=False):
        return False
    if not _is_wanted(annotations, keys.ON_TARGET_BRANCH, [event.base_branch], globs=True):
        return False
    paths = event.changed.all
    if keys.ON_PATH in annotations and not any_matches(annotations[keys.ON_PATH], paths, globs=True):
        return False
    if keys.ON_LABEL in annotations and not any_matches(annotations[keys.ON_LABEL], event.labels, globs=False):
        return False
    return keys.ON_PATH_IGNORE not in annotations or not any_matches(
        annotations[keys.ON_PATH_IGNORE], paths, globs=True
    )


def _is_wanted(annotations: Mapping[str, str], key: str, targets: Iterable[str], *, globs: bool) -> bool:
    text = annotations.get(key, "")
    if text == "[]":
        raise AnnotationError(f"annotation {key} is empty")
    return bool(text) and any_matches(text, targets, globs=globs)


def any_matches(text: str, targets: Iterable[str], *, globs: bool) -> bool:
    """Whether a value of an annotation is one of the targets, or matches one as a glob. Raises AnnotationError."""
    wanted = values(text)
    return any(one == target or (globs and branch_matches(one, target)) for target in targets for one in wanted)


def branch_matches(pattern: str, branch: str) -> bool:
    """Whether a pattern matches a branch, a tag or a path; without a prefix both are below refs/heads/."""
    if not pattern.startswith(TAGS):
        pattern = pattern if pattern.startswith(HEADS) else HEADS + pattern
        branch = branch if branch.startswith((HEADS, TAGS)) else HEADS + branch
    return matches(pattern, branch)


def no_match(runs: Sequence[Object], event: Event) -> str:
    """The message when no PipelineRun matches."""
    found = []
    for run in runs:
        on = ", ".join(
            f"{key.removeprefix(keys.GROUP + '/')}: {'celexpression' if key == keys.ON_CEL else value}"
            for key, value in annotations_of(run).items()
            if key.startswith(f"{keys.GROUP}/on-")
        )
        found.append(f"[PipelineRun: {original_name(run)}, annotations: {on}]")
    kind = "" if event.is_comment or event.type in COMMANDS else f" payload target event is {event.type} with"
    return (
        f"cannot match the event to any pipelineruns in the .tekton/ directory,{kind} source branch "
        f"{event.head_branch} and target branch {event.base_branch}. available annotations of the PipelineRuns "
        f"annotations in .tekton/ dir: {', '.join(found)}"
    )
