# ruff: noqa: E501
"""The ConfigMaps of Tekton are checked as its webhook does, and decide what is admitted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from workshop.lab.admission import admit
from workshop.lab.admission.tekton.config import SHIPPED_OBJECTS, config_of
from workshop.lab.api_errors import BadRequest
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.manifests.tekton.config import SHIPPED, Config, defaults, feature_flags

CONFIG_DENIED = 'admission webhook "config.webhook.pipeline.tekton.dev" denied the request: validation failed: '
DENIED = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: '
STEP: dict[str, Any] = {"name": "s", "image": "busybox", "script": "true"}


def _config(**flags: str) -> Config:
    return Config(feature_flags({name.replace("_", "-"): value for name, value in flags.items()}))


def _map(name: str, data: dict[str, str], namespace: str = "tekton-pipelines") -> Object:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def _admitted(kind: str, text: str, config: Config) -> Object:
    spec = yaml.safe_load(text.replace("STEP", "{name: s, image: busybox, script: 'true'}"))
    obj = {"apiVersion": built_in(kind).api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    return admit(built_in(kind), obj, None, config)


def _refused(kind: str, text: str, config: Config) -> str:
    with pytest.raises(BadRequest) as caught:
        _admitted(kind, text, config)
    return caught.value.message.removeprefix(DENIED)


WRONG = [
    ("feature-flags", {"enable-api-fields": "gamma"}, 'invalid value for feature flag "enable-api-fields": "gamma"'),
    ("feature-flags", {"coschedule": "nodes"}, 'invalid value for feature flag "coschedule": "nodes"'),
    ("feature-flags", {"results-from": "logs"}, 'invalid value for feature flag "results-from": "logs"'),
    ("feature-flags", {"max-result-size": "big"}, 'strconv.Atoi: parsing "big": invalid syntax'),
    ("feature-flags", {"max-result-size": "1572864"},
     'invalid value for feature flag "results-from": "1572864". This is exceeding the CRD limit'),
    ("feature-flags", {"disable-creds-init": "yes"},
     'failed parsing feature flags config "yes": strconv.ParseBool: parsing "yes": invalid syntax'),
    ("feature-flags", {"enable-param-enum": "on"},
     'failed parsing feature flags config "on": strconv.ParseBool: parsing "on": invalid syntax for feature enable-param-enum'),
    ("config-defaults", {"default-timeout-minutes": "1h"}, 'failed parsing default config "default-timeout-minutes"'),
    ("config-defaults", {"default-maximum-resolution-timeout": "5"},
     'failed parsing default config "default-maximum-resolution-timeout"'),
    ("config-defaults", {"default-pod-template": "nope: 1"}, "failed to unmarshal nope: 1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), WRONG)
def test_a_wrong_value_is_refused_in_the_words_of_the_config_webhook(
    name: str, data: dict[str, str], message: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        admit(built_in("ConfigMap"), _map(name, data), None)
    assert caught.value.message == CONFIG_DENIED + message


def test_a_config_map_of_another_namespace_is_not_checked() -> None:
    admit(built_in("ConfigMap"), _map("feature-flags", {"enable-api-fields": "gamma"}, "default"), None)


def test_a_value_that_the_lab_does_not_implement_is_refused() -> None:
    with pytest.raises(BadRequest, match='enforce-nonfalsifiability: "spire": the lab does not implement this value'):
        admit(built_in("ConfigMap"), _map("feature-flags", {"enforce-nonfalsifiability": "spire"}), None)


def test_a_change_of_the_config_map_applies_at_once() -> None:
    store, kind = Store(), built_in("ConfigMap")
    assert config_of(store) == SHIPPED
    for obj in SHIPPED_OBJECTS:
        store.create(kind, admit(kind, obj, None))
    assert config_of(store) == SHIPPED
    flags = store.get(kind, "tekton-pipelines", "feature-flags")
    flags["data"]["enable-api-fields"] = "alpha"
    store.update(kind, flags)
    assert config_of(store).flags.enable_api_fields == "alpha"


def test_flags_that_are_on_are_shown_under_their_names_in_a_status() -> None:
    shown = _config(enable_api_fields="alpha", enable_param_enum="true", coschedule="disabled").flags.shown()
    assert shown["enableAPIFields"] == "alpha"
    assert shown["enableParamEnum"] is True
    assert shown["coschedule"] == "disabled"
    assert "disableCredsInit" not in shown


# What is gated: the object, the flag that it needs, and the message without it.
GATED = [
    ("Task", "{steps: [STEP], params: [{name: p, enum: [a, b]}]}", {"enable_param_enum": "true"},
     "feature flag `enable-param-enum` should be set to true to use Enum: spec.params[p]"),
    ("Pipeline", "{tasks: [{name: a, taskRef: {name: t}}], params: [{name: p, enum: [a]}]}", {"enable_param_enum": "true"},
     "feature flag `enable-param-enum` should be set to true to use Enum: spec.finally.params[p], spec.tasks.params[p]"),
    ("Pipeline", "{tasks: [{name: a, taskRef: {name: t}, when: [{cel: \"'a' == 'a'\"}]}]}",
     {"enable_cel_in_whenexpression": "true"},
     "feature flag enable-cel-in-whenexpression should be set to true to use CEL: 'a' == 'a' in WhenExpression: "
     "spec.tasks[0].when[0]"),
    ("Task", "{steps: [{name: s, image: x, script: y, stderrConfig: {path: /x}}]}", {"enable_api_fields": "alpha"},
     'step stderr stream support requires "enable-api-fields" feature gate to be "alpha" but it is "beta": '),
    ("Pipeline", "{tasks: [{name: a, pipelineRef: {name: p}}]}", {"enable_api_fields": "alpha"},
     'pipelineRef requires "enable-api-fields" feature gate to be "alpha" but it is "beta": '),
    ("Pipeline", "{tasks: [{name: a, pipelineSpec: {tasks: [{name: b, taskRef: {name: t}}]}}]}",
     {"enable_api_fields": "alpha"},
     'pipelineSpec requires "enable-api-fields" feature gate to be "alpha" but it is "beta": '),
    ("Task", "{steps: [{name: s, image: x, script: 'cat $(artifacts.path)'}]}", {"enable_artifacts": "true"},
     "feature flag enable-artifacts should be set to true to use artifacts feature.: spec.steps[0]"),
    ("Pipeline", "{tasks: [{name: a, taskRef: {name: t}}, {name: b, taskRef: {name: t}, params: "
     "[{name: p, value: $(tasks.a.outputs.image)}]}]}", {"enable_artifacts": "true"},
     "feature flag enable-artifacts should be set to true to use artifacts feature.: spec.tasks[1].params"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "flags", "message"), GATED)
def test_a_gated_field_is_admitted_with_its_flag_alone(
    kind: str, text: str, flags: dict[str, str], message: str
) -> None:
    assert _refused(kind, text, SHIPPED) == message
    _admitted(kind, text, _config(**flags))


STABLE = [
    ("TaskRun", "{taskRef: {resolver: git, params: [{name: url, value: x}]}}",
     ["resolver params requires", "resolver requires"]),
    ("Pipeline", "{tasks: [{name: a, taskRef: {name: t}, matrix: {params: [{name: p, value: [a]}]}}]}", ["matrix requires"]),
    ("Pipeline", "{tasks: [{name: a, taskRef: {name: t}, onError: continue}]}", ["OnError requires"]),
    ("Task", "{steps: [{name: s, image: x, workspaces: [{name: w}]}], workspaces: [{name: w}]}", ["step workspaces requires"]),
    ("TaskRun", "{taskRef: {name: t}, computeResources: {limits: {cpu: 1}}}", ["computeResources requires"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "starts"), STABLE)
def test_a_beta_field_is_refused_when_only_stable_ones_are_on(kind: str, text: str, starts: list[str]) -> None:
    _admitted(kind, text, SHIPPED)
    lines = _refused(kind, text, _config(enable_api_fields="stable")).splitlines()
    gate = '"enable-api-fields" feature gate to be "alpha" or "beta" but it is "stable": '
    assert lines == [f"{start} {gate}" for start in starts]


REFUSED_WITH_FLAG = [
    ("Task", "{steps: [STEP], params: [{name: p, enum: [a, a], default: c}]}", {"enable_param_enum": "true"},
     "param default value c not in the enum list: spec.params[p]\n"
     "parameter enum value a appears more than once: spec.params[p]"),
    ("Task", "{steps: [STEP], params: [{name: p, type: array, enum: [a]}]}", {"enable_param_enum": "true"},
     "enum can only be set with string type param: spec.params[p]"),
    ("Pipeline", "{tasks: [{name: a, taskRef: {name: t}, when: [{cel: \"'a' == 'a'\", input: a, operator: in, values: [b]}]}]}",
     {"enable_cel_in_whenexpression": "true"},
     "cel and input+operator+values cannot be set in one WhenExpression: &{a in [b] 'a' == 'a'}: "),
    ("Pipeline", "{tasks: [{name: a, taskRef: {name: t}, pipelineRef: {name: p}}]}", {"enable_api_fields": "alpha"},
     "expected exactly one, got multiple: spec.tasks[0].pipelineRef, spec.tasks[0].taskRef"),
    ("Pipeline", "{tasks: [{name: a}]}", {"enable_api_fields": "alpha"},
     "expected exactly one, got neither: spec.tasks[0].pipelineRef, spec.tasks[0].pipelineSpec, "
     "spec.tasks[0].taskRef, spec.tasks[0].taskSpec"),
    ("Pipeline", "{tasks: [{name: a, pipelineRef: {name: p}}, {name: b, taskRef: {name: t}, params: "
     "[{name: p, value: $(tasks.a.results.r)}]}]}", {"enable_api_fields": "alpha"},
     'invalid value: result reference to pipelineTask "a" is not supported: referenced task uses pipelineRef or '
     "pipelineSpec and result propagation from child Pipelines is not yet implemented: spec.tasks[1]"),
    ("TaskRun", "{taskSpec: {steps: [STEP]}}", {"disable_inline_spec": "pipeline,taskrun"},
     "must not set the field(s): spec.taskSpec"),
    ("TaskRun", "{taskRef: {name: t}, debug: {breakpoints: {onFailure: enabled}}}", {"enable_api_fields": "alpha"},
     "the lab does not support debug; use `workshop run`, which stops at the step that failed, or a cluster: spec.debug"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "flags", "message"), REFUSED_WITH_FLAG)
def test_a_wrong_use_is_refused_although_the_flag_is_on(
    kind: str, text: str, flags: dict[str, str], message: str
) -> None:
    assert _refused(kind, text, _config(**flags)) == message


def test_cel_that_does_not_compile_is_refused_in_the_webhooks_format() -> None:
    text = "{tasks: [{name: a, taskRef: {name: t}, when: [{cel: \"foo == 'a'\"}]}]}"
    said = _refused("Pipeline", text, _config(enable_cel_in_whenexpression="true"))
    assert said.startswith(
        "invalid cel expression: %s with err: %s: spec.tasks[0].when[0].ERROR: <input>:1:1: undeclared reference"
    )
    assert said.endswith("spec.tasks[0].when[0].foo == 'a'")


def test_defaults_are_those_of_the_config_map() -> None:
    config = Config(defaults=defaults({
        "default-timeout-minutes": "5", "default-service-account": "robot", "default-resolver-type": "git",
        "default-pod-template": "env: [{name: A, value: b}]", "default-managed-by-label-value": "us",
    }))  # fmt: skip
    run = _admitted("TaskRun", "{taskRef: {params: [{name: url, value: x}]}}", config)
    assert run["spec"]["timeout"] == "5m0s"
    assert run["spec"]["serviceAccountName"] == "robot"
    assert run["spec"]["taskRef"]["resolver"] == "git"
    assert run["spec"]["podTemplate"] == {"env": [{"name": "A", "value": "b"}]}
    assert run["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "us"}


def test_limits_are_those_of_the_config_map() -> None:
    config = Config(defaults=defaults({"default-max-matrix-combinations-count": "1", "default-forbidden-env": "A, B"}))
    matrix = "{tasks: [{name: a, taskRef: {name: t}, matrix: {params: [{name: p, value: [a, b]}]}}]}"
    assert _refused("Pipeline", matrix, config) == "expected 0 <= 2 <= 1: spec.tasks[0].matrix"
    run = "{taskRef: {name: t}, podTemplate: {env: [{name: B, value: x}]}}"
    text = "invalid value: PodTemplate cannot update a forbidden env: B: spec.PodTemplate.Env"
    assert _refused("TaskRun", run, config) == text
