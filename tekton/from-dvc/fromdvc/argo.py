"""An Argo Workflow of the same meaning. The functions are pure.

A Workflow has one DAG in another: `stages` ends, failed or not, before `publish` begins. Both are targets, so a failed
stage fails the Workflow, although `publish` succeeds.
"""

from __future__ import annotations

import shlex
from typing import Any, NotRequired, TypedDict

from fromdvc.names import labels
from fromdvc.project import Project
from fromdvc.tasks import SHELL, Options, Part, Work, fetch, publish, stage_params, stage_results, stage_work
from fromdvc.tekton import PART_OF, RESOURCES, SECURITY, VARIABLES, Manifest

VOLUME = "source"
MOUNT = "/workspace/source"
HOME = "/tmp"  # noqa: S108 - of one container, and any user id may write there
WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
"""Argo gives it to the Pods of a Workflow."""


class Parameter(TypedDict):
    """A parameter of a template or of an output."""

    name: str
    description: NotRequired[str]
    value: NotRequired[str]
    valueFrom: NotRequired[dict[str, str]]


class DagTask(TypedDict):
    """The fields of a task of a DAG that this program uses."""

    name: str
    template: str
    dependencies: NotRequired[list[str]]
    depends: NotRequired[str]
    arguments: NotRequired[dict[str, list[Parameter]]]


class Template(TypedDict):
    """The fields of a template that this program uses."""

    name: str
    inputs: NotRequired[dict[str, list[Parameter]]]
    outputs: NotRequired[dict[str, list[Parameter]]]
    script: NotRequired[dict[str, Any]]
    dag: NotRequired[dict[str, Any]]


def argo(project: Project, options: Options) -> list[Manifest]:
    """The Workflow, to be created: its name is generated."""
    first, each, last = fetch(project), stage_work(), publish(project)
    metadata = {"generateName": f"{options.name}-", "labels": {PART_OF: options.name}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": options.storage}}}
    term = {"matchLabels": {WORKFLOW_LABEL: "{{workflow.name}}"}}
    same_node = [{"labelSelector": term, "topologyKey": "kubernetes.io/hostname"}]
    spec = {
        "entrypoint": "pipeline",
        "arguments": {"parameters": [_asked(work, name) for work, name in _arguments(first, last)]},
        # One node mounts the volume, so all Pods run there.
        "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": same_node}},
        "securityContext": {"runAsNonRoot": True, "seccompProfile": SECURITY["seccompProfile"]},
        "volumeClaimTemplates": [{"metadata": {"name": VOLUME}, "spec": claim}],
        "templates": [
            _pipeline(project, first, last),
            _stages(project, each),
            *(_script(work, project, options) for work in (first, each, last)),
        ],
    }
    return [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": spec}]


def _names(project: Project) -> dict[str, str]:
    return labels([stage.name for stage in project.stages])


def _arguments(first: Work, last: Work) -> list[tuple[Work, str]]:
    """What a person gives to a Workflow."""
    return [*((first, name) for name in first.params), (last, "branch")]


def _asked(work: Work, name: str) -> Parameter:
    description, default = work.params[name]
    return {"name": name, "description": description, "value": default or ""}


def _pipeline(project: Project, first: Work, last: Work) -> Template:
    given = {
        "branch": "{{workflow.parameters.branch}}",
        "run": "{{workflow.name}}",
        "status": "{{tasks.stages.status}}",
    }
    ended = "(stages.Succeeded || stages.Failed || stages.Errored)"
    tasks: list[DagTask] = [
        _dag_task(first.name, first.name, {name: f"{{{{workflow.parameters.{name}}}}}" for name in first.params}),
        {"name": "stages", "template": "stages", "depends": f"{first.name}.Succeeded"},
        {**_dag_task(last.name, last.name, given), "depends": f"{first.name}.Succeeded && {ended}"},
    ]
    outputs: list[Parameter] = [
        {"name": name, "valueFrom": {"parameter": f"{{{{tasks.{last.name}.outputs.parameters.{name}}}}}"}}
        for name in last.results
    ]
    for label, result, _ in stage_results(project, _names(project)):
        source = f"{{{{tasks.stages.outputs.parameters.{label}-{result}}}}}"
        outputs.append({"name": f"{label}-{result}", "valueFrom": {"parameter": source}})
    return {
        "name": "pipeline",
        "outputs": {"parameters": outputs},
        "dag": {"target": f"stages {last.name}", "tasks": tasks},
    }


def _stages(project: Project, each: Work) -> Template:
    names = _names(project)
    tasks: list[DagTask] = []
    for stage in project.stages:
        task = _dag_task(names[stage.name], each.name, stage_params(stage))
        needed = sorted(names[one] for one in stage.after)
        tasks.append({**task, "dependencies": needed} if needed else task)
    outputs: list[Parameter] = [
        {
            "name": f"{label}-{result}",
            "valueFrom": {"parameter": f"{{{{tasks.{label}.outputs.parameters.{result}}}}}"},
        }
        for label, result, _ in stage_results(project, names)
    ]
    template: Template = {"name": "stages", "dag": {"tasks": tasks}}
    return {**template, "outputs": {"parameters": outputs}} if outputs else template


def _dag_task(name: str, template: str, given: dict[str, str]) -> DagTask:
    parameters: list[Parameter] = [{"name": key, "value": value} for key, value in given.items()]
    return {"name": name, "template": template, "arguments": {"parameters": parameters}}


def _script(work: Work, project: Project, options: Options) -> Template:
    """A kind of task as a container: an Argo script has one."""
    inputs: list[Parameter] = []
    for name, (description, default) in work.params.items():
        parameter: Parameter = {"name": name, "description": description}
        inputs.append(parameter if default is None else {**parameter, "value": default})
    results = {name: f"{HOME}/result-{name}" for name in work.results}
    env_from = [{"configMapRef": {"name": name, "optional": True}} for name in options.config_maps]
    env_from += [{"secretRef": {"name": name, "optional": True}} for name in options.secrets]
    variables = {
        **VARIABLES,
        "HOME": HOME,
        "DVC_SITE_CACHE_DIR": f"{HOME}/dvc",
        "FOLDER": project.folder,
        "DVC_ROOT": project.dvc_root,
        **{f"PARAM_{name.upper()}": f"{{{{inputs.parameters.{name}}}}}" for name in work.params},
        **{f"RESULT_{name.upper()}": path for name, path in results.items()},
    }
    env: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in variables.items()]
    if any(part.login for part in work.parts):
        password = {"name": options.git_login, "key": "password", "optional": True}
        env.append({"name": "GIT_PASSWORD", "valueFrom": {"secretKeyRef": password}})
    script = {
        "image": options.image,
        "command": ["bash"],
        "workingDir": MOUNT,
        "env": env,
        **({"envFrom": env_from} if env_from else {}),
        "resources": RESOURCES,
        "securityContext": SECURITY,
        "volumeMounts": [{"name": VOLUME, "mountPath": MOUNT}],
        "source": SHELL + "".join(_one_after_another(part) for part in work.parts),
    }
    outputs: list[Parameter] = [{"name": name, "valueFrom": {"path": path}} for name, path in results.items()]
    return {
        "name": work.name,
        "inputs": {"parameters": inputs},
        "outputs": {"parameters": outputs},
        "script": script,
    }


def _one_after_another(part: Part) -> str:
    """A part in a shell of its own, as each step of a Task has one."""
    if part.python:
        return f"# {part.name}\npython3 - <<'END'\n{part.text}END\n"
    arguments = f"set -- {shlex.join(part.args)}\n" if part.args else ""
    return f"# {part.name}\n(\n{arguments}{part.text})\n"
