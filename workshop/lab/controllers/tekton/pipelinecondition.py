"""The condition of a PipelineRun, computed from its tasks in the controller's order."""

from __future__ import annotations

from dataclasses import dataclass

from workshop.lab.controllers.tekton.skipping import (
    FINALLY_TIMEOUT,
    TASKS_TIMEOUT,
    TIMEOUT,
    Facts,
)
from workshop.manifests.objects import Truth

_CANCELLING = ("CancelledRunFinally", "StoppedRunFinally")


@dataclass(frozen=True)
class RunCondition:
    """Status, reason and message of the condition `Succeeded`."""

    value: Truth
    reason: str
    message: str


def run_condition(facts: Facts) -> RunCondition:
    """The condition for the current state of the tasks."""
    if facts.tasks_limit and _finals_done(facts):
        text = f'PipelineRun "{facts.name}" failed due to tasks failed to finish within "{facts.tasks_limit}"'
        return RunCondition("False", "PipelineRunTimeout", text)
    skipped = len(facts.reasons)
    ended = [node for node in facts.nodes if node.done]
    ignored = sum(node.ignored for node in ended)
    failed = sum(node.failed for node in ended)
    cancelled = sum(node.cancelled for node in ended)
    incomplete = len(facts.nodes) - len(ended) - skipped - len(facts.invalid)
    failures = f"Failed: {failed} (Ignored: {ignored})" if ignored else f"Failed: {failed}"
    start = f"Tasks Completed: {len(ended)} ({failures}, Cancelled {cancelled})"
    if incomplete:
        text = f"{start}, Incomplete: {incomplete}, Skipped: {skipped}"
        return RunCondition("Unknown", _running_reason(facts, failed - ignored, cancelled), text)
    text = f"{start}, Skipped: {skipped}"
    if facts.invalid:
        why = "; ".join(facts.invalid[name] for name in sorted(facts.invalid))
        text = f"{text}, Failed Validation: {len(facts.invalid)} ({_cut(why)})"
        return RunCondition("False", "PipelineValidationFailed", text)
    for_timeout = any(r in (TIMEOUT, TASKS_TIMEOUT, FINALLY_TIMEOUT) for r in facts.reasons.values())
    if failed > ignored or for_timeout:
        return RunCondition("False", "Failed", text)
    if facts.spec_status in _CANCELLING:
        return RunCondition("False", "Cancelled", f'PipelineRun "{facts.name}" was cancelled')
    if cancelled:
        return RunCondition("False", "Cancelled", text)
    return RunCondition("True", "Completed" if skipped else "Succeeded", text)


def _finals_done(facts: Facts) -> bool:
    return all(node.done or node.name in facts.reasons for node in facts.nodes if node.final)


def _cut(text: str) -> str:
    """A text as the condition shows it: at most 1,024 characters. Source: GetPipelineConditionStatus."""
    return text if len(text) <= 1024 else f"{text[:1024]}..."


def _running_reason(facts: Facts, failed: int, cancelled: int) -> str:
    if facts.spec_status == "CancelledRunFinally":
        return "CancelledRunningFinally"
    if facts.spec_status == "StoppedRunFinally":
        return "StoppedRunningFinally"
    if facts.tasks_limit:
        return "PipelineRunTimeoutRunningFinally"
    if cancelled or (failed and _finals_done(facts)):
        return "PipelineRunStopping"
    return "Running"
