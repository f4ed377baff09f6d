"""The first release of each participant: three runs one after the other, found again after an interruption.

The test plays Tekton: it ends the runs, and asks for the approval of a promotion.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit import until
from tests.workshop.cohort.conftest import Cohort
from tests.workshop.cohort.tekton import Tekton
from tests.workshop.lab.serving import Lab
from workshop.cluster.client import Client
from workshop.errors import RunFailed
from workshop.manifests.objects import is_done
from workshop.operations import firstmodels
from workshop.operations.firstmodels import first_models
from workshop.usecase import DEPLOYMENT, KIT

PARTS = ["load-data", "train-and-stage", "promote"]


@pytest.fixture
def tekton(cohort: Cohort, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tekton]:
    monkeypatch.setattr(firstmodels, "_POLL_SECONDS", 0.05)
    assert cohort("provision", "--users", "3")[0] == 0
    made = Tekton(lab.state.kubeconfig, ["s1", "s2", "s3"])
    yield made
    made.stop()


def bring(lab: Lab, names: list[str], seconds: float = 30, at_once: int = 2) -> list[tuple[str, str]]:
    """The states that are reported, with the participant's name."""
    said: list[tuple[str, str]] = []

    def report(event: str, fields: dict[str, Any]) -> None:
        said.append((fields["name"], fields["state"]))

    client = Client.load(lab.state.kubeconfig)
    asyncio.run(first_models(client, KIT, names, report, at_once=at_once, seconds=seconds))
    return said


def test_each_participant_gets_data_a_model_and_a_promotion_that_is_approved(tekton: Tekton, lab: Lab) -> None:
    said = bring(lab, ["s1", "s2", "s3"])
    for name in ("s1", "s2", "s3"):
        mine = [run for run in tekton.runs() if run[0].startswith(f"{name}-")]
        stages = ("dev", "dev", "production")
        assert mine == [(f"{name}-{stage}", part) for stage, part in zip(stages, PARTS, strict=True)]
        assert said[-1][1] == "in production" and (name, "promote runs") in said
    assert tekton.most_at_once <= 2


def test_who_has_a_model_gets_no_run(tekton: Tekton, lab: Lab) -> None:
    there = {"apiVersion": "machinelearning.seldon.io/v1", "kind": "SeldonDeployment"}
    container = {"name": "model", "image": f"x@sha256:{64 * 'a'}"}
    predictor = {"name": "main", "graph": {"name": "model", "type": "MODEL"}}
    spec = {"predictors": [{**predictor, "componentSpecs": [{"spec": {"containers": [container]}}]}]}
    meta = {"name": DEPLOYMENT, "namespace": "s1-production"}
    tekton.client.create({**there, "metadata": meta, "spec": spec}, strict=False)
    assert bring(lab, ["s1"]) == [("s1", "in production")] and tekton.runs() == []


def test_an_interrupted_command_goes_on_with_the_run_that_is_there(tekton: Tekton, lab: Lab) -> None:
    tekton.holds = "train-and-stage"
    with pytest.raises(RunFailed, match="s1: not in production after 2 s"):
        bring(lab, ["s1"], seconds=2)
    tekton.holds = ""
    until(lambda: all(is_done(r) for r in tekton.client.list("PipelineRun", "s1-dev")))
    bring(lab, ["s1"])
    assert [part for _, part in tekton.runs()] == PARTS


def test_a_failed_run_is_named_and_started_anew(tekton: Tekton, lab: Lab) -> None:
    tekton.fails = lambda namespace, part: (namespace, part) == ("s2-dev", "train-and-stage")
    with pytest.raises(RunFailed, match=r"1 of 2 participants .*\n  s2: train-and-stage-\S+ in s2-dev"):
        bring(lab, ["s1", "s2"])
    assert ("s1-production", "promote") in tekton.runs()
    tekton.fails = lambda namespace, part: False
    bring(lab, ["s2"])
    mine = [part for namespace, part in tekton.runs() if namespace.startswith("s2-")]
    assert mine == ["load-data", "train-and-stage", "train-and-stage", "promote"]


def test_an_approval_of_somebody_else_is_named(tekton: Tekton, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firstmodels, "identities", lambda client: ("somebody", []))
    said: list[str] = []
    client = Client.load(lab.state.kubeconfig)
    with pytest.raises(RunFailed, match="s1: not in production"):
        asyncio.run(first_models(client, KIT, ["s1"], lambda _, fields: said.append(fields["state"]), seconds=4))
    assert said[-1] == f"waits for an approval of {tekton.approver}: workshop approve -n s1-production"
