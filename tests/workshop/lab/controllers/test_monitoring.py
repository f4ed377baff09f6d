"""Rules and monitors in the lab: each one is limited to its namespace, and a faulty one does not affect others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from grafana import queries
from workshop.lab.components import prometheus
from workshop.lab.controllers.monitoring import reconcile
from workshop.lab.controllers.monitoring.reconcile import KINDS, Monitoring
from workshop.lab.controllers.reloading import Rewriting
from workshop.lab.kinds import built_in
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.monitoring.rules import rule_file
from workshop.lab.monitoring.targets import Port, ScrapedPod
from workshop.lab.paths import KIT
from workshop.lab.ports import reserve
from workshop.lab.store import Store
from workshop.programs import require

ALERTS = KIT / "grafana" / "alerts"
DOWN = {"alert": "Down", "expr": "up == 0", "for": "1m", "labels": {"severity": "warning"}}


class It:
    """A monitoring controller over a store and a folder."""

    def __init__(self, folder: Path, *pods: ScrapedPod) -> None:
        self.store, self.files = Store(), PrometheusFiles(folder)
        self.ready, self.reloads = True, 0
        self._monitoring = Monitoring(self.store, self.files, lambda: pods)
        self.controller = Rewriting("monitoring", self.store, KINDS, self._monitoring.write, self._reload)

    def write(self) -> bool:
        return asyncio.run(self._monitoring.write())

    def _reload(self) -> bool:
        self.reloads += self.ready
        return self.ready

    def put(self, kind: str, namespace: str, spec: Any, name: str = "model") -> None:
        self.store.create(built_in(kind), {"metadata": {"name": name, "namespace": namespace}, "spec": spec})

    def rule(self, namespace: str, *rules: dict[str, Any], name: str = "model", **group: Any) -> None:
        self.put("PrometheusRule", namespace, {"groups": [{"name": "g", "rules": list(rules), **group}]}, name)

    def rules(self) -> dict[str, Any]:
        return {path.name: yaml.safe_load(path.read_text()) for path in self.files.rules.glob("*")}

    def scraped(self) -> dict[str, int]:
        """The number of targets of each job of Prometheus' configuration."""
        config = yaml.safe_load(self.files.config.read_text())
        found = {}
        for job in config["scrape_configs"]:
            ((file,),) = (discovery["files"] for discovery in job["file_sd_configs"])
            found[job["job_name"]] = sum(len(group["targets"]) for group in json.loads(Path(file).read_text()))
        return found

    def events(self) -> list[tuple[str, str]]:
        return [(e["involvedObject"]["name"], e["message"]) for e in self.store.objects(built_in("Event"))]


def test_an_object_is_read_once_for_each_version_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def recorded(obj: dict[str, Any]) -> str:
        read.append(obj["metadata"]["name"])
        return rule_file(obj)

    monkeypatch.setattr(reconcile, "rule_file", recorded)
    it = It(tmp_path)
    it.rule("one", DOWN)
    it.rule("one", {**DOWN, "expr": "up =="}, name="bad")
    for _ in range(3):
        it.write()
    assert sorted(read) == ["bad", "model"]
    kind = built_in("PrometheusRule")
    obj = it.store.get(kind, "one", "model")
    obj["spec"]["groups"][0]["rules"][0]["alert"] = "Away"
    it.store.update(kind, obj)
    it.write()
    assert sorted(read) == ["bad", "model", "model"]
    assert it.rules()["one_model.yaml"]["groups"][0]["rules"][0]["alert"] == "Away"


def test_the_same_rule_in_two_namespaces_is_two_files_and_groups(tmp_path: Path) -> None:
    it = It(tmp_path)
    for namespace in ("one", "two"):
        it.rule(namespace, DOWN)
    assert it.write() is True
    assert set(it.rules()) == {"one_model.yaml", "two_model.yaml"}
    (group,) = it.rules()["one_model.yaml"]["groups"]
    assert group["name"] == "one/model/g"
    labels = {"severity": "warning", "namespace": "one"}
    assert group["rules"] == [{**DOWN, "expr": 'up{namespace="one"} == 0', "labels": labels}]


def test_names_that_join_to_the_same_text_are_two_files(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.rule("a-b", DOWN, name="c")
    it.rule("a", DOWN, name="b-c")
    it.write()
    assert len(it.rules()) == 2


def test_nothing_is_written_when_nothing_changed_and_a_deleted_rule_takes_its_file_along(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.rule("one", DOWN)
    it.write()
    assert it.write() is False
    it.store.delete(built_in("PrometheusRule"), "one", "model")
    assert it.write() is True
    assert it.rules() == {}


MISTAKES = {
    "query": ({**DOWN, "expr": "sum(up"}, "unclosed left parenthesis"),
    "duration": ({**DOWN, "for": "5 minutes"}, "`$.spec.groups[0].rules[0].for`"),
    "label": ({**DOWN, "labels": {"not-a-label": "x"}}, "invalid label name: not-a-label"),
    "template": ({**DOWN, "annotations": {"summary": "{{ $value"}}, "unclosed action"),
    "record": ({"record": "not a metric", "expr": "up"}, "invalid recording rule name"),
    "type": ({"alert": ["Down"], "expr": "up"}, "Expected `str | null`, got `array`"),
}


@pytest.mark.parametrize(("rule", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_stored_rule_with_a_mistake_gets_an_event_and_leaves_the_others_alone(
    rule: dict[str, Any], message: str, tmp_path: Path
) -> None:
    it = It(tmp_path)
    it.rule("one", DOWN)
    it.rule("one", rule, name="wrong")
    for _ in range(2):
        it.write()
    assert set(it.rules()) == {"one_model.yaml"}
    ((name, expected),) = it.events()
    assert name == "wrong"
    assert expected.startswith("PrometheusRule wrong is left out: ") and message in expected


@pytest.mark.parametrize("spec", [None, [], "text", {"groups": "g"}, {"groups": [None]}, {"groups": [{"rules": 1}]}])
def test_a_stored_rule_of_any_shape_is_left_out(spec: Any, tmp_path: Path) -> None:
    it = It(tmp_path)
    it.put("PrometheusRule", "one", spec)
    it.write()
    assert it.rules() == {} and len(it.events()) == 1


def test_the_labels_of_a_group_are_those_of_its_rules(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.rule("one", DOWN, interval="30s", labels={"team": "a", "severity": "info"})
    it.write()
    (written,) = it.rules()["one_model.yaml"]["groups"]
    assert written["interval"] == "30s" and "labels" not in written
    assert written["rules"][0]["labels"] == {"team": "a", "severity": "warning", "namespace": "one"}


def test_a_stored_monitor_with_a_mistake_gets_an_event_and_leaves_the_others_alone(tmp_path: Path) -> None:
    it = It(tmp_path, _pod("one", "a"))
    good = {"selector": {}, "podMetricsEndpoints": [{"port": "metrics"}]}
    it.put("PodMonitor", "one", good, "good")
    it.put("PodMonitor", "one", {**good, "podMetricsEndpoints": [{"interval": "5 seconds"}]}, "wrong")
    it.put("ServiceMonitor", "one", "nonsense", "odd")
    it.write()
    assert it.scraped() == {"podMonitor/one/good/0": 1}
    assert {name for name, _ in it.events()} == {"wrong", "odd"}


def test_a_faulty_file_of_an_earlier_run_does_not_keep_prometheus_from_starting(tmp_path: Path) -> None:
    files = PrometheusFiles(tmp_path)
    files.prepare()
    good = yaml.safe_dump({"groups": [{"name": "g", "rules": [DOWN]}]})
    (files.rules / "good.yaml").write_text(good)
    (files.rules / "faulty.yaml").write_text(good.replace("1m", "5 minutes"))
    files.prepare()
    assert [path.name for path in files.rules.iterdir()] == ["good.yaml"]
    run = subprocess.run(
        [require("promtool").path, "check", "config", str(files.config)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_prometheus_reads_its_files_again_once_it_is_ready_and_only_after_a_change(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.rule("one", DOWN)
    it.ready = False
    assert asyncio.run(it.controller.reconcile("", "")) == pytest.approx(0.5)
    it.ready = True
    assert asyncio.run(it.controller.reconcile("", "")) is None
    assert asyncio.run(it.controller.reconcile("", "")) is None
    assert it.reloads == 1


def _pod(namespace: str, name: str, **labels: str) -> ScrapedPod:
    obj = {"metadata": {"name": name, "namespace": namespace, "labels": labels}}
    return ScrapedPod(obj, [Port("model", "http", 9000, 40001), Port("model", "metrics", 6000, 40002)])


def test_the_kits_alerts_do_in_the_lab_what_their_unit_tests_say(tmp_path: Path) -> None:
    it = It(tmp_path)
    rule = yaml.safe_load((ALERTS / "prometheusrule.yaml").read_text())
    it.put("PrometheusRule", "user1-production", rule["spec"])
    it.write()
    tests = yaml.safe_load((ALERTS / "tests.yaml").read_text())
    tests["rule_files"] = [str(tmp_path / "rules" / "*.yaml")]
    for case in (case for test in tests["tests"] for case in test.get("alert_rule_test", [])):
        for alert in case.get("exp_alerts") or []:
            alert["exp_annotations"]["runbook"] = f"grafana/runbook.md#{case['alertname'].lower()}"
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    run = subprocess.run(
        [require("promtool").path, "test", "rules", "tests.yaml"], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 0, run.stdout + run.stderr


METRICS = "# TYPE work_total counter\nwork_total 1\n# TYPE noise gauge\nnoise 1\n"


@contextmanager
def _exporter() -> Iterator[int]:
    """A server of metrics; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(METRICS.encode())

        def log_message(self, *_: Any) -> None:
            """Keep the test's output short."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _prometheus(folder: Path, files: Callable[[], object]) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """The lab's Prometheus over the files that `files` writes; gives a function that waits for a query's series."""
    with reserve() as port:
        base = f"http://127.0.0.1:{port.number}"
        binary, env = require("prometheus").path, {"PATH": os.environ["PATH"]}
        component = prometheus.process(binary, folder, env, base, port.number)
        files()
        process = subprocess.Popen(component.argv, cwd=folder, stderr=subprocess.DEVNULL)

    def query(expr: str) -> list[dict[str, Any]]:
        for _ in range(300):
            with suppress(OSError):
                url = f"{base}/api/v1/query?{urlencode({'query': expr})}"
                asked = urllib.request.Request(url, headers=dict(component.headers))
                with urllib.request.urlopen(asked, timeout=5) as answer:
                    found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                if found:
                    return found
            time.sleep(0.1)
        raise AssertionError(f"nothing answers {expr}")

    try:
        yield query
    finally:
        process.terminate()
        process.wait(10)


def test_two_deployments_of_one_namespace_are_scraped_once_each(tmp_path: Path) -> None:
    base = (KIT / "seldon/base/podmonitor.yaml").read_text()
    with _exporter() as one, _exporter() as two:
        pods = []
        for deployment, port in (("flight-delay", one), ("delay", two)):
            labels = {"seldon-deployment-id": deployment, "app.kubernetes.io/managed-by": "seldon-core"}
            meta = {"name": f"{deployment}-pod", "namespace": "one", "labels": labels}
            pods.append(ScrapedPod({"metadata": meta}, [Port("model", "metrics", 6000, port)]))
        it = It(tmp_path, *pods)
        for deployment in ("flight-delay", "delay"):
            spec = yaml.safe_load(base.replace("flight-delay", deployment))["spec"]
            it.put("PodMonitor", "one", spec, deployment)
        with _prometheus(tmp_path, it.write) as query:
            query("count(up == 1) == 2")
            for deployment in ("flight-delay", "delay"):
                expr = queries.servers_up().replace("$namespace", "one").replace("$deployment", deployment)
                assert [one["value"][1] for one in query(expr)] == ["1"]
            assert [one["value"][1] for one in query("count(up)")] == ["2"]


def test_prometheus_does_what_a_monitor_says(tmp_path: Path) -> None:
    with _exporter() as port:
        it = It(tmp_path, ScrapedPod(_pod("one", "a", app="x").obj, [Port("model", "metrics", 6000, port)]))
        endpoint = {
            "port": "metrics",
            "interval": "1s",
            "relabelings": [{"sourceLabels": ["__meta_kubernetes_pod_label_app"], "targetLabel": "app"}],
            "metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "noise", "action": "drop"}],
        }
        for name, value in (("it", "x"), ("not", "y")):
            selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": [value]}]}
            it.put("PodMonitor", "one", {"selector": selector, "podMetricsEndpoints": [endpoint]}, name)
        it.rule("one", {"record": "worked", "expr": "work_total * 2"}, interval="1s")
        with _prometheus(tmp_path, it.write) as query:
            (series,) = query("worked")
            assert series["metric"] == {
                "__name__": "worked",
                "app": "x",
                "container": "model",
                "endpoint": "metrics",
                "instance": f"127.0.0.1:{port}",
                "job": "one/it",
                "namespace": "one",
                "pod": "a",
            }
            assert [one["metric"]["__name__"] for one in query('{__name__=~"noise|work_total"}')] == ["work_total"]
