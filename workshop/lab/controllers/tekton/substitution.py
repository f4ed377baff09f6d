"""The values of `$(...)` in a Task: params, the run's context, workspaces, paths of results.

The module works on the stored manifest, because the run's status shows the substituted spec. Names, descriptions and
declarations are not changed.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.tekton.params import Values
from workshop.manifests.objects import Object
from workshop.manifests.tekton import TaskSpec, WorkspaceBinding, WorkspaceDeclaration, artifacts
from workshop.manifests.tekton.references import Lookup, Variables, in_value, replaced_tree, replaced_value

_KEPT = ("name", "results", "description", "displayName")
_NAMED = ("env", "workspaces")


def container_name(name: str, index: int) -> str:
    """A step's container: step-<name>, or step-unnamed-<index>."""
    return f"step-{name or f'unnamed-{index}'}"


def task_context(run: Object, task: str, attempt: int) -> Values:
    """The values of `$(context...)` in a TaskRun."""
    meta = run["metadata"]
    return {
        ("context", "taskRun", "name"): meta["name"],
        ("context", "taskRun", "namespace"): meta["namespace"],
        ("context", "taskRun", "uid"): meta["uid"],
        ("context", "task", "name"): task,
        ("context", "task", "retry-count"): str(attempt),
    }


def paths(spec: TaskSpec) -> Values:
    """The paths of results, exit codes and credentials."""
    found: Values = {("credentials", "path"): "/tekton/creds", ("artifacts", "path"): artifacts.TASK_PATH}
    for result in spec.results:
        found[("results", result.name, "path")] = f"/tekton/results/{result.name}"
    for index, step in enumerate(spec.steps):
        container = container_name(step.name, index)
        found[("steps", container, "exitCode", "path")] = f"/tekton/steps/{container}/exitCode"
    return found


def workspace_values(
    declared: list[WorkspaceDeclaration], bound: dict[str, WorkspaceBinding], volumes: dict[str, str]
) -> Values:
    """The values of `$(workspaces...)`. The path of an unbound workspace is empty. `volumes` are the Pod's, by name."""
    found: Values = {}
    for workspace in declared:
        binding = bound.get(workspace.name)
        claim = binding.persistent_volume_claim if binding else None
        path = workspace.mount_path or f"/workspace/{workspace.name}"
        found[("workspaces", workspace.name, "path")] = path if binding else ""
        found[("workspaces", workspace.name, "bound")] = "true" if binding else "false"
        found[("workspaces", workspace.name, "claim")] = claim.claim_name if claim else ""
        found[("workspaces", workspace.name, "volume")] = volumes.get(workspace.name, "")
    return found


def substituted(spec: Object, given: Values, others: Values) -> Object:
    """A Task's spec with its references replaced: first those of params, whose values may hold the others."""
    out = replaced_parts(replaced_parts(spec, Variables(given)), Variables(others))
    for index, step in enumerate(out.get("steps") or []):
        container = container_name(step.get("name", ""), index)
        names = [result["name"] for result in step.get("results") or []]
        own: Values = {("step", "results", one, "path"): f"/tekton/steps/{container}/results/{one}" for one in names}
        own["step", "artifacts", "path"] = artifacts.step_path(container)
        out["steps"][index] = _replaced_item(step, Variables(own))
    return out


def replaced_parts(spec: Object, lookup: Lookup) -> Object:
    """A Task's spec with references replaced in the fields that may contain them."""
    found = dict(spec)
    for key in ("steps", "sidecars", "workspaces"):
        if isinstance(spec.get(key), list):
            found[key] = [_replaced_item(one, lookup) for one in spec[key]]
    if spec.get("stepTemplate"):
        found["stepTemplate"] = _replaced_item(spec["stepTemplate"], lookup)
    if spec.get("volumes"):
        found["volumes"] = replaced_tree(spec["volumes"], lookup)
    return found


def _replaced_item(item: Object, lookup: Lookup) -> Object:
    """A step, a sidecar or a workspace. Its own name stays, and those of its variables, params and workspaces."""
    found = {}
    for key, one in item.items():
        if key in _KEPT:
            found[key] = one
        elif key == "params" and isinstance(one, list):
            # The values for a StepAction may be whole lists.
            found[key] = [{**entry, "value": replaced_value(entry.get("value", ""), lookup)} for entry in one]
        elif key in _NAMED and isinstance(one, list):
            found[key] = [{**replaced_tree(entry, lookup), "name": entry.get("name", "")} for entry in one]
        else:
            found[key] = replaced_tree(one, lookup)
    return found


def workspaces_used(spec: Any) -> set[str]:
    """The workspaces that a spec refers to, declared or not."""
    return {r.parts[1] for r in in_value(spec) if r.parts[0] == "workspaces" and len(r.parts) > 1}
