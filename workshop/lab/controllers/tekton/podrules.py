"""What is wrong with a Task after substitution, and with its Pod: neither is known when the webhook looks.

Sources: createPod in pkg/reconciler/taskrun/taskrun.go of tektoncd/pipeline at v1.15, and validateContainerCommon in
pkg/apis/core/validation/validation.go of kubernetes/kubernetes at v1.32.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workshop.lab.admission.tekton.findings import Findings
from workshop.lab.admission.tekton.task import check_task
from workshop.lab.admission.tekton.variables import check_declared
from workshop.lab.controllers.tekton.errors import pod_refused
from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.manifests.kubernetes import EnvVar, EnvVarSource, VolumeMount
from workshop.manifests.objects import Object
from workshop.manifests.tekton import TaskSpec
from workshop.manifests.tekton.config import Config

_VARIABLE = re.compile(r"[ -<>-~]+")
_VARIABLE_RULE = "a valid environment variable name must consist only of printable ASCII characters other than '='"
_POLICIES = ("Always", "IfNotPresent", "Never")


def refuse_bad_task(run: Object, spec: TaskSpec, config: Config) -> None:
    """Raises RunError for a substituted Task that the webhook would refuse."""
    undeclared = Findings(config)
    check_declared(undeclared, "", spec.steps, spec.params)
    others = Findings(config)
    check_task(others, "", spec)
    found = undeclared or others
    if found:
        raise pod_refused(run, found.text())


def refuse_bad_pod(run: Object, plan: PodPlan) -> None:
    """Raises RunError for a Pod that the API server does not accept."""
    found = [one for index, container in enumerate((*plan.steps, *plan.sidecars)) for one in
             _container(f"spec.containers[{index}]", container, {volume.name for volume in plan.volumes})]  # fmt: skip
    if found:
        text = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        raise pod_refused(run, f'Pod "{plan.name}" is invalid: {text}')


def _container(path: str, one: ContainerPlan, volumes: set[str]) -> Iterator[str]:
    yield from _variables(f"{path}.env", one.env)
    yield from _mounts(f"{path}.volumeMounts", one.mounts, volumes)
    policy = one.shown.get("imagePullPolicy")
    if policy and policy not in _POLICIES:
        allowed = ", ".join(f'"{each}"' for each in _POLICIES)
        yield f'{path}.imagePullPolicy: Unsupported value: "{policy}": supported values: {allowed}'


def _variables(path: str, variables: Sequence[EnvVar]) -> Iterator[str]:
    for index, one in enumerate(variables):
        where = f"{path}[{index}]"
        if not one.name:
            yield f"{where}.name: Required value"
        elif not _VARIABLE.fullmatch(one.name):
            yield f'{where}.name: Invalid value: "{one.name}": {_VARIABLE_RULE}'
        if one.value_from is not None:
            yield from _source(f"{where}.valueFrom", one.value or "", one.value_from)


def _source(path: str, value: str, source: EnvVarSource) -> Iterator[str]:
    refs = {"configMapKeyRef": source.config_map_key_ref, "secretKeyRef": source.secret_key_ref}
    for name, ref in refs.items():
        if ref is not None and not ref.key:
            yield f"{path}.{name}.key: Required value"
    given = [one for one in (*refs.values(), source.field_ref, source.resource_field_ref) if one is not None]
    if not given:
        rule = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        yield f'{path}: Invalid value: "": {rule}'
    elif value:
        yield f'{path}: Invalid value: "": may not be specified when `value` is not empty'
    elif len(given) > 1:
        yield f'{path}: Invalid value: "": may not have more than one field specified at a time'


def _mounts(path: str, mounts: Sequence[VolumeMount], volumes: set[str]) -> Iterator[str]:
    seen = set[str]()
    for index, one in enumerate(mounts):
        where = f"{path}[{index}]"
        if not one.name:
            yield f"{where}.name: Required value"
        elif one.name not in volumes:
            yield f'{where}.name: Not found: "{one.name}"'
        if not one.mount_path:
            yield f"{where}.mountPath: Required value"
        elif one.mount_path in seen:
            yield f'{where}.mountPath: Invalid value: "{one.mount_path}": must be unique'
        seen.add(one.mount_path)
