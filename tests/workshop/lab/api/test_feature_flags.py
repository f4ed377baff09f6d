"""Tekton's feature flags are a ConfigMap of the API, and a change of it applies to the next request."""

from __future__ import annotations

from tests.workshop.lab.serving import Lab
from workshop.lab.seed import seed_cluster

FLAGS = "/api/v1/namespaces/tekton-pipelines/configmaps/feature-flags"
TASK = {
    "apiVersion": "tekton.dev/v1",
    "kind": "Task",
    "metadata": {"name": "gated"},
    "spec": {
        "params": [{"name": "stage", "enum": ["dev"]}],
        "steps": [{"name": "s", "image": "bash", "script": "echo $(params.stage)"}],
    },
}


def test_a_patch_of_the_flags_decides_what_the_next_request_may_contain(lab: Lab, namespace: str) -> None:
    seed_cluster(lab.store)
    tasks = f"/apis/tekton.dev/v1/namespaces/{namespace}/tasks"
    assert lab.ask("GET", FLAGS)[1]["data"]["enable-api-fields"] == "beta"
    status, refused = lab.ask("POST", tasks, TASK)
    assert status == 400 and "feature flag `enable-param-enum` should be set to true" in refused["message"]
    merge = {"Content-Type": "application/merge-patch+json"}
    wrong = lab.ask("PATCH", FLAGS, {"data": {"enable-param-enum": "maybe"}}, headers=merge)
    assert wrong[0] == 400 and wrong[1]["message"].startswith(
        'admission webhook "config.webhook.pipeline.tekton.dev" denied the request: validation failed: '
    )
    try:
        assert lab.ask("PATCH", FLAGS, {"data": {"enable-param-enum": "true"}}, headers=merge)[0] == 200
        assert lab.ask("POST", tasks, TASK)[0] == 201
    finally:
        lab.ask("PATCH", FLAGS, {"data": {"enable-param-enum": "false"}}, headers=merge)
