"""The console, the dashboards and the guide as pages."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.workshop.lab.pages.fixtures import (
    DIGEST,
    OTHER,
    browser,
    check_found,
    deploy,
    dom,
    in_a_browser,
    lab_of,
    ran,
    served,
)
from workshop.lab.kinds import built_in
from workshop.lab.participant import clone_folder
from workshop.lab.paths import LabPaths
from workshop.lab.progress import progress, remember

KIT = Path(__file__).resolve().parents[4]


class FakePrometheus(BaseHTTPRequestHandler):
    """Answers every query with one series that rises; remembers what it was asked."""

    asked: list[tuple[str, dict[str, list[str]]]] = []
    alerts: list[dict[str, Any]] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        given = parse_qs(parts.query)
        self.asked.append((parts.path, given))
        if parts.path.endswith("/alerts"):
            data: Any = {"alerts": self.alerts}
        elif parts.path.endswith("/values"):
            data = ["user1-production", "user1-staging"]
        elif parts.path.endswith("query_range"):
            start, end = float(given["start"][0]), float(given["end"][0])
            times = [start + n * (end - start) / 9 for n in range(10)]
            data = {
                "resultType": "matrix",
                "result": [
                    {
                        "metric": {"code": "200", "predictor_name": "main"},
                        "values": [[t, str(n)] for n, t in enumerate(times)],
                    }
                ],
            }
        else:
            data = {
                "resultType": "vector",
                "result": [{"metric": {"actual": "late", "predicted": "late", "decile": "3"}, "value": [0, "42"]}],
            }
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def prometheus() -> Iterator[tuple[type[FakePrometheus], str]]:
    handler = type("Handler", (FakePrometheus,), {"asked": [], "alerts": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# -- the console


def test_a_fresh_lab_says_what_comes_first(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/").text
    assert "No run yet" in page and "Nothing yet" in page
    assert "Ask the model" not in page
    assert "prometheus is not installed" in page


def test_the_console_shows_what_serves_and_whether_staging_tested_it(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    deploy(about.store, "staging", f"lab/flight-delay@{DIGEST}")
    deploy(about.store, "production", f"lab/flight-delay@{DIGEST}")
    page = browser(about).get("/").text
    assert page.count(DIGEST[7:19]) >= 2
    assert "The digest that staging tested." in page
    assert "curl -s http://127.0.0.1:1/seldon/user1-production" in page


def test_the_console_leads_to_the_page_for_travellers_once_production_answers(tmp_path: Path) -> None:
    page = "http://127.0.0.1:1/seldon/user1-production/flight-delay/client/"
    about = lab_of(tmp_path)
    assert "Will my flight be late?" not in browser(about).get("/").text
    deploy(about.store, "production", f"lab/flight-delay@{DIGEST}")
    assert (
        f'<a href="{page}" target="_blank" rel="noreferrer">Will my flight be late?</a>' in browser(about).get("/").text
    )


def test_the_console_names_the_next_module_of_the_guide(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    assert '<a href="/guide/01-meet-the-lab">01 ' in browser(about).get("/").text
    check_found(about, "01", 0, 5)
    page = browser(about).get("/").text
    assert '<a href="/guide/02-' in page and "/guide/01-" not in page


def test_an_unknown_address_gets_a_page_with_a_link_to_the_start(tmp_path: Path) -> None:
    answer = browser(lab_of(tmp_path)).get("/nowhere/<b>at all")
    assert answer.status_code == 404
    assert "The lab has no page /nowhere/&lt;b&gt;at all." in answer.text
    assert '<a href="/">To the console</a>' in answer.text


def test_a_canary_is_shown_with_its_share_and_another_digest(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    deploy(about.store, "staging", f"lab/flight-delay@{DIGEST}")
    deploy(about.store, "production", f"lab/flight-delay@{OTHER}", f"lab/flight-delay@{DIGEST}")
    page = browser(about).get("/").text
    assert page.count("<meter") == 2 and "50%" in page
    assert "Staging has another digest." in page


def test_runs_are_shown_with_status_time_and_the_reason_of_a_failure(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    ran(about.store, "run-a", "True", "Succeeded", digest=DIGEST)
    ran(about.store, "run-b", "False", "Failed", message="the gate said <no>")
    page = browser(about).get("/").text
    assert "1 min 17 s" in page and "Succeeded" in page
    assert "the gate said &lt;no&gt;" in page
    assert f"built {DIGEST[7:19]}" in page


def test_the_live_part_is_sent_again_only_when_it_changed(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    client = browser(about)
    first = client.get("/?part=live")
    assert "<html" not in first.text and 'id="serving"' in first.text
    again = client.get("/?part=live", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    deploy(about.store, "staging", f"lab/flight-delay@{DIGEST}")
    assert client.get("/?part=live", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_an_object_without_status_or_predictors_does_not_break_the_page(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    for kind, namespace in (("SeldonDeployment", "user1-staging"), ("PipelineRun", "user1-dev")):
        about.store.create(built_in(kind), {"metadata": {"name": "bare", "namespace": namespace}})
    assert browser(about).get("/").status_code == 200


def test_every_page_needs_the_token_and_loads_only_from_the_lab(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    for path in ("/", "/guide/", "/guide/01-meet-the-lab", "/dashboards/model-serving"):
        assert browser(about, token="wrong").get(path).status_code == 401
        page = browser(about).get(path)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        sources = re.findall(r"(?:src|<link[^>]+href)=\"([^\"]+)\"", page.text)
        assert sources and all(source.startswith("/static/") for source in sources)
        assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page.text), "inline styles and handlers are blocked"
        for source in sources:
            file = browser(about).get(source)
            assert (file.status_code, file.headers["Cache-Control"]) == (200, "no-cache"), source
            again = browser(about).get(source, headers={"If-None-Match": file.headers["ETag"]})
            assert again.status_code == 304, "an unchanged file is not sent again"


# -- the dashboards


def test_the_list_leads_to_every_dashboard_and_says_what_is_on_it(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/dashboards/").text
    assert 'href="/dashboards/model-serving"' in page and 'href="/dashboards/model-quality"' in page
    assert "Who answers" in page and "Was it right" in page


def test_a_dashboards_file_name_leads_to_it(tmp_path: Path) -> None:
    answer = browser(lab_of(tmp_path)).get("/dashboards/serving", follow_redirects=False)
    assert answer.headers["location"] == "/dashboards/model-serving"


def test_an_unknown_dashboard_is_an_error_with_its_name(tmp_path: Path) -> None:
    answer = browser(lab_of(tmp_path)).get("/dashboards/nope")
    assert answer.status_code == 404 and "no dashboard nope" in answer.text


def test_without_prometheus_the_page_says_how_to_get_it(tmp_path: Path) -> None:
    client = browser(lab_of(tmp_path))
    assert "make setup" in client.get("/dashboards/model-serving").text
    answer = client.get("/dashboards/api/query", params={"query": "up"})
    assert answer.status_code == 503 and "make setup" in answer.json()["error"]


def test_a_prometheus_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    client = browser(lab_of(tmp_path, prometheus_url="http://127.0.0.1:1"))
    answer = client.get("/dashboards/api/query_range", params={"query": "up"})
    assert answer.status_code == 503 and "does not answer" in answer.json()["error"]


def test_questions_reach_prometheus_unchanged(tmp_path: Path, prometheus: tuple[type[FakePrometheus], str]) -> None:
    client = browser(lab_of(tmp_path, prometheus_url=prometheus[1]))
    query = 'sum(rate(x{a=~"b|c"}[20s])) + 1'
    client.get("/dashboards/api/query", params={"query": query, "time": "5"})
    client.get("/dashboards/api/label/namespace/values", params={"match[]": "up{}"})
    assert prometheus[0].asked == [
        ("/api/v1/query", {"query": [query], "time": ["5"]}),
        ("/api/v1/label/namespace/values", {"match[]": ["up{}"]}),
    ]


@pytest.mark.parametrize("path", ["admin/tsdb/delete_series", "label/a-b/values", "label/../values", "targets"])
def test_nothing_else_of_prometheus_is_within_reach(
    tmp_path: Path, prometheus: tuple[type[FakePrometheus], str], path: str
) -> None:
    client = browser(lab_of(tmp_path, prometheus_url=prometheus[1]))
    assert client.get(f"/dashboards/api/{path}").status_code in (400, 404)
    assert prometheus[0].asked == []


def _alert(name: str, summary: str, state: str = "firing", severity: str = "warning") -> dict[str, Any]:
    said = {"summary": summary, "runbook_url": f"grafana/runbook.md#{name.lower()}"}
    return {"labels": {"alertname": name, "severity": severity}, "annotations": said, "state": state}


ALERTS_SHOWN = "What to do"
"""The link of each alert on a page."""


@pytest.mark.parametrize(
    "path", ["/", "/?part=live", "/dashboards/", "/dashboards/model-serving", "/dashboards/alerts"]
)
def test_a_firing_alert_is_shown_with_a_link_to_its_heading(
    tmp_path: Path, prometheus: tuple[type[FakePrometheus], str], path: str
) -> None:
    prometheus[0].alerts = [
        _alert("ModelDrift", "the share <moves>"),
        _alert("ModelGone", "no model server is left", severity="critical"),
        _alert("ModelSlow", "not yet", state="pending"),
    ]
    page = browser(lab_of(tmp_path, prometheus_url=prometheus[1])).get(path).text
    assert "the share &lt;moves&gt;" in page and 'href="/dashboards/runbook#modeldrift"' in page
    assert page.index("no model server is left") < page.index("the share"), "the critical one first"
    assert "not yet" not in page
    assert ALERTS_SHOWN in page


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"])
def test_without_prometheus_the_console_shows_no_alerts(tmp_path: Path, url: str | None) -> None:
    page = browser(lab_of(tmp_path, prometheus_url=url)).get("/")
    assert page.status_code == 200 and ALERTS_SHOWN not in page.text


def test_the_runbook_has_an_anchor_for_every_alert(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/dashboards/runbook").text
    rules = yaml.safe_load((KIT / "grafana" / "alerts" / "rules.yaml").read_text())
    for alert in (rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule):
        assert f'id="{alert.lower()}"' in page


# -- the guide


def test_the_guide_lists_its_modules(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/guide/").text
    assert "Meet the lab" in page and "10 min" in page


def test_a_module_shows_the_participants_values(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/guide/01-meet-the-lab").text
    assert "user1-production" in page and "http://127.0.0.1:1/seldon/" in page
    assert "$PRODUCTION_URL" not in page


def test_a_module_number_keeps_the_language_of_its_link(tmp_path: Path) -> None:
    answer = browser(lab_of(tmp_path)).get("/guide/01?lang=zh-Hans", follow_redirects=False)
    assert answer.headers["location"] == "/guide/01-meet-the-lab?lang=zh-Hans"


def test_a_module_number_and_a_slash_at_the_end_lead_to_the_page(tmp_path: Path) -> None:
    for path, leads_to in (("01", "01-meet-the-lab"), ("01-meet-the-lab/", "01-meet-the-lab")):
        answer = browser(lab_of(tmp_path)).get(f"/guide/{path}", follow_redirects=False)
        assert answer.headers["location"] == f"/guide/{leads_to}"


def test_the_check_of_a_module_answers_a_line_a_task(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    ran(about.store, "run-a", "True", "Succeeded", digest=DIGEST)
    deploy(about.store, "staging", f"lab/flight-delay@{DIGEST}")
    answer = browser(about).post("/guide/api/check/01").json()
    assert answer["ok"] is False
    done = {finding["task"]: finding["ok"] for finding in answer["findings"]}
    assert done["flight-delay is available in staging"] is True
    assert done["production answers a request"] is False
    assert all(finding["reason"] for finding in answer["findings"])
    chinese = browser(about).post("/guide/api/check/01", headers={"Accept-Language": "zh-CN"}).json()["findings"]
    assert [finding["task"] for finding in chinese][1:] == [
        "flight-delay 在 staging 中可用", "生产环境提供的是预发布环境测试过的摘要", "生产环境能答复请求"
    ]  # fmt: skip
    assert chinese[0]["reason"] == "命名空间 user1-dev 中成功运行产生的镜像数：1"


def test_a_module_without_a_check_is_an_error_with_its_number(tmp_path: Path) -> None:
    answer = browser(lab_of(tmp_path)).post("/guide/api/check/77")
    assert answer.status_code == 404 and "module 77 has no check" in answer.json()["error"]


def test_the_result_of_a_check_is_kept_for_every_page(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    client = browser(about)
    assert 'class="done" data-module="02"' not in client.get("/guide/").text
    check_found(about, "02", 0, 4)
    check_found(about, "03", 1, 2)
    page = client.get("/guide/04-compare-features-and-models").text
    assert 'class="done" data-module="02"' in page and 'class="open" data-module="03"' in page
    client.post("/guide/api/check/01")
    known = progress(about.store, about.participant).modules
    assert known["01"].left > 0 and known["01"].failed == 1
    assert known["02"].done


def test_progress_that_cannot_be_read_is_no_progress(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    remember(about.store, about.participant, lambda _: {"module-02": '{"left"', "module-03": "x" * 10_000, "else": "1"})
    assert progress(about.store, about.participant).modules == {}
    assert browser(about).get("/guide/").status_code == 200


def test_the_search_page_leads_to_the_place(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/guide/search", params={"q": "dvc push"}).text
    assert 'href="/guide/05-version-the-data#' in page
    elsewhere = browser(lab_of(tmp_path)).get("/guide/search", params={"q": "ServiceAccount, and an approval"}).text
    assert "Nothing in the guide" in elsewhere, "it stands in module 11 for a cluster, and the lab's page leaves it out"
    nothing = browser(lab_of(tmp_path)).get("/guide/search", params={"q": "<script>"}).text
    assert "Nothing in the guide" in nothing and "<script>alert" not in nothing and "&lt;script&gt;" in nothing


def test_the_whole_guide_is_one_page_with_anchors_of_its_own(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/guide/whole").text
    found = re.findall(r' id="([^"]+)"', page)
    assert len(found) == len(set(found)) and "m11-check" in found


def test_a_button_runs_the_command_that_it_names_and_shows_what_it_prints(tmp_path: Path) -> None:
    LabPaths(tmp_path).make()
    about = lab_of(tmp_path)
    with browser(about) as client:
        begun = client.post("/guide/api/reset/02")
        assert begun.status_code == 202 and begun.json()["command"] == "workshop reset 02"
        assert client.post("/guide/api/solve/03").status_code == 409
        deadline = time.monotonic() + 30
        while (expected := client.get("/guide/api/job").json())["running"] and time.monotonic() < deadline:
            time.sleep(0.05)
    assert expected["code"] == 3
    assert any("workshop up" in line for line in expected["lines"]), expected


@pytest.mark.parametrize("path", ["/guide/api/destroy/02", "/guide/api/solve/77"])
def test_a_button_can_run_nothing_else(tmp_path: Path, path: str) -> None:
    assert browser(lab_of(tmp_path)).post(path).status_code == 404


# -- in a browser


@pytest.mark.parametrize(
    ("uid", "file", "shown"),
    [
        pytest.param("model-serving", "serving", ["9 req/s", "4200.0%"], marks=in_a_browser, id="serving"),
        pytest.param(
            "model-quality", "quality", [">42<", "actual \\ predicted", "0.3"], marks=in_a_browser, id="quality"
        ),
    ],
)
def test_the_viewer_draws_every_panel(
    tmp_path: Path, prometheus: tuple[type[FakePrometheus], str], uid: str, file: str, shown: list[str]
) -> None:
    panels = json.loads((KIT / "grafana" / "rendered" / f"{file}.json").read_text())["panels"]
    charts = sum(panel["type"] in ("timeseries", "barchart", "heatmap") for panel in panels)
    about = lab_of(tmp_path, prometheus_url=prometheus[1])
    with served(about) as lab:
        page = dom(f"{lab.url}/dashboards/{uid}", tmp_path)
    assert "drawn by Grafana only" not in page and "done by Grafana only" not in page
    assert page.count('class="uplot') == charts, "a chart for each panel with axes"
    assert all(text in page for text in shown)
    assert '<option value="user1-staging">' in page, "the values of a variable"
    assert not any("$" in query for _, given in prometheus[0].asked for query in given.get("query", []))


@pytest.mark.parametrize("_", [pytest.param(0, marks=in_a_browser, id="chromium")])
def test_the_link_with_the_token_logs_a_browser_in(tmp_path: Path, _: int) -> None:
    about = lab_of(tmp_path)
    with served(about, gate=True) as lab:
        assert "Your lab" not in dom(lab.url, tmp_path)
        assert "Your lab" in dom(f"{lab.url}/#token={about.token}", tmp_path)


def test_the_link_to_mlflow_opens_the_experiment_and_not_its_start_page(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/").text
    link = '<a href="http://127.0.0.1:2/#/experiments/1/runs" target="_blank" rel="noreferrer">'
    assert f"{link}MLflow</a>" in page and f"{link}model</a>" in page


def test_the_dashboards_of_the_participants_answers_are_listed_and_replace_none_of_the_kit(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    folder = clone_folder(about.paths) / "answers"
    folder.mkdir(parents=True)
    panel = {"type": "timeseries", "title": "a </script> panel", "targets": [{"expr": "up"}]}
    for name, uid in (("mine", "mine"), ("theirs", "model-quality")):
        (folder / f"{name}.json").write_text(json.dumps({"uid": uid, "title": f"By {name}", "panels": [panel]}))
    (folder / "pair.json").write_text('{"data": {}}')
    listed = browser(about).get("/dashboards/").text
    assert "By mine" in listed and "By theirs" not in listed and "Model quality" in listed
    page = browser(about).get("/dashboards/mine").text
    assert "a \\u003c/script> panel" in page
