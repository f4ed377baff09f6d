# ruff: noqa: E501
"""Admission of tekton.dev objects answers as Tekton's own webhooks do, word for word."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from workshop.lab.admission import admit
from workshop.lab.api_errors import BadRequest
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

DENIED = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: '
STEP: dict[str, Any] = {"name": "s", "image": "busybox", "script": "true"}


def _of(kind: str, spec: Any) -> Object:
    version = built_in(kind).api_version
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "bad"}, "spec": spec}


def _refused(kind: str, spec: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        admit(built_in(kind), _of(kind, spec), None)
    return caught.value.message


def _run(text: str) -> Any:
    return yaml.safe_load(text)


# What a real controller (v1.15) answered to these requests.
GOLDEN = [
    ("{taskSpec: {steps: [{name: s, image: busybox, script: echo $(params.nope)}]}}",
     'non-existent variable in "echo $(params.nope)": spec.steps[0].script'),
    ("{taskSpec: {steps: []}}", "missing field(s): spec.taskSpec.steps"),
    ("{taskSpec: {steps: [{name: s, image: busybox, script: x, command: [y]}]}}",
     "script cannot be used with command: spec.taskSpec.steps[0].script"),
    ("{taskSpec: {steps: [{name: s, image: busybox}]}, taskRef: {name: y}}",
     "expected exactly one, got both: spec.taskRef, spec.taskSpec"),
    ("{timeout: -1s, taskSpec: {steps: [{name: s, image: busybox, script: x}]}}",
     "invalid value: -1s should be >= 0: spec.timeout"),
]  # fmt: skip

GOLDEN_PIPELINES = [
    ("[{name: a, runAfter: [b], taskSpec: {steps: [STEP]}}, {name: b, runAfter: [a], taskSpec: {steps: [STEP]}}]",
     'invalid value: cycle detected; task "a" depends on "b": spec.pipelineSpec.tasks'),
    ("[{name: a, taskSpec: {steps: [STEP]}}, {name: a, taskSpec: {steps: [STEP]}}]",
     "expected exactly one, got both: spec.pipelineSpec.tasks[1].name\n"
     "invalid value: task a is already present in Graph, can't add it again: duplicate pipeline task: "
     "spec.pipelineSpec.tasks"),
    ("[{name: a, runAfter: [zz], taskSpec: {steps: [STEP]}}]",
     "invalid value: couldn't add link between a and zz: task a depends on zz but zz wasn't present in Pipeline: "
     "spec.pipelineSpec.tasks"),
    ("[]",
     "expected at least one, got none: spec.pipelineSpec.description, spec.pipelineSpec.params, "
     "spec.pipelineSpec.resources, spec.pipelineSpec.tasks, spec.pipelineSpec.workspaces"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "message"), GOLDEN)
def test_task_run_is_refused_as_by_the_real_webhook(spec: str, message: str) -> None:
    assert _refused("TaskRun", yaml.safe_load(spec)) == DENIED + message


@pytest.mark.parametrize(("tasks", "message"), GOLDEN_PIPELINES)
def test_pipeline_run_is_refused_as_by_the_real_webhook(tasks: str, message: str) -> None:
    spec = yaml.safe_load(tasks.replace("STEP", "{name: s, image: busybox, script: 'true'}"))
    assert _refused("PipelineRun", {"pipelineSpec": {"tasks": spec}}) == DENIED + message


def test_unknown_field_is_refused_by_the_mutating_webhook() -> None:
    assert _refused("TaskRun", {"taskSpec": {"steps": [{"name": "s", "image": "x", "scriptt": "x"}]}}) == (
        'admission webhook "webhook.pipeline.tekton.dev" denied the request: mutation failed: cannot decode '
        'incoming new object: json: unknown field "scriptt"'
    )


UNDECODABLE = [
    ("TaskRun", {"taskSpec": {"steps": STEP}},
     "json: cannot unmarshal object into Go struct field TaskRun.spec.taskSpec.steps of type []v1.Step"),
    ("TaskRun", {"taskRef": "t"}, "json: cannot unmarshal string into Go struct field TaskRun.spec.taskRef of type v1.TaskRef"),
    ("TaskRun", {"taskRef": {"name": "t"}, "params": {"a": "b"}},
     "json: cannot unmarshal object into Go struct field TaskRun.spec.params of type v1.Params"),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}, "runAfter": "b"}]},
     "json: cannot unmarshal string into Go struct field Pipeline.spec.tasks.0.runAfter of type []string"),
    ("Pipeline", {"workspaces": ["w"]},
     "json: cannot unmarshal string into Pipeline.spec.workspaces.0 of type v1.PipelineWorkspaceDeclaration"),
    ("Task", {"steps": [{**STEP, "securityContext": {"privileged": "yes"}}]},
     "json: cannot unmarshal string into Go struct field Task.spec.steps.0.securityContext.privileged of type bool"),
    ("TaskRun", {"taskRef": {"name": "t"}, "timeout": 60}, "json: cannot unmarshal number into Go value of type string"),
    ("TaskRun", {"taskRef": {"name": "t"}, "timeout": "60"}, 'time: missing unit in duration "60"'),
    ("Task", {"steps": [{**STEP, "timeout": "20min"}]}, 'time: unknown unit "min" in duration "20min"'),
    ("Task", {"steps": [{**STEP, "timeout": "soon"}]}, 'time: invalid duration "soon"'),
    ("Task", {"steps": [{**STEP, "computeResources": {"limits": {"memory": "1 Gi"}}}]},
     "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    ("TaskRun", {"taskRef": {"name": "t"}, "computeResources": {"requests": {"memory": "1mi"}}},
     "unable to parse quantity's suffix"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec", "message"), UNDECODABLE)
def test_a_value_that_go_cannot_decode_is_refused_in_its_words(kind: str, spec: Object, message: str) -> None:
    assert _refused(kind, spec).partition("cannot decode incoming new object: ")[2] == message


def test_a_name_of_more_than_63_characters_is_refused() -> None:
    obj = {**_of("Task", {"steps": [STEP]}), "metadata": {"name": "n" * 64}}
    with pytest.raises(BadRequest, match=r"length must be no more than 63 characters: metadata\.name"):
        admit(built_in("Task"), obj, None)


RULES = [
    ("Task", {"steps": [STEP, STEP]}, "expected exactly one, got both: spec.steps[1].name"),
    ("Task", {"steps": [{"name": "s"}]}, "missing field(s): spec.steps[0].Image"),
    ("Task", {"steps": [{**STEP, "onError": "maybe"}]},
     'invalid value: "maybe": spec.steps[0].onError\n'
     'Task step onError must be either "continue" or "stopAndFail"'),
    ("Task", {"steps": [{**STEP, "script": "cat $(results.r.path)"}]},
     'non-existent variable in "cat $(results.r.path)": spec.steps[0].script'),
    ("Task", {"steps": [{**STEP, "script": "echo $(context.task.nope)"}]},
     'non-existent variable in "echo $(context.task.nope)": spec.steps[0].script'),
    ("Task", {"params": [{"name": "a", "type": "array"}], "steps": [{**STEP, "script": "echo $(params.a[*])"}]},
     'variable type invalid in "echo $(params.a[*])": spec.steps[0].script'),
    ("Task", {"params": [{"name": "a", "type": "array"}], "steps": [{**STEP, "args": ["-- $(params.a[*])"]}]},
     'variable is not properly isolated in "-- $(params.a[*])": spec.steps[0].args[0]'),
    ("Task", {"params": [{"name": "o", "type": "object", "properties": {"k": {}}}],
              "steps": [{**STEP, "script": "echo $(params.o.no)"}]},
     'non-existent variable in "echo $(params.o.no)": spec.steps[0].script'),
    ("Task", {"params": [{"name": "p", "type": "string", "default": ["x"]}], "steps": [STEP]},
     '"string" type does not match default value\'s type: "array": spec.params.p.default.type, '
     "spec.params.p.type"),
    ("Task", {"steps": [{"name": "s", "ref": {"name": "x"}, "script": "y"}]},
     "script cannot be used with Ref: spec.steps[0].script"),
    ("Task", {"steps": [{**STEP, "volumeMounts": [{"name": "v", "mountPath": "/tekton/x"}]}]},
     'volumeMount cannot be mounted under /tekton/ (volumeMount "v" mounted at "/tekton/x"): '
     "spec.steps[0].volumeMounts[0].mountPath"),
    ("Task", {"workspaces": [{"name": "w"}, {"name": "w", "mountPath": "/x"}], "steps": [STEP]},
     'workspace name "w" must be unique: spec.workspaces[1].name'),
    ("StepAction", {"image": "x", "params": [{"name": "p"}], "script": "echo $(params.p)"},
     "param substitution in scripts is not allowed.: spec.script"),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}, "params": [{"name": "p", "value": "$(params.q)"}]}]},
     'non-existent variable in "$(params.q)": spec.tasks[0].params[p]'),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}, "workspaces": [{"name": "w"}]}]},
     'invalid value: pipeline task "a" expects workspace with name "w" but none exists in pipeline spec: '
     "spec.tasks[0].workspaces[0]"),
    ("Pipeline", {"tasks": [{"name": "a"}]},
     "expected exactly one, got neither: spec.tasks[0].taskRef, spec.tasks[0].taskSpec"),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}, "when": [{"input": "a", "operator": "is", "values": ["b"]}]}]},
     'invalid value: operator "is" is not recognized. valid operators: in,notin: spec.tasks[0].when[0]'),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}}], "finally": [{"name": "b", "runAfter": ["a"], "taskRef": {"name": "t"}}]},
     "invalid value: no runAfter allowed under spec.finally, final task b has runAfter specified: spec.finally[0]"),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}}], "results": [{"name": "r", "value": "$(tasks.x.results.y)"}]},
     "invalid value: referencing a nonexistent task: spec.results[0].value"),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}, "params": [{"name": "p", "value": "$(tasks.status)"}]}]},
     "invalid value: pipeline tasks can not refer to execution status of any other pipeline task or aggregate "
     "status of tasks: spec.tasks[0].params[p].value"),
    ("Pipeline", {"tasks": [{"name": "a", "taskRef": {"name": "t"}, "onError": "continue", "retries": 1}]},
     'PipelineTask OnError cannot be set to "continue" when Retries is greater than 0: '),
    ("PipelineRun", {"pipelineRef": {"name": "p"}, "status": "Stop"},
     "invalid value: Stop should be Cancelled, CancelledRunFinally, StoppedRunFinally or PipelineRunPending: "
     "spec.status"),
    ("PipelineRun", {"pipelineRef": {"name": "p"}, "timeouts": {"pipeline": "1m", "tasks": "2m"}},
     "invalid value: 2m0s should be <= pipeline duration: spec.timeouts.tasks"),
    ("PipelineRun", {"pipelineRef": {"name": "p"}, "workspaces": [{"name": "w"}]},
     "expected exactly one, got neither: spec.workspaces[0].configmap, spec.workspaces[0].emptydir, "
     "spec.workspaces[0].persistentvolumeclaim, spec.workspaces[0].secret, spec.workspaces[0].volumeclaimtemplate"),
    ("TaskRun", {"taskRef": {"name": "t"}, "status": "Cancelled"},
     "invalid value: Cancelled should be TaskRunCancelled or TaskRunPending: spec.status"),
    # Alpha on a cluster with its default gates, and what the lab does not do.
    ("Task", {"steps": [{**STEP, "stdoutConfig": {"path": "/x"}}]},
     'step stdout stream support requires "enable-api-fields" feature gate to be "alpha" but it is "beta": '),
    ("Task", {"steps": [STEP], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
     "the lab does not support hostPath volumes; use emptyDir or persistentVolumeClaim, or run it on a cluster: "
     "spec.volumes[0].hostPath"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec", "message"), RULES)
def test_each_rule_has_the_webhooks_message(kind: str, spec: Object, message: str) -> None:
    assert _refused(kind, spec) == DENIED + message


def test_all_findings_are_reported_together() -> None:
    steps = [{"name": "s"}, {**STEP, "name": "t", "command": ["x"]}, {**STEP, "name": "U"}]
    lines = _refused("Task", {"steps": steps}).removeprefix(DENIED).splitlines()
    assert [line for line in lines if "spec." in line] == [
        'invalid value "U": spec.steps[2].name',
        "missing field(s): spec.steps[0].Image",
        "script cannot be used with command: spec.steps[1].script",
    ]


def test_defaults_are_those_of_the_real_webhook() -> None:
    spec = {"pipelineSpec": {"tasks": [{"name": "a", "taskSpec": {"steps": [STEP], "params": [{"name": "p"}]}}]},
            "timeouts": {"tasks": "5m"}, "params": [{"name": "n", "value": 3}]}  # fmt: skip
    admitted = admit(built_in("PipelineRun"), _of("PipelineRun", spec), None)["spec"]
    assert admitted == {
        "params": [{"name": "n", "value": "3"}],
        "pipelineSpec": {
            "tasks": [
                {
                    "name": "a",
                    "taskSpec": {
                        "metadata": {},
                        "spec": None,
                        "params": [{"name": "p", "type": "string"}],
                        "steps": [{**STEP, "computeResources": {}}],
                    },
                }
            ]
        },
        "taskRunTemplate": {"serviceAccountName": "pipeline"},
        "timeouts": {"pipeline": "1h0m0s", "tasks": "5m0s"},
    }
    run = admit(built_in("TaskRun"), _of("TaskRun", {"taskRef": {"name": "t"}}), None)
    assert run["spec"] == {
        "taskRef": {"name": "t", "kind": "Task"},
        "serviceAccountName": "pipeline",
        "timeout": "1h0m0s",
    }
    assert run["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tekton-pipelines"}


def test_running_run_may_be_cancelled_and_nothing_else() -> None:
    kind = built_in("PipelineRun")
    old = admit(kind, _of("PipelineRun", {"pipelineRef": {"name": "p"}}), None)
    old["status"] = {"startTime": "x"}
    cancelled = copy.deepcopy(old)
    cancelled["spec"]["status"] = "Cancelled"
    assert admit(kind, cancelled, old)["spec"]["status"] == "Cancelled"
    changed = copy.deepcopy(old)
    changed["spec"]["pipelineRef"]["name"] = "q"
    with pytest.raises(BadRequest, match="Once the PipelineRun has started, only status updates are allowed"):
        admit(kind, changed, old)


def test_propagated_params_need_no_declaration() -> None:
    step = {**STEP, "script": "echo $(params.word)"}
    spec = {"params": [{"name": "word", "value": "hi"}],
            "pipelineSpec": {"tasks": [{"name": "a", "taskSpec": {"steps": [step]}}]}}  # fmt: skip
    admit(built_in("PipelineRun"), _of("PipelineRun", spec), None)
