"""Tekton's feature flags are a ConfigMap of the API, and a change of it applies to the next request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Lab]:
    """A server of its own, with what every cluster has."""
    running = Lab(tmp_path)
    running.call(seed_cluster, running.store)
    yield running
    running.stop()


def test_a_patch_of_the_flags_decides_what_the_next_request_may_contain(seeded: Lab) -> None:
    tasks = "/apis/tekton.dev/v1/namespaces/user1-dev/tasks"
    assert seeded.ask("GET", FLAGS)[1]["data"]["enable-api-fields"] == "beta"
    status, refused = seeded.ask("POST", tasks, TASK)
    assert status == 400 and "feature flag `enable-param-enum` should be set to true" in refused["message"]
    merge = {"Content-Type": "application/merge-patch+json"}
    wrong = seeded.ask("PATCH", FLAGS, {"data": {"enable-param-enum": "maybe"}}, headers=merge)
    assert wrong[0] == 400 and wrong[1]["message"].startswith(
        'admission webhook "config.webhook.pipeline.tekton.dev" denied the request: validation failed: '
    )
    assert seeded.ask("PATCH", FLAGS, {"data": {"enable-param-enum": "true"}}, headers=merge)[0] == 200
    assert seeded.ask("POST", tasks, TASK)[0] == 201


def test_the_settings_of_a_resolver_have_a_namespace(seeded: Lab) -> None:
    maps = "/api/v1/namespaces/tekton-pipelines-resolvers/configmaps"
    made = seeded.ask("POST", maps, {"metadata": {"name": "git-resolver-config"}, "data": {"fetch-timeout": "30s"}})
    assert made[0] == 201
