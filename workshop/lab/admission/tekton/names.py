"""Which names Kubernetes and Tekton accept, with the words of their refusals."""

from __future__ import annotations

import re

LONGEST = 63
"""Characters of the name of an object of Tekton."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_RESULT = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
PARAM = re.compile(r"[_a-zA-Z][_a-zA-Z0-9.-]*")
OBJECT_PARAM = re.compile(r"[_a-zA-Z][_a-zA-Z0-9-]*")

QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
RESULT_RULE = (
    "Name must consist of alphanumeric characters, '-', '_', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my-name',  or 'my_name', regex used for validation is "
    "'^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$')"
)
STEP_RULE = (
    "Task step name must be a valid DNS Label, For more info refer to "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names"
)
PIPELINE_TASK_RULE = (
    "Pipeline Task name must be a valid DNS Label."
    "For more info refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names"
)
PARAM_RULE = (
    "String/Array Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_), and dots (.)"
    "\nMust begin with a letter or an underscore (_)"
)
OBJECT_RULE = (
    "Object Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_) \n"
    "Must begin with a letter or an underscore (_)"
)


def is_label(name: str) -> bool:
    """Whether a name can be a DNS label: a step's, a pipeline task's."""
    return len(name) <= 63 and bool(_LABEL.fullmatch(name))


def is_qualified(name: str) -> bool:
    """Whether a name can be that of a referred Task or Pipeline."""
    base = name.rpartition("/")[2]
    return len(base) <= 63 and bool(_QUALIFIED.fullmatch(base))


def is_result(name: str) -> bool:
    """Whether a name can be a result's."""
    return bool(_RESULT.fullmatch(name))
