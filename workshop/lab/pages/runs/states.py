"""The states of runs, tasks and steps: a word and one of the five marks of the pages.

The marks are `ok`, `run`, `bad`, `warn` and `idle`. Pages show Tekton's own reasons next to the word, because the
documentation and `tkn` use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workshop.lab.controllers.tekton.nodes import CANCELLED_REASONS
from workshop.languages.catalog import N_
from workshop.manifests.objects import Object, condition

_RUN_CANCELLED = ("Cancelled", "CancelledRunningFinally", "StoppedRunningFinally", *CANCELLED_REASONS)


@dataclass(frozen=True)
class State:
    """A word and its mark; `reason` and `message` are Tekton's."""

    word: str
    mark: str
    reason: str = ""
    message: str = ""


WAITING = State(N_("Waiting"), "idle")
APPROVAL = State(N_("Waits for approval"), "warn")


def run_state(obj: Object) -> State:
    """The state of a PipelineRun, TaskRun or CustomRun, by its condition Succeeded."""
    found = condition(obj)
    reason, message = str(found.get("reason") or ""), str(found.get("message") or "")
    value = found.get("status")
    if reason in _RUN_CANCELLED:
        word, mark = (N_("Stopping") if value == "Unknown" else N_("Cancelled")), "warn"
    elif value == "True":
        word, mark = N_("Succeeded"), "ok"
    elif value == "False":
        ignored = reason == "FailureIgnored"
        word, mark = (N_("Failed, ignored"), "warn") if ignored else (N_("Failed"), "bad")
    elif reason in ("Pending", "PipelineRunPending") or not found:
        word, mark = N_("Pending"), "idle"
    elif reason == "ToBeRetried":
        word, mark = N_("Retrying"), "run"
    else:
        word, mark = N_("Running"), "run"
    return State(word, mark, reason, message)


def step_state(step: Mapping[str, Any]) -> State:
    """The state of a step, by its entry in a TaskRun's status."""
    ended = step.get("terminated")
    if ended:
        code, why = int(ended.get("exitCode") or 0), str(step.get("terminationReason") or "")
        if why == "Skipped":
            return State(N_("Skipped"), "idle", why, N_("a step before it failed"))
        if why == "Continued":
            return State(f"Exit code {code}, ignored", "warn", why)
        if why == "TaskRunCancelled":
            return State(N_("Cancelled"), "warn", why)
        if why in ("TaskRunTimeout", "TimeoutExceeded"):
            return State(N_("Timed out"), "bad", why)
        return State(N_("Done"), "ok", why) if code == 0 else State(f"Exit code {code}", "bad", why)
    if step.get("running"):
        return State(N_("Running"), "run")
    waiting = str((step.get("waiting") or {}).get("reason") or "")
    return State(N_("Waiting"), "idle", waiting)


def is_failure(step: Mapping[str, Any]) -> bool:
    """Whether a step itself failed and made its task fail."""
    return step_state(step).mark == "bad"
