"""The error of a run that cannot start or continue."""

from __future__ import annotations

from workshop.manifests.objects import Object

USER = "[User error] "
"""How Tekton begins the message of a failure that the manifests cause (docs/pipelineruns.md of tektoncd/pipeline)."""


class RunError(Exception):
    """A run cannot start or continue. `reason` and the message become its condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def pod_refused(run: Object, why: str) -> RunError:
    """The error of a TaskRun whose Pod cannot be created. Source: handlePodCreationError in taskrun.go."""
    meta, ref = run["metadata"], run["spec"].get("taskRef")
    hint = f"missing or invalid Task {meta['namespace']}/{ref.get('name', '')}" if ref else "invalid TaskSpec"
    return RunError("PodCreationFailed", f'failed to create task run pod "{meta["name"]}": {why}. Maybe {hint}')


def user_error(reason: str, message: str) -> RunError:
    """A RunError whose cause is in the manifests. Source: WrapUserError in pkg/apis/pipeline/errors."""
    return RunError(reason, USER + message)
