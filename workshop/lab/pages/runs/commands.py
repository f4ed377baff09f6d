"""Commands that print a page's content in a terminal, in the lab and on a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from workshop.lab.pages.runs.tasks import Step, Task
from workshop.languages.catalog import N_


@dataclass(frozen=True)
class Command:
    """One line to copy, and its purpose."""

    purpose: str
    line: str


def of_run(namespace: str, name: str) -> tuple[Command, ...]:
    """Commands for a PipelineRun."""
    return (
        Command(N_("The run and its tasks"), f"tkn pipelinerun describe {name} -n {namespace}"),
        Command(N_("All logs, as they come"), f"tkn pipelinerun logs {name} -f -n {namespace}"),
        Command(N_("Its TaskRuns"), f"oc get taskruns -l tekton.dev/pipelineRun={name} -n {namespace}"),
        Command(N_("The whole object"), f"oc get pipelinerun {name} -n {namespace} -o yaml"),
    )


def of_task(task: Task, step: Step | None) -> tuple[Command, ...]:
    """Commands for a TaskRun, and for the log of one step."""
    found = [Command(N_("The TaskRun and its steps"), f"tkn taskrun describe {task.name} -n {task.namespace}")]
    if step and step.log:
        found.append(Command(N_("The step's log"), f"oc logs {step.pod} -c {step.container} -n {task.namespace}"))
    return tuple(found)


def of_task_alone(task: Task) -> tuple[Command, ...]:
    """Commands for a TaskRun without a PipelineRun."""
    return (
        Command(N_("The TaskRun and its steps"), f"tkn taskrun describe {task.name} -n {task.namespace}"),
        Command(N_("All logs, as they come"), f"tkn taskrun logs {task.name} -f -n {task.namespace}"),
        Command(N_("The whole object"), f"oc get taskrun {task.name} -n {task.namespace} -o yaml"),
    )
