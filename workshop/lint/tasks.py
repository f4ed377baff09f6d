"""The rules for one Task, wherever it is: an object, or inline in a Pipeline or a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from workshop.lint.findings import Finds, Found
from workshop.lint.images import of_container
from workshop.lint.security import refused_context, refused_task
from workshop.lint.texts import param_of, texts, used
from workshop.manifests.places import Path
from workshop.manifests.tekton import Sidecar, Step, StepActionSpec, StepTemplate, TaskSpec

_FOLDER = re.compile(r"/tekton/results|dirname \"?\$\(results\.")
_SHELLS = re.compile(r"(?:.*/)?(?:ba|da|k|z)?sh")


def check_task(spec: TaskSpec, path: Path, *, params: Iterable[str] = (), passed_on: bool = False) -> Finds:
    """A Task's spec at a path. `params` reach it from around it; with `passed_on`, workspaces do too."""
    yield from _params(spec, path, params)
    yield from _results(spec, path)
    yield from _workspaces(spec, path, passed_on=passed_on)
    template = spec.step_template or StepTemplate()
    if spec.step_template:
        yield from of_container(template.image, (*path, "stepTemplate", "image"), spec.params, path)
    containers: list[tuple[str, Sequence[Step | Sidecar]]] = [("steps", spec.steps), ("sidecars", spec.sidecars)]
    for field, several in containers:
        for index, one in enumerate(several):
            where = (*path, field, index)
            yield from of_container(one.image, (*where, "image"), spec.params, path)
            yield from _injections(one, template if field == "steps" else StepTemplate(), where)
            if isinstance(one, Step):
                yield from _beta(one, where)
    yield from refused_task(spec, path)


def check_step_action(spec: StepActionSpec, path: Path) -> Finds:
    """A StepAction's spec."""
    yield from of_container(spec.image, (*path, "image"), spec.params, path)
    names = {param_of(reference) for _, reference in used(spec)}
    for index, param in enumerate(spec.params):
        if param.name not in names:
            yield Found(
                "unused-param", (*path, "params", index), f"The StepAction does not use its param {param.name}."
            )
    step = Step(command=spec.command, args=spec.args, script=spec.script)
    yield from _injections(step, StepTemplate(), path)
    yield from refused_context(spec.security_context, (*path, "securityContext"))


def _params(spec: TaskSpec, path: Path, around: Iterable[str]) -> Finds:
    declared = {param.name for param in spec.params}
    known, names = declared | set(around), set[str]()
    reported = set[str]()
    for where, reference in used(spec, path):
        name = param_of(reference)
        names.add(name)
        if name and name not in known and name not in reported:
            reported.add(name)
            yield Found("undefined-param", where, f"The param {name} is not declared.", reference.text)
    for index, param in enumerate(spec.params):
        if param.name not in names:
            yield Found("unused-param", (*path, "params", index), f"The Task does not use its param {param.name}.")


def _results(spec: TaskSpec, path: Path) -> Finds:
    of_steps = {result.name for step in spec.steps for result in step.results}
    declared, names = {result.name for result in spec.results}, set[str]()
    # A program may write the files of all results, in the folder of one of them.
    all_written = any(_FOLDER.search(text) for _, text in texts([spec.steps, spec.step_template]))
    for where, reference in used(spec, path):
        parts = reference.parts
        if parts[0] == "results" and parts[-1] == "path":
            names.add(parts[1])
            if parts[1] not in declared | of_steps:
                yield Found("undefined-result", where, f"The Task declares no result {parts[1]}.", reference.text)
    for index, result in enumerate(spec.results):
        if result.name not in names | of_steps and result.value is None and not all_written:
            message = f"No step writes the result {result.name}."
            # A StepAction may write results of the Task by their path.
            if not any(step.ref for step in spec.steps):
                yield Found("unused-result", (*path, "results", index), message)


def _workspaces(spec: TaskSpec, path: Path, *, passed_on: bool) -> Finds:
    declared = {workspace.name for workspace in spec.workspaces}
    names = {usage.name for one in spec.steps for usage in one.workspaces}
    names |= {usage.name for one in spec.sidecars for usage in one.workspaces}
    for where, reference in used(spec, path):
        parts = reference.parts
        if parts[0] == "workspaces":
            names.add(parts[1])
            if parts[1] not in declared and not passed_on:
                yield Found("undefined-workspace", where, f"The Task declares no workspace {parts[1]}.", reference.text)
    everything = "\n".join(text for where, text in texts(spec) if where[0] != "workspaces")
    for index, workspace in enumerate(spec.workspaces):
        mount = workspace.mount_path or f"/workspace/{workspace.name}"
        if workspace.name not in names and mount not in everything and not _is_ambient(mount):
            yield Found(
                "unused-workspace",
                (*path, "workspaces", index),
                f"The Task does not use its workspace {workspace.name}.",
            )


def _is_ambient(mount: str) -> bool:
    """Whether programs use a folder that no text names: the home folder, or one that a program reads by itself."""
    return not mount.startswith("/workspace/") or mount == "/workspace"


def _injections(one: Step | Sidecar, template: StepTemplate, path: Path) -> Finds:
    """References to values of others in what a shell reads."""
    command: Sequence[str] = one.command or ([] if one.script else template.command)
    found = [((*path, "script"), one.script)]
    words = [((*path, "command", index), text) for index, text in enumerate(one.command)]
    words += [((*path, "args", index), text) for index, text in enumerate(one.args)]
    plain = [text for _, text in words] if one.command else [*command, *one.args]
    if plain and _SHELLS.fullmatch(plain[0]) and any(re.fullmatch(r"-\w*c", text) for text in plain[1:]):
        flag = next(index for index, text in enumerate(plain) if index and re.fullmatch(r"-\w*c", text))
        # The word after -c is the program; later ones are its arguments and safe.
        program = plain[flag + 1] if flag + 1 < len(plain) else ""
        found += [(where, text) for where, text in words if text == program]
    for where, text in found:
        seen = set[str]()
        for _, reference in used(text):
            root = reference.parts[0]
            is_result = root in ("tasks", "steps") and "results" in reference.parts
            if (param_of(reference) or is_result) and reference.text not in seen:
                seen.add(reference.text)
                message = f"{reference.text} is replaced before the shell reads the script."
                yield Found("script-injection", where, message, reference.text)


def _beta(step: Step, path: Path) -> Finds:
    if step.ref is not None:
        yield Found("beta-field", (*path, "ref"), "The step refers to a StepAction, a beta feature.")
    if step.workspaces:
        yield Found("beta-field", (*path, "workspaces"), "Workspaces of a single step are a beta feature.")
