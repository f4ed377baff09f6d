"""Alerts start the kit's retraining: notifications of Alertmanager at the listener of dev."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workshop.lab.controllers.triggers.conftest import ALERT_TOKEN, NAMESPACE, Bench
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object

KIT = Path(__file__).resolve().parents[5]
PATH = f"/{NAMESPACE}/alerts"


@pytest.fixture
def listening(bench: Bench) -> Bench:
    for file in ("base/triggers/alert", "base/triggers/alerts", "base/triggers/retrain", "alerts/retrain"):
        bench.put(yaml.safe_load((KIT / f"tekton/{file}.yaml").read_text()))
    return bench


def notification(**more: Any) -> Object:
    """What Alertmanager sends for a group, version 4 (prometheus.io/docs/alerting/latest/configuration)."""
    group = {"namespace": "user1-production", "deployment_name": "flight-delay", "data_version": "0123456789ab"}
    labels = {**group, "alertname": "ModelMisses", "severity": "warning", "starts": "retrain"}
    alert = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-01-05T10:00:00Z"}
    sent = {
        "version": "4",
        "groupKey": "{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "user1-production/retrain/retrain",
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:1",
        "alerts": [alert],
    }
    return {**sent, **more}


def send(bench: Bench, body: Any, token: str = ALERT_TOKEN.decode()) -> list[Object]:
    """The runs that exist after a notification."""
    assert bench.post(PATH, body, {"Authorization": f"Bearer {token}"}).status == 202
    return bench.made("PipelineRun")


def test_an_alert_trains_again_with_the_next_period(listening: Bench) -> None:
    (run,) = send(listening, notification())
    assert run["metadata"]["name"] == "retrain-0123456789ab-2026-01-05"
    assert run["metadata"]["namespace"] == NAMESPACE
    assert run["metadata"]["annotations"]["mlops-workshop/alert"] == "ModelMisses"
    assert run["spec"]["pipelineRef"] == {"name": "retrain"}
    assert run["spec"]["params"] == [{"name": "next-period", "value": "create"}]


def test_without_the_trigger_alerts_start_nothing(listening: Bench) -> None:
    listening.call(listening.store.delete, built_in("Trigger"), NAMESPACE, "retrain")
    assert send(listening, notification()) == []
    assert [event for event in listening.events() if event["type"] == "Warning"] == []


def test_a_storm_of_alerts_about_one_model_starts_one_run(listening: Bench) -> None:
    other = notification()
    other["alerts"][0]["labels"] = {**other["alerts"][0]["labels"], "alertname": "ModelDrift"}
    for body in (notification(), other, notification(), other):
        assert len(send(listening, body)) == 1
    newer = notification(groupLabels={**notification()["groupLabels"], "data_version": "ba9876543210"})
    assert len(send(listening, newer)) == 2


def test_a_run_that_failed_does_not_block_an_alert_of_another_day(listening: Bench) -> None:
    (failed,) = send(listening, notification())
    assert len(send(listening, notification())) == 1
    later = notification()
    later["alerts"][0]["startsAt"] = "2026-01-06T09:00:00Z"
    names = {run["metadata"]["name"] for run in send(listening, later)}
    assert names == {failed["metadata"]["name"], "retrain-0123456789ab-2026-01-06"}


def test_after_its_run_is_deleted_an_alert_starts_another(listening: Bench) -> None:
    (run,) = send(listening, notification())
    listening.call(listening.store.delete, built_in("PipelineRun"), NAMESPACE, run["metadata"]["name"])
    (again,) = send(listening, notification())
    assert again["metadata"]["uid"] != run["metadata"]["uid"]


@pytest.mark.parametrize("token", ["", "guessed", "nor-thi", "nor-this2"])
def test_a_notification_without_the_token_starts_nothing(listening: Bench, token: str) -> None:
    assert send(listening, notification(), token) == []
    assert listening.post(PATH, notification()).status == 202
    assert listening.made("PipelineRun") == []


GROUP = notification()["groupLabels"]
ODD: dict[str, Any] = {
    "the end of an alert": notification(status="resolved"),
    "no group": {key: value for key, value in notification().items() if key != "groupLabels"},
    "a group without the data": notification(groupLabels={"namespace": "user1-production"}),
    "no data": notification(groupLabels={**GROUP, "data_version": ""}),
    "data of another form": notification(groupLabels={**GROUP, "data_version": 'x", "spec": {'}),
    "data that is no text": notification(groupLabels={**GROUP, "data_version": ["a"]}),
    "no alerts": notification(alerts=[]),
    "alerts that are none": notification(alerts="all"),
    "an alert of no day": notification(alerts=[{**notification()["alerts"][0], "startsAt": 'x", "spec": {'}]),
    "an alert without a name": notification(alerts=[{"labels": {}}]),
    "an alert about something else": notification(commonLabels={"alertname": "ModelSlow"}),
    "null": None,
    "an empty object": {},
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_what_is_no_notification_of_the_expected_form_starts_nothing_and_breaks_nothing(
    listening: Bench, body: Any
) -> None:
    assert send(listening, body) == []
    assert len(send(listening, notification())) == 1
    assert ALERT_TOKEN.decode() not in str(listening.events())
