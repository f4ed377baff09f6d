"""Module 1, meet the lab: the model went all the way, production serves what was tested, and it answers."""

from __future__ import annotations

from typing import Any

from workshop.checks.finding import CheckContext, Finding, Object, post_json

PIPELINE = "train-and-stage"
DEPLOYMENT = "flight-delay"
REQUEST = "seldon/requests/flight.json"
_START = "make lab starts the lab and takes the model from data to production"


def check(context: CheckContext) -> list[Finding]:
    """The four tasks, in the order of the model's way."""
    digests = _tested(context)
    return [_ran(context, digests), _serves(context, "staging"), _same(context, digests), _answers(context)]


def _ran(context: CheckContext, digests: set[str]) -> Finding:
    task = f"the pipeline {PIPELINE} has built an image"
    namespace = context.namespace("dev")
    if digests:
        return Finding(task, True, f"{_count(len(digests), 'image')} came out of successful runs in {namespace}")
    runs = [run for run in context.cluster.list("PipelineRun", namespace) if _pipeline(run) == PIPELINE]
    if not runs:
        return Finding(task, False, f"there is no run of it in {namespace}", _START)
    newest = max(runs, key=lambda run: str(run["metadata"].get("creationTimestamp", "")))
    condition = _condition(newest)
    name = newest["metadata"]["name"]
    reason = f"{name} is {condition.get('reason', 'not started')}: {condition.get('message', '')}"
    return Finding(
        task,
        False,
        reason.rstrip(": "),
        f"oc describe pipelinerun {name} -n {namespace}",
    )


def _serves(context: CheckContext, stage: str) -> Finding:
    namespace = context.namespace(stage)
    task = f"{DEPLOYMENT} is available in {stage}"
    found = context.cluster.find("SeldonDeployment", namespace, DEPLOYMENT)
    if found is None:
        return Finding(task, False, f"there is no SeldonDeployment {DEPLOYMENT} in {namespace}", _START)
    state = _state(found)
    hint = "" if state == "Available" else f"oc describe sdep {DEPLOYMENT} -n {namespace}"
    return Finding(task, state == "Available", f"its state is {state}", hint)


def _same(context: CheckContext, tested: set[str]) -> Finding:
    task = "production serves a digest that staging has tested"
    namespace = context.namespace("production")
    found = context.cluster.find("SeldonDeployment", namespace, DEPLOYMENT)
    if found is None or _state(found) != "Available":
        serves = _serves(context, "production")
        return Finding(task, False, serves.reason, serves.hint)
    digests = _digests(found)
    strange = sorted(digests - tested)
    if not digests or strange:
        shown = strange[0][:19] if strange else "an image without a digest"
        return Finding(
            task,
            False,
            f"production runs {shown}, which came out of no successful run of {PIPELINE}",
            "oc create -f tekton/runs/promote.yaml brings the digest of staging to production",
        )
    return Finding(task, True, f"{sorted(digests)[0][:19]} came out of a successful run of {PIPELINE}")


def _answers(context: CheckContext) -> Finding:
    task = "production answers a request"
    url = context.values.get("PRODUCTION_URL")
    if not url:
        return Finding(task, False, "production has no address yet", _START)
    try:
        body = (context.kit / REQUEST).read_bytes()
        status, answer = post_json(url, body)
    except OSError as e:
        return Finding(task, False, f"{url} does not answer: {e}", "workshop status")
    numbers = _probabilities(answer)
    if status != 200 or not numbers:
        said = answer.get("status", answer) if isinstance(answer, dict) else "no JSON"
        return Finding(
            task,
            False,
            f"HTTP {status}: {str(said)[:200]}",
            f"oc logs -n {context.namespace('production')} -l seldon-deployment-id={DEPLOYMENT}",
        )
    return Finding(task, True, f"the prediction for {REQUEST} is {numbers}")


def _tested(context: CheckContext) -> set[str]:
    """The digests that came out of successful runs."""
    return {
        str(result["value"]).strip()
        for run in context.cluster.list("PipelineRun", context.namespace("dev"))
        if _pipeline(run) == PIPELINE and _condition(run).get("status") == "True"
        for result in (run.get("status") or {}).get("results") or []
        if result.get("name") == "image-digest"
    }


def _pipeline(run: Object) -> str:
    return str(((run.get("spec") or {}).get("pipelineRef") or {}).get("name", ""))


def _condition(run: Object) -> dict[str, Any]:
    conditions = (run.get("status") or {}).get("conditions") or []
    return next((dict(c) for c in conditions if c.get("type") == "Succeeded"), {})


def _state(deployment: Object) -> str:
    return str((deployment.get("status") or {}).get("state") or "not known yet")


def _digests(deployment: Object) -> set[str]:
    images = {
        str(container.get("image", ""))
        for predictor in deployment["spec"].get("predictors") or []
        if not predictor.get("shadow")
        for spec in predictor.get("componentSpecs") or []
        for container in (spec.get("spec") or {}).get("containers") or []
    }
    return {digest for image in images if (digest := image.partition("@")[2])}


def _probabilities(answer: Any) -> list[Any]:
    """The first row of the answer, whichever way Seldon's protocol writes it."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        return []
    rows = data.get("ndarray") or [(data.get("tensor") or {}).get("values")]
    first = rows[0] if isinstance(rows, list) and rows else None
    return first if isinstance(first, list) else [first] if isinstance(first, int | float) else []


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
