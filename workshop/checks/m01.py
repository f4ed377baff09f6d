"""Module 1, meet the lab: the model went through the pipeline, production serves the tested digest, and it answers."""

from __future__ import annotations

from typing import Any

from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.runs import PIPELINE, RETRAIN, described, pipeline, results
from workshop.checks.serving import digests_of, state_of
from workshop.cluster.jsonhttp import ask
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import name_of, succeeded
from workshop.usecase import DEPLOYMENT

REQUEST = "seldon/requests/flight.json"
_START = {
    "lab": N_("make lab starts the lab and takes the model from data to production"),
    "cluster": "workshop run tekton/runs/train-and-stage.yaml, then workshop promote and workshop approve",
}


def reset(_: CheckContext, __: Editor) -> list[str]:
    """Do nothing: the module changes nothing."""
    return []


def check(context: CheckContext) -> list[Finding]:
    """The four tasks, in the order of the pipeline."""
    digests = _tested(context)
    return [_ran(context, digests), _serves(context, "staging"), _same(context, digests), _answers(context)]


def _ran(context: CheckContext, digests: set[str]) -> Finding:
    task = Sentence("the pipeline {pipeline} has built an image", pipeline=PIPELINE)
    namespace = context.namespace("dev")
    if digests:
        return Finding(
            task,
            True,
            Sentence(
                "images of successful runs in {namespace}: {count}",
                count=len(digests),
                namespace=namespace,
            ),
        )
    runs = [run for run in context.cluster.list("PipelineRun", namespace) if pipeline(run) == PIPELINE]
    if not runs:
        return Finding(
            task, False, Sentence("there is no run of it in {namespace}", namespace=namespace), _START[context.on]
        )
    newest = max(runs, key=lambda run: str(run["metadata"].get("creationTimestamp", "")))
    return Finding(
        task,
        False,
        described(newest),
        f"oc describe pipelinerun {name_of(newest)} -n {namespace}",
    )


def _serves(context: CheckContext, stage: str) -> Finding:
    namespace = context.namespace(stage)
    task = Sentence("{deployment} is available in {stage}", deployment=DEPLOYMENT, stage=stage)
    found = context.cluster.find("SeldonDeployment", namespace, DEPLOYMENT)
    if found is None:
        return Finding(
            task,
            False,
            Sentence(
                "there is no SeldonDeployment {deployment} in {namespace}", deployment=DEPLOYMENT, namespace=namespace
            ),
            _START[context.on],
        )
    state = state_of(found)
    hint = "" if state == "Available" else f"oc describe sdep {DEPLOYMENT} -n {namespace}"
    return Finding(task, state == "Available", Sentence("its state is {state}", state=state), hint)


def _same(context: CheckContext, tested: set[str]) -> Finding:
    task = N_("production serves a digest that staging has tested")
    namespace = context.namespace("production")
    found = context.cluster.find("SeldonDeployment", namespace, DEPLOYMENT)
    if found is None or state_of(found) != "Available":
        serves = _serves(context, "production")
        return Finding(task, False, serves.reason, serves.hint)
    digests = digests_of(found)
    strange = sorted(digests - tested)
    if not digests or strange:
        shown = strange[0][:19] if strange else "an image without a digest"
        return Finding(
            task,
            False,
            Sentence(
                "production runs {shown}, which came out of no successful run of {pipeline}",
                shown=shown,
                pipeline=PIPELINE,
            ),
            "workshop promote brings the digest of staging to production",
        )
    return Finding(
        task,
        True,
        Sentence(
            "{digest} came out of a successful run of {pipeline}", digest=sorted(digests)[0][:19], pipeline=PIPELINE
        ),
    )


def _answers(context: CheckContext) -> Finding:
    task = N_("production answers a request")
    url = context.values.get("PRODUCTION_URL")
    if not url:
        return Finding(task, False, N_("production has no address yet"), _START[context.on])
    try:
        body = (context.clone / REQUEST).read_bytes()
        given = ask(url, body)
    except OSError as e:
        return Finding(
            task, False, Sentence("{url} does not answer: {error}", url=url, error=e), context.where_things_are
        )
    status, answer = given.status, given.json
    numbers = _probabilities(answer)
    if status != 200 or not numbers:
        said = answer.get("status", answer) if isinstance(answer, dict) else "no JSON"
        return Finding(
            task,
            False,
            f"HTTP {status}: {str(said)[:200]}",
            f"oc logs -n {context.namespace('production')} -l seldon-deployment-id={DEPLOYMENT}",
        )
    return Finding(task, True, Sentence("the prediction for {request} is {numbers}", request=REQUEST, numbers=numbers))


def _tested(context: CheckContext) -> set[str]:
    """The digests that successful runs built."""
    return {
        results(run)["image-digest"]
        for run in context.cluster.list("PipelineRun", context.namespace("dev"))
        if pipeline(run) in (PIPELINE, RETRAIN) and succeeded(run) and "image-digest" in results(run)
    }


def _probabilities(answer: Any) -> list[Any]:
    """The first row of the answer, in either form of Seldon's protocol."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        return []
    rows = data.get("ndarray") or [(data.get("tensor") or {}).get("values")]
    first = rows[0] if isinstance(rows, list) and rows else None
    return first if isinstance(first, list) else [first] if isinstance(first, int | float) else []
