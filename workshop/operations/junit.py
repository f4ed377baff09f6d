"""Runs as a JUnit report, which GitLab, Jenkins and most other CI systems show.

A run is a testsuite, a task a testcase. The format has no standard: the elements are those that Jenkins and GitLab
read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from workshop.cluster.client import ApiFailure
from workshop.cluster.runs import Progress, Reader, TaskState, failure_of, seconds_between
from workshop.manifests.objects import condition, status_of

LINES = 50
"""Lines of the log of a failed step."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def write_report(path: Path, runs: Iterable[Progress], reader: Reader) -> None:
    """Write the report of runs that were followed. Raises OSError."""
    root = ET.Element("testsuites")
    for run in runs:
        _suite(root, run, reader)
    ET.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite(root: ET.Element, run: Progress, reader: Reader) -> None:
    status = status_of(run.object)
    tasks = run.tasks or (TaskState(run.name, _state(run), reason=run.reason, task_run=run.name),)
    took = seconds_between(status.get("startTime"), status.get("completionTime"))
    suite = ET.SubElement(root, "testsuite", name=run.name, tests=str(len(tasks)), time=f"{took:.3f}", errors="0")
    suite.set("timestamp", str(status.get("startTime") or ""))
    suite.set("failures", str(sum(task.state == "failed" for task in tasks)))
    suite.set("skipped", str(sum(task.state in ("skipped", "waiting") for task in tasks)))
    for task in tasks:
        seconds = task.seconds or (took if not run.tasks else 0.0)
        case = ET.SubElement(suite, "testcase", classname=_class(run), name=task.name, time=f"{seconds:.3f}")
        if task.state == "failed":
            _failure(case, run, task, reader)
        elif task.state in ("skipped", "waiting"):
            ET.SubElement(case, "skipped", message=_clean(task.reason or "the run ended before it started"))
        elif task.state == "ignored":
            ET.SubElement(case, "system-out").text = "the task failed, and its onError is continue"
    if not run.succeeded and not any(task.state == "failed" for task in tasks):
        # The run itself failed: a param that is missing, a timeout, a cancel.
        suite.set("tests", str(len(tasks) + 1))
        suite.set("failures", "1")
        case = ET.SubElement(suite, "testcase", classname=_class(run), name=run.name, time="0.000")
        ET.SubElement(case, "failure", type=run.reason, message=_clean(run.message))


def _failure(case: ET.Element, run: Progress, task: TaskState, reader: Reader) -> None:
    try:
        task_run = reader.get(task.kind, run.namespace, task.task_run)
    except ApiFailure:
        ET.SubElement(case, "failure", type=task.reason, message=f"the {task.kind} was deleted")
        return
    found = failure_of(reader, task_run, LINES)
    message = _clean(found.reason or str(condition(task_run).get("message", "")))
    element = ET.SubElement(case, "failure", type=task.reason, message=message)
    element.text = _clean("\n".join(found.log))


def _state(run: Progress) -> str:
    return "succeeded" if run.succeeded else "failed"


def _class(run: Progress) -> str:
    """The Pipeline or Task of a run, which groups the testcases of several runs; else the run."""
    spec = run.object.get("spec") or {}
    ref = spec.get("pipelineRef") or spec.get("taskRef") or {}
    generated = str(run.object["metadata"].get("generateName") or "").rstrip("-")
    return str(ref.get("name") or generated or run.name)


def _clean(text: str) -> str:
    """A text without colours of a terminal and without characters that XML does not have."""
    return _NOT_XML.sub("\ufffd", _COLOURS.sub("", text))
