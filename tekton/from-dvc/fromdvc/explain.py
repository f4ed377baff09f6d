"""DVC's errors with the file, the line, what was allowed and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

from dvc.exceptions import (
    CyclicGraphError,
    DvcException,
    NotDvcRepoError,
    OutputDuplicationError,
    OverlappingOutputPathsError,
    StagePathAsOutputError,
)
from dvc.parsing import ResolveError
from dvc.schema import FOREACH_IN, MULTI_STAGE_SCHEMA, OUT_PSTAGE_DETAILED_SCHEMA, PLOT_PROPS_SCHEMA, STAGE_DEFINITION
from dvc.utils.serialize import EncodingError
from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

from fromdvc.errors import FromDvcError
from fromdvc.lines import Lines, located

_RESOLVED = re.compile(r"'stages\.([^'.]+)(?:\.([^'.]+))?|stage '([^']+)'")


def explained(error: DvcException, lines: Lines, stages: Sequence[Any]) -> FromDvcError:
    """The error of a project, with its place. `stages` are those that DVC has read before."""
    match error:
        case NotDvcRepoError():
            return located([lines.at()], "it is in no DVC project", hint="dvc init in the root of the project")
        case EncodingError():
            return _encoding(lines.of_file(error.path))
        case YAMLSyntaxError():
            return _syntax(error, lines.of_file(error.relpath))
        case YAMLValidationError():
            return _schema(error, lines.of_file(error.path))
        case ResolveError():
            return _template(error, lines)
        case CyclicGraphError():
            found = [stage for stage in stages if _names(error, stage)]
            names = sorted(stage.addressing for stage in found)
            circle = f"the stages {', '.join(names)} need each other in a circle"
            message = circle if len(names) > 1 else f"the stage {''.join(names)} needs its own output"
            return _at(lines, found, message, "remove one of the deps")
        case OutputDuplicationError():
            message = f"{error.output} is an output of more than one stage"
            return _at(lines, list(error.stages), message, "an output belongs to one stage: give each its own path")
        case OverlappingOutputPathsError():
            outs = (error.parent, error.overlapping_out)
            message = f"the output {outs[1]} is inside the output {outs[0]}"
            hint = "outputs do not contain each other: give each its own folder"
            return _at(lines, [out.stage for out in outs], message, hint)
        case StagePathAsOutputError():
            return located([lines.at("stages")], str(error), hint="a dvc.yaml cannot be inside of an output")
    return located([lines.at()], _one_line(error), hint="dvc repro --dry shows whether DVC can read the project")


def _names(error: CyclicGraphError, stage: Any) -> bool:
    listed = str(error).rpartition(": ")[2].rstrip(".").split(", ")
    return stage.addressing in listed


def _at(lines: Lines, stages: Sequence[Any], message: str, hint: str) -> FromDvcError:
    places = [lines.of_file(stage.path).of_stage(getattr(stage, "name", None) or "") for stage in stages]
    return located(places or [lines.at("stages")], message, hint=hint)


def _encoding(lines: Lines) -> FromDvcError:
    for number, line in enumerate(lines.file.read_bytes().split(b"\n"), start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            message = f"byte 0x{line[error.start]:02x} is not UTF-8"
            return located([f"{lines.shown}:{number}"], message, hint="save the file as UTF-8")
    return located([lines.at()], "it is not in UTF-8", hint="save the file as UTF-8")


def _syntax(error: YAMLSyntaxError, lines: Lines) -> FromDvcError:
    cause = error.exc.__cause__
    mark = getattr(cause, "problem_mark", None) or getattr(cause, "context_mark", None)
    problem = getattr(cause, "problem", None) or "it cannot be read"
    place = f"{lines.shown}:{mark.line + 1 if mark else 1}"
    return located([place], f"bad YAML: {problem}", hint="mend the line; the message is that of DVC's YAML reader")


def _schema(error: YAMLValidationError, lines: Lines) -> FromDvcError:
    first = error.exc.errors[0]
    path = [getattr(part, "schema", part) for part in first.path]
    where = " -> ".join(str(part) for part in path) or "the file"
    allowed = sorted(map(str, _allowed(path[:-1]))) if lines.file.name == "dvc.yaml" else []
    if "extra keys" not in first.error_message or not allowed:
        return located(
            [lines.at(*path)], f"{first.error_message} in {where}", hint="https://dvc.org/doc names the types"
        )
    near = difflib.get_close_matches(str(path[-1]), allowed, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return located([lines.at(*path)], f"unknown key {where}", hint=f"{meant}allowed: {', '.join(allowed)}")


def _allowed(path: Sequence[Any]) -> Sequence[Any]:
    """The keys that DVC's schema allows at a path of dvc.yaml."""
    match path:
        case []:
            return list(MULTI_STAGE_SCHEMA)
        case ["stages", _]:
            return [*STAGE_DEFINITION, *FOREACH_IN]
        case ["stages", _, "do"]:
            return list(STAGE_DEFINITION)
        case [*_, "outs" | "metrics", _, _]:
            return list(OUT_PSTAGE_DETAILED_SCHEMA[str])
        case [*_, "plots", _, _]:
            return list(PLOT_PROPS_SCHEMA)
    return []


def _template(error: ResolveError, lines: Lines) -> FromDvcError:
    found = _RESOLVED.search(str(error))
    place = lines.at("vars")
    if found:
        name = found[1] or found[3]
        place = lines.of_stage(name) if not found[2] else lines.at("stages", name, found[2])
    return located(
        [place], _one_line(error), hint="a template reads vars and params.yaml: ${key.of.params}, ${item} in a foreach"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
