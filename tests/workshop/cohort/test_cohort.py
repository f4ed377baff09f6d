"""A room is provisioned, changed and removed; what others have made stays as it is."""

from __future__ import annotations

import base64
import csv
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.cohort.conftest import Cohort
from tests.workshop.cohort.proxy import Proxy
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.cohort.sheet import cards
from workshop.participants.names import COHORT, Participant

NAMESPACES = "/api/v1/namespaces"


def names(lab: Lab, label: str = f"{COHORT}=room") -> set[str]:
    """The namespaces with a label."""
    found = lab.ask("GET", f"{NAMESPACES}?labelSelector={label}")[1]["items"]
    return {one["metadata"]["name"] for one in found}


def versions(lab: Lab) -> dict[str, str]:
    """The resourceVersion of each object of the room, by its path."""
    found: dict[str, str] = {}
    for path in ("/api/v1/secrets", "/apis/tekton.dev/v1/tasks", "/apis/rbac.authorization.k8s.io/v1/rolebindings"):
        for one in lab.ask("GET", f"{path}?labelSelector={COHORT}=room")[1]["items"]:
            meta = one["metadata"]
            found[f"{path}/{meta['namespace']}/{meta['name']}"] = meta["resourceVersion"]
    return found


def test_each_participant_gets_their_projects(cohort: Cohort, lab: Lab) -> None:
    code, events = cohort("provision", "--users", "3")
    assert code == 0
    assert names(lab) == {n for user in ("s1", "s2", "s3") for n in Participant(user).namespaces}
    (done,) = [one for one in events if one["event"] == "provisioned"]
    assert done["written"] % 3 == 0 and done["written"] > 150 and done["unchanged"] == 0
    assert done["left_out"] == {"the Grafana operator": ["GrafanaDatasource"]}
    bound = lab.ask("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/s3-staging/rolebindings/pipeline")[1]
    assert bound["subjects"][0]["namespace"] == "s3-dev"


def test_the_second_run_writes_nothing(cohort: Cohort, lab: Lab) -> None:
    cohort("provision", "--users", "2")
    before = versions(lab)
    code, events = cohort("provision", "--users", "2")
    assert code == 0 and events[-1]["written"] == 0 and events[-1]["unchanged"] > 100
    assert versions(lab) == before


def test_what_was_removed_or_changed_comes_back_and_nothing_else_is_written(cohort: Cohort, lab: Lab) -> None:
    cohort("provision", "--users", "2")
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/s1-dev/roles"
    assert lab.ask("DELETE", f"{roles}/jupyterhub")[0] == 200
    lab.ask("DELETE", f"{NAMESPACES}/s2-dev/secrets/git-login")
    code, events = cohort("provision")
    assert code == 0 and events[-1]["written"] == 2
    assert lab.ask("GET", f"{roles}/jupyterhub")[0] == 200


def test_a_field_that_somebody_changed_is_a_conflict_until_it_is_forced(
    cohort: Cohort, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort("provision", "--users", "1")
    path = f"{NAMESPACES}/s1-dev/configmaps/mlops-endpoints"
    change = {"data": {"DELIVERY_COMMAND": "other"}}
    assert lab.ask("PATCH", f"{path}?fieldManager=somebody", change, media="application/merge-patch+json")[0] == 200
    assert main(["cohort", "provision", "--kubeconfig", str(lab.state.kubeconfig), "--sheet", "/nonexistent/x"]) == 4
    said = capsys.readouterr().err
    assert "ConfigMap mlops-endpoints in s1-dev" in said and "somebody" in said and "--force" in said
    assert lab.ask("GET", path)[1]["data"]["DELIVERY_COMMAND"] == "other"
    assert cohort("provision", "--force")[0] == 0
    assert lab.ask("GET", path)[1]["data"]["DELIVERY_COMMAND"] == "workshop"


def test_passwords_are_random_kept_and_only_on_the_sheet(
    cohort: Cohort, lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort("provision", "--users", "2")
    secret = lab.ask("GET", f"{NAMESPACES}/s1-dev/secrets/git-login")[1]["data"]["password"]
    password = base64.b64decode(secret).decode()
    other = lab.ask("GET", f"{NAMESPACES}/s2-dev/secrets/git-login")[1]["data"]["password"]
    assert secret != other and len(password) == 40
    command = ["cohort", "provision", "--kubeconfig", str(lab.state.kubeconfig), "--sheet", str(tmp_path / "again")]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert password not in shown.out + shown.err
    for suffix in ("md", "csv", "html"):
        path = tmp_path / "again" / f"participants.{suffix}"
        assert password in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "again").stat().st_mode) == 0o700
    rows = list(csv.DictReader((tmp_path / "again" / "participants.csv").read_text().splitlines()))
    assert [row["User name"] for row in rows] == ["s1", "s2"] and rows[0]["Git password"] == password


def test_the_sheet_has_the_pages_of_the_cluster_and_of_each_participant() -> None:
    pages = {"Console": "https://console.example"}
    own = {"s1": {"MLflow": "https://mlflow-s1.example"}}
    secret = {"git-login": {"data": {"password": base64.b64encode(b"<pw>").decode()}}}
    first, second = cards(["s1", "s2"], pages, own, {"s1": secret})
    assert dict(first.lines) == {
        "User name": "s1",
        "Projects": "s1-dev, s1-staging, s1-production",
        "Console": "https://console.example",
        "MLflow": "https://mlflow-s1.example",
        "Git password": "<pw>",
    }
    assert "MLflow" not in dict(second.lines)


def test_dev_signs_with_the_secret_that_production_knows(cohort: Cohort, lab: Lab) -> None:
    def value(stage: str) -> str:
        found = lab.ask("GET", f"{NAMESPACES}/s1-{stage}/secrets/production-webhook")[1]
        return str((found.get("data") or {}).get("secret", ""))

    cohort("provision", "--users", "2")
    before = value("dev")
    assert before and value("production") == before
    # Whichever is missing comes back with the value of the other.
    for stage in ("dev", "production"):
        lab.ask("DELETE", f"{NAMESPACES}/s1-{stage}/secrets/production-webhook")
        cohort("provision", "--users", "2")
        assert value("dev") == value("production") == before


def test_a_smaller_number_removes_nobody_without_prune(cohort: Cohort, lab: Lab) -> None:
    cohort("provision", "--users", "3")
    code, events = cohort("provision", "--users", "2")
    assert code == 0 and events[-1]["extra"] == ["s3"] and "s3-dev" in names(lab)
    code, events = cohort("provision", "--users", "2", "--prune", "--yes")
    assert code == 0 and events[-1]["pruned"] == ["s3"]
    assert names(lab) == {n for user in ("s1", "s2") for n in Participant(user).namespaces}


def test_a_foreign_project_of_the_same_name_stops_everything(
    cohort: Cohort, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("mia-dev", "tom-staging"):
        lab.ask("POST", NAMESPACES, {"metadata": {"name": name}})
    path = Path(lab.state.root) / "names.txt"
    path.write_text("mia\ntom\nzoe\n")
    assert main(["cohort", "provision", "--kubeconfig", str(lab.state.kubeconfig), "--from-file", str(path)]) == 3
    said = capsys.readouterr().err
    assert "mia-dev exists and was not made by the kit" in said and "tom-staging" in said
    assert names(lab) == set()
    assert lab.ask("GET", f"{NAMESPACES}/zoe-dev")[0] == 404


def test_a_participant_belongs_to_one_cohort(cohort: Cohort, lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    cohort("provision", "--users", "1", "--cohort", "other")
    assert (
        main(["cohort", "provision", "--kubeconfig", str(lab.state.kubeconfig), "--users", "1", "--prefix", "s"]) == 3
    )
    assert "s1-dev belongs to the cohort other" in capsys.readouterr().err


def test_teardown_finds_everybody_by_label_and_spares_the_others(cohort: Cohort, lab: Lab) -> None:
    cohort("provision", "--users", "2")
    cohort("provision", "--users", "1", "--prefix", "team", "--cohort", "other")
    label = {"metadata": {"name": "foreign-dev", "labels": {COHORT: "room"}}}
    assert lab.ask("POST", NAMESPACES, label)[0] == 201
    code, events = cohort("teardown", "--yes")
    removed = events[-1]
    assert removed["participants"] == 2 and removed["namespaces"] == 6
    assert [one["name"] for one in removed["left"]] == ["foreign-dev"] and code == 1, "it has the label: say so"
    assert names(lab) == {"foreign-dev"} and "team1-dev" in names(lab, f"{COHORT}=other")
    lab.ask("DELETE", f"{NAMESPACES}/foreign-dev")
    code, events = cohort("teardown", "--yes")
    assert code == 0 and events[-1]["left"] == [] and events[-1]["unseen"] == []


def test_teardown_names_what_it_could_not_search(
    cohort: Cohort, proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort("provision", "--users", "1")
    proxy.fault = lambda number, method, path: 403 if path.endswith("/podmonitors") else 0
    capsys.readouterr()
    assert main(["cohort", "teardown", "--yes", "--kubeconfig", str(proxy.kubeconfig)]) == 3
    said = capsys.readouterr().out
    assert "could not be searched: podmonitors.monitoring.coreos.com: made 403" in said
    assert "nothing of the cohort is left" not in said and "as cluster-admin searches again" in said


def test_teardown_names_a_group_whose_server_is_away(
    cohort: Cohort, proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = {"version": "v1beta1", "freshness": "Stale", "resources": []}
    group = {"metadata": {"name": "metrics.k8s.io"}, "versions": [stale]}
    proxy.discovered = group
    capsys.readouterr()
    assert main(["cohort", "teardown", "--yes", "--kubeconfig", str(proxy.kubeconfig)]) == 3
    assert "could not be searched: all kinds of metrics.k8s.io/v1beta1" in capsys.readouterr().out


def test_teardown_asks(cohort: Cohort, lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    cohort("provision", "--users", "1")
    assert main(["cohort", "teardown", "--kubeconfig", str(lab.state.kubeconfig)]) == 2
    assert "1 participants, 3 namespaces" in capsys.readouterr().err and len(names(lab)) == 3


def test_status_names_what_is_missing_and_the_last_run(cohort: Cohort, lab: Lab) -> None:
    cohort("provision", "--users", "2")
    lab.ask("DELETE", "/apis/tekton.dev/v1/namespaces/s2-dev/tasks/gate")
    run: dict[str, Any] = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "first"}}
    run["spec"] = {"pipelineRef": {"name": "build"}}
    assert lab.ask("POST", "/apis/tekton.dev/v1/namespaces/s1-dev/pipelineruns", run)[0] == 201
    code, rows = cohort("status")
    assert code == 0 and [row["name"] for row in rows] == ["s1", "s2"]
    assert rows[0]["missing"] == [] and rows[1]["missing"] == ["Task gate in s2-dev"]
    assert rows[0]["run"] == "s1-dev/first" and rows[0]["run_state"] == "running"


def test_status_shows_the_shared_parts_and_who_asks_for_help(
    cohort: Cohort, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort("provision", "--users", "1")
    lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "mlops-workshop"}})
    meta = {"name": "jupyterhub", "namespace": "mlops-workshop"}
    labels = {"app": "jupyterhub"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "hub", "image": "hub"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    where = "/apis/apps/v1/namespaces/mlops-workshop/deployments"
    assert lab.ask("POST", where, {"metadata": meta, "spec": spec})[0] == 201
    help_ = {"help": '{"module": "05", "asked": 1, "text": "where is August?"}'}
    answer = {"answer-02-1": '{"given": "1", "first": "4", "at": 1}'}
    configmap = {"metadata": {"name": "workshop-progress"}, "data": help_ | answer}
    assert lab.ask("POST", "/api/v1/namespaces/s1-dev/configmaps", configmap)[0] == 201
    code, (row, part) = cohort("status")
    assert code == 0 and row["help"]["text"] == "where is August?" and row["module"] == "01"
    assert (row["predicted"], row["predicted_right"]) == (1, 1)
    assert part == {"part": "jupyterhub", "ready": 0, "wanted": 1}
    capsys.readouterr()
    assert main(["cohort", "status", "--kubeconfig", str(lab.state.kubeconfig)]) == 0
    said = capsys.readouterr().out
    assert "s1 asks for help with module 05" in said and "shared parts: 0 ready, jupyterhub 0/1" in said
    assert "predicted right: s1 1 of 1" in said
    assert cohort("helped", "s1")[0] == 0
    assert cohort("status")[1][0]["help"]["helped"] > 0
    assert cohort("helped", "s1")[0] == 2
    lab.ask("DELETE", "/api/v1/namespaces/mlops-workshop")
