"""`.tekton/` with its Pipelines and Tasks inlined."""

from __future__ import annotations

import asyncio
import textwrap

import pytest

from workshop.lab.controllers.pipelinesascode.resolving import (
    ResolveError,
    label_value,
    name_originals,
    read,
    relative,
    resolve,
)
from workshop.manifests.objects import Object

TASK = """
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: hello, labels: {from: NAME}, annotations: {a: b}}
spec:
  steps: [{name: s, image: busybox, script: echo NAME}]
"""
PIPELINE = """
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: hellos}
spec:
  tasks: [{name: one, taskRef: {name: hello}}]
  finally: [{name: last, taskRef: {name: hello}}]
"""
RUN = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: greet}
spec: {pipelineRef: {name: hellos}}
"""
INLINE = """
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  generateName: greet-
  annotations: {ANNOTATIONS}
spec:
  pipelineSpec:
    tasks: [{name: one, taskRef: {name: hello}}]
"""


def task(name: str) -> str:
    return TASK.replace("NAME", name)


def inline(annotations: str) -> str:
    return INLINE.replace("{ANNOTATIONS}", "{" + annotations + "}")


def resolved(*documents: str, **remote: str) -> list[Object]:
    """The runs of `.tekton/`; `remote` has files by the reference in an annotation, with _ for / and ."""

    async def fetch(reference: str, kind: str) -> str:
        try:
            return remote[reference.replace("/", "_").replace(".", "_")]
        except KeyError:
            raise ResolveError(f'error getting remote {kind} "{reference}"') from None

    types = read("---\n".join(documents))
    assert not types.errors
    name_originals(types.runs)
    return asyncio.run(resolve(types, fetch))


def spoken(run: Object, part: str = "tasks", index: int = 0) -> str:
    script: str = run["spec"]["pipelineSpec"][part][index]["taskSpec"]["steps"][0]["script"]
    return script.removeprefix("echo ")


def test_a_pipeline_and_its_tasks_are_inlined_with_their_metadata() -> None:
    (run,) = resolved(RUN, PIPELINE, task("here"))
    assert "pipelineRef" not in run["spec"]
    assert spoken(run) == spoken(run, "finally") == "here"
    (one,) = run["spec"]["pipelineSpec"]["tasks"]
    assert "taskRef" not in one
    assert one["taskSpec"]["metadata"] == {"labels": {"from": "here"}, "annotations": {"a": "b"}}


def test_a_run_gets_a_generated_name_and_keeps_its_own_in_an_annotation() -> None:
    (run,) = resolved(RUN, PIPELINE, task("here"))
    key = "pipelinesascode.tekton.dev/original-prname"
    assert run["metadata"] == {"generateName": "greet-", "labels": {key: "greet"}, "annotations": {key: "greet"}}


def test_annotations_of_the_run_go_before_those_of_the_pipeline_and_before_the_folder() -> None:
    own = {"pipelinesascode.tekton.dev/task": "lib/run.yaml"}
    run = RUN.replace("{name: greet}", f"{{name: greet, annotations: {own}}}")
    pipeline = PIPELINE.replace(
        "{name: hellos}", "{name: hellos, annotations: {pipelinesascode.tekton.dev/task-1: lib/pipeline.yaml}}"
    )
    files = {"lib_run_yaml": task("run"), "lib_pipeline_yaml": task("pipeline")}
    assert spoken(resolved(run, pipeline, task("folder"), **files)[0]) == "run"
    assert spoken(resolved(RUN, pipeline, task("folder"), **files)[0]) == "pipeline"
    assert spoken(resolved(RUN, PIPELINE, task("folder"), **files)[0]) == "folder"


def test_an_annotation_can_name_several_tasks() -> None:
    (run,) = resolved(
        inline('pipelinesascode.tekton.dev/task: "[other.yaml, lib/hello.yaml]"'),
        other_yaml=task("x").replace("name: hello", "name: other"),
        lib_hello_yaml=task("remote"),
    )
    assert spoken(run) == "remote"


def test_a_pipeline_of_an_annotation_is_inlined_with_tasks_relative_to_it() -> None:
    pipeline = PIPELINE.replace(
        "{name: hellos}", '{name: hellos, annotations: {pipelinesascode.tekton.dev/task: "../tasks/hello.yaml"}}'
    )
    run = RUN.replace(
        "{name: greet}", "{name: greet, annotations: {pipelinesascode.tekton.dev/pipeline: lib/pipelines/p.yaml}}"
    )
    (found,) = resolved(run, lib_pipelines_p_yaml=pipeline, lib_tasks_hello_yaml=task("relative"))
    assert spoken(found) == "relative"


@pytest.mark.parametrize(
    ("pipeline", "reference", "expected"),
    [
        ("https://x.io/a/b/p.yaml", "../t.yaml", "https://x.io/a/t.yaml"),
        ("https://x.io/a/p.yaml", "https://y.io/t.yaml", "https://y.io/t.yaml"),
        ("a/b/p.yaml", "t.yaml", "a/b/t.yaml"),
        ("catalog://p:1.0", "t.yaml", "t.yaml"),
        ("", "t.yaml", "t.yaml"),
    ],
)
def test_a_task_of_a_remote_pipeline_is_relative_to_it(pipeline: str, reference: str, expected: str) -> None:
    assert relative(pipeline, reference) == expected


@pytest.mark.parametrize(
    "reference",
    ["{resolver: cluster}", "{name: hello, kind: ClusterTask}", "{name: x, apiVersion: custom.dev/v1, kind: X}"],
)
def test_other_references_stay(reference: str) -> None:
    (run,) = resolved(inline("").replace("{name: hello}", reference))
    assert "taskRef" in run["spec"]["pipelineSpec"]["tasks"][0]


def test_a_pipeline_by_resolver_stays() -> None:
    (run,) = resolved(RUN.replace("{name: hellos}", "{resolver: git}"))
    assert run["spec"]["pipelineRef"] == {"resolver": "git"}


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ((RUN,), "cannot find referenced pipeline hellos"),
        ((RUN, PIPELINE), "cannot find referenced task hello"),
        ((inline("pipelinesascode.tekton.dev/task: missing"),), 'error getting remote task "missing"'),
        ((inline('pipelinesascode.tekton.dev/pipeline: "[a, b]"'),), "only one pipeline is allowed"),
        ((inline('pipelinesascode.tekton.dev/task: "a b"'),), "wrong format"),
        ((RUN, RUN), "the same name: greet"),
    ],
)
def test_what_cannot_be_resolved_is_an_error(documents: tuple[str, ...], message: str) -> None:
    with pytest.raises(ResolveError, match=message.replace("[", r"\[")):
        resolved(*documents)


def test_a_file_of_another_kind_is_no_task() -> None:
    with pytest.raises(ResolveError, match="has not been recognized as a Tekton task"):
        resolved(inline("pipelinesascode.tekton.dev/task: a/b"), a_b=PIPELINE)


def test_documents_of_other_kinds_are_left_out_and_bad_ones_are_errors() -> None:
    types = read("a: [\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n---\njust text\n---\n" + RUN)
    assert len(types.runs) == 1
    assert len(types.errors) == 2
    assert "bad YAML" in types.errors[0][1]


def test_v1beta1_becomes_v1() -> None:
    beta = textwrap.dedent(RUN).replace("tekton.dev/v1", "tekton.dev/v1beta1")
    (run,) = resolved(beta.replace("spec: {", "spec: {serviceAccountName: bot, "), PIPELINE, task("x"))
    assert run["spec"]["taskRunTemplate"] == {"serviceAccountName": "bot"}


def test_a_label_has_what_labels_may_have() -> None:
    assert label_value("owner/foo/bar") == "owner-foo-bar"
    assert label_value("a" * 70 + "-") == "a" * 63
    assert label_value("greet-") == "greet"
