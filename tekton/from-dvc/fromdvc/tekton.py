"""A Tekton Pipeline with its Tasks. The functions are pure."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from fromdvc.names import labels
from fromdvc.project import Project
from fromdvc.tasks import (
    PYTHON,
    RESULTS,
    SHELL,
    Options,
    Part,
    Work,
    fetch,
    publish,
    stage_params,
    stage_results,
    stage_work,
)

API = "tekton.dev/v1"
WORKSPACE = "source"
PART_OF = "app.kubernetes.io/part-of"
SECURITY = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What restricted-v2 of OpenShift and the Pod Security Standard `restricted` ask for."""
RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}
"""Of each task; a run changes those of a stage by its taskRunSpecs."""
VARIABLES = {
    # A random user id has no home, and no name that DVC could look up.
    "HOME": "/tekton/home",
    "LOGNAME": "dvc",
    "USER": "dvc",
    "DVC_NO_ANALYTICS": "true",
    "DVC_SITE_CACHE_DIR": "/tekton/home/dvc",
}


class Named(TypedDict):
    """A description of a param, a result or a workspace."""

    name: str
    description: NotRequired[str]
    type: NotRequired[str]
    default: NotRequired[str]
    value: NotRequired[str]


class Step(TypedDict):
    """A container of a Task."""

    name: str
    script: str
    args: NotRequired[list[str]]
    env: NotRequired[list[dict[str, Any]]]


class TaskSpec(TypedDict):
    """The fields of a Task that this program uses."""

    description: str
    params: list[Named]
    workspaces: list[Named]
    results: list[Named]
    stepTemplate: dict[str, Any]
    steps: list[Step]


class PipelineTask(TypedDict):
    """The fields of a task of a Pipeline that this program uses."""

    name: str
    displayName: NotRequired[str]
    runAfter: NotRequired[list[str]]
    when: NotRequired[list[dict[str, Any]]]
    taskRef: dict[str, str]
    params: NotRequired[list[Named]]
    workspaces: list[dict[str, str]]


class PipelineSpec(TypedDict):
    """The fields of a Pipeline that this program uses."""

    description: str
    params: list[Named]
    workspaces: list[Named]
    results: list[Named]
    tasks: list[PipelineTask]
    # `finally` is a word of Python: see `_pipeline`.


class Manifest(TypedDict):
    """An object as it is applied."""

    apiVersion: str
    kind: str
    metadata: dict[str, Any]
    spec: Any


def tekton(project: Project, options: Options) -> list[Manifest]:
    """The Tasks fetch, stage and publish, and the Pipeline that runs the second for each stage."""
    works = (fetch(project), stage_work(), publish(project))
    return [*(_task(work, project, options) for work in works), _pipeline(project, options, *works)]


def task_names(project: Project) -> dict[str, str]:
    """The name of each stage's task."""
    return labels([stage.name for stage in project.stages], taken=("fetch", "publish"))


def _manifest(kind: str, name: str, options: Options, spec: Any) -> Manifest:
    metadata = {"name": name, "labels": {"app.kubernetes.io/name": name, PART_OF: options.name}}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def _task(work: Work, project: Project, options: Options) -> Manifest:
    env_from = [{"configMapRef": {"name": name, "optional": True}} for name in options.config_maps]
    env_from += [{"secretRef": {"name": name, "optional": True}} for name in options.secrets]
    variables = {
        **VARIABLES,
        "FOLDER": project.folder,
        "DVC_ROOT": project.dvc_root,
        **{f"PARAM_{name.upper()}": f"$(params.{name})" for name in work.params},
        **{f"RESULT_{name.upper()}": f"$(results.{name}.path)" for name in work.results},
    }
    spec: TaskSpec = {
        "description": work.description,
        "params": [_param(name, *said) for name, said in work.params.items()],
        "workspaces": [{"name": WORKSPACE, "description": "The clone; all tasks of a run share it."}],
        "results": [{"name": name, "description": RESULTS[name]} for name in work.results],
        "stepTemplate": {
            "image": options.image,
            "workingDir": f"$(workspaces.{WORKSPACE}.path)",
            "env": [{"name": name, "value": value} for name, value in variables.items()],
            **({"envFrom": env_from} if env_from else {}),
            "computeResources": RESOURCES,
            "securityContext": SECURITY,
        },
        "steps": [_step(part, options) for part in work.parts],
    }
    return _manifest("Task", f"{options.name}-{work.name}", options, spec)


def _param(name: str, description: str, default: str | None) -> Named:
    param: Named = {"name": name, "description": description}
    return param if default is None else {**param, "default": default}


def _step(part: Part, options: Options) -> Step:
    step: Step = {"name": part.name, "script": (PYTHON if part.python else SHELL) + part.text}
    if part.args:
        step["args"] = list(part.args)
    if part.login:
        password = {"name": options.git_login, "key": "password", "optional": True}
        step["env"] = [{"name": "GIT_PASSWORD", "valueFrom": {"secretKeyRef": password}}]
    return step


def _pipeline(project: Project, options: Options, first: Work, each: Work, last: Work) -> Manifest:
    names = task_names(project)
    workspaces = [{"name": WORKSPACE, "workspace": WORKSPACE}]
    tasks: list[PipelineTask] = [
        {
            "name": first.name,
            "taskRef": {"name": f"{options.name}-{first.name}"},
            "params": [{"name": name, "value": f"$(params.{name})"} for name in first.params],
            "workspaces": workspaces,
        }
    ]
    for stage in project.stages:
        label = names[stage.name]
        task: PipelineTask = {
            "name": label,
            "runAfter": sorted(names[needed] for needed in stage.after) or [first.name],
            "taskRef": {"name": f"{options.name}-{each.name}"},
            "params": [{"name": name, "value": value} for name, value in stage_params(stage).items()],
            "workspaces": workspaces,
        }
        tasks.append(task if label == stage.name else {**task, "displayName": stage.name})
    end = {
        "name": last.name,
        # Without a clone there is nothing to publish.
        "when": [{"input": f"$(tasks.{first.name}.status)", "operator": "in", "values": ["Succeeded"]}],
        "taskRef": {"name": f"{options.name}-{last.name}"},
        "params": [
            {"name": "branch", "value": "$(params.branch)"},
            {"name": "run", "value": "$(context.pipelineRun.name)"},
            {"name": "status", "value": "$(tasks.status)"},
        ],
        "workspaces": workspaces,
    }
    spec: PipelineSpec = {
        "description": f"The stages of {project.folder}/dvc.yaml. Unchanged stages are skipped.",
        "params": [
            *(_param(name, *said) for name, said in first.params.items()),
            _param("branch", *last.params["branch"]),
        ],
        "workspaces": [{"name": WORKSPACE, "description": "The clone and DVC's cache; all tasks of a run share it."}],
        "results": _results(project, names, last),
        "tasks": tasks,
    }
    return _manifest("Pipeline", options.name, options, {**spec, "finally": [end]})


def _results(project: Project, names: dict[str, str], last: Work) -> list[Named]:
    """The commit, and the params, metrics and plots of the stages that have some."""
    made: list[Named] = [
        {"name": name, "description": RESULTS[name], "value": f"$(finally.{last.name}.results.{name})"}
        for name in last.results
    ]
    for label, result, stage in stage_results(project, names):
        about = f"The {result} of {stage.name}, as JSON."
        value = f"$(tasks.{label}.results.{result})"
        made.append({"name": f"{label}-{result}", "description": about, "value": value})
    return made
