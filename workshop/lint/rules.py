"""The rules of the linter. The page RULES.md is made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Rule:
    """One rule: what it finds, why that matters, and what to do."""

    id: str
    severity: Severity
    finds: str
    why: str
    advice: str


_RULES = (
    Rule(
        "admission", "error",
        "An object that the API server or a webhook refuses.",
        "The object does not reach the cluster. The message is that of the lab's own admission, which follows Tekton, "
        "Triggers, Seldon and OpenShift.",
        "Mend the field; `oc explain KIND.spec` lists what is allowed.",
    ),
    Rule(
        "alpha-field", "error",
        "A field that needs a feature flag which OpenShift Pipelines leaves off.",
        "The webhook refuses it, unless an administrator sets the flag in the ConfigMap `feature-flags`.",
        "Leave the field out.",
    ),
    Rule(
        "beta-field", "warning",
        "A field of Tekton's beta API: remote resolvers, `matrix`, StepActions, workspaces of a step, resources of a "
        "whole Task or of single steps of a run.",
        "A cluster with `enable-api-fields: stable` refuses it, and it may change with notice.",
        "Keep it only if all your clusters have `enable-api-fields: beta`, the default of OpenShift Pipelines.",
    ),
    Rule(
        "deprecated-version", "warning",
        "An object in an API version that has a successor.",
        "The old version will not be served for ever, and new fields are missing in it.",
        "Write the newer apiVersion; some fields have other names in it.",
    ),
    Rule(
        "floating-image", "warning",
        "An image without a digest, also as the default of a param that names one. Images of OpenShift's own registry "
        "are left out, because they are built in the cluster.",
        "A tag can be moved, so the same manifest may run another program tomorrow.",
        "Name the image as NAME@sha256:..., which `skopeo inspect` prints.",
    ),
    Rule(
        "missing-param", "error",
        "A task or a run that does not give a param which its Task or Pipeline requires.",
        "The run fails before its first step.",
        "Give the param a value, or a default where it is declared.",
    ),
    Rule(
        "missing-timeout", "warning",
        "A run without a timeout, or a PipelineRun of more than an hour with a task that has no timeout.",
        "A run without one ends after the default of the cluster, mostly one hour, whatever it does. So does a task: "
        "`timeouts.pipeline` does not prolong it, `timeouts.tasks` does. Other tasks need none, the run limits them.",
        "Set spec.timeout of a TaskRun, and spec.timeouts.pipeline of a PipelineRun, with timeouts.tasks if that is "
        "longer than an hour.",
    ),
    Rule(
        "missing-workspace", "error",
        "A task or a run that does not bind a workspace which its Task or Pipeline requires.",
        "The run fails before its first step.",
        "Bind the workspace, or declare it with `optional: true`.",
    ),
    Rule(
        "pod-security", "warning",
        "What a SecurityContextConstraint of OpenShift does not allow: privileged steps, user ids, capabilities, "
        "volumes of the host. It is an error where `pipelines-scc`, that of OpenShift Pipelines, refuses it too; for a "
        "SeldonDeployment, where `restricted-v2` refuses it.",
        "The Pod is not created, so the task fails.",
        "Remove the field; OpenShift chooses the user id.",
    ),
    Rule(
        "script-injection", "warning",
        "A reference to a param or a result inside a script, or inside the text of `sh -c`.",
        "Tekton replaces the text before the shell reads it, so a value with quotes or `$(...)` runs as a command.",
        "Pass it by env, and use the variable in double quotes.",
    ),
    Rule(
        "undefined-param", "error",
        "A reference to a param that is not declared.",
        "It stays in the text as it is, or the webhook refuses the object.",
        "Declare the param, or correct its name.",
    ),
    Rule(
        "undefined-result", "error",
        "A reference to a result that the task does not declare.",
        "The run fails, in the worst case after the task that would write it.",
        "Declare the result in the Task, or correct its name.",
    ),
    Rule(
        "undefined-workspace", "error",
        "A reference to a workspace that the Task does not declare.",
        "The reference stays in the text as it is, and a path with `$(` does not exist.",
        "Declare the workspace in the Task, or correct its name.",
    ),
    Rule(
        "unknown-image", "warning",
        "An image that the lab's process runtime does not have: neither a tool of its table nor a plain distribution, "
        "and not an image of OpenShift's registry or of localhost, which a build makes.",
        "Its step ends with `ErrImagePull` in a lab without podman. A cluster pulls the image.",
        "Start the lab with `--runtime podman`, or use an image that the warning of `workshop run` names.",
    ),
    Rule(
        "unknown-param", "warning",
        "A value for a param that the Task or the Pipeline does not declare.",
        "Tekton ignores it. Mostly its name has a mistake.",
        "Remove it, or correct its name.",
    ),
    Rule(
        "unknown-workspace", "warning",
        "A workspace for a Task or Pipeline that does not declare it.",
        "The TaskRun of such a Task fails; a Pipeline ignores it. Mostly its name has a mistake.",
        "Remove it, or correct its name.",
    ),
    Rule(
        "unreadable", "error",
        "A file without manifests: no YAML, a template, binary data, a file that is too large or empty.",
        "Nothing in it was checked.",
        "Give whole manifests; a template becomes one with `helm template` or `oc kustomize`.",
    ),
    Rule(
        "unused-ignore", "warning",
        "A comment that ignores a rule which finds nothing there, or that gives no reason.",
        "Later readers do not see whether the exception is still needed.",
        "Remove the comment, or write: # workshop-lint: ignore RULE: the reason",
    ),
    Rule(
        "unused-param", "warning",
        "A declared param that nothing refers to.",
        "Callers give a value without effect.",
        "Remove the declaration, or use the param.",
    ),
    Rule(
        "unused-result", "warning",
        "A declared result that no step writes.",
        "Tasks that use it fail.",
        "Write it to $(results.NAME.path), or remove the declaration.",
    ),
    Rule(
        "unused-workspace", "warning",
        "A declared workspace that nothing refers to.",
        "Callers bind a volume without effect.",
        "Remove the declaration, or use the workspace.",
    ),
)  # fmt: skip
RULES = {rule.id: rule for rule in _RULES}
