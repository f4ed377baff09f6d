"""What Prometheus reads: exact counts, Seldon's names and labels, an exposition that never breaks."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from workshop.lab.ports import reserve
from workshop.programs import require

from .conftest import GOOD, Server, Start

REQUESTS = "seldon_api_executor_server_requests_seconds"


@pytest.fixture
def fresh(started: Start) -> Server:
    return started(
        "Late",
        shared=False,
        SELDON_DEPLOYMENT_ID="flight-delay",
        PREDICTOR_ID="default",
        PREDICTOR_LABELS='{"version":"v7"}',
        PREDICTIVE_UNIT_ID="classifier",
        PREDICTIVE_UNIT_IMAGE="reg:5000/late:1.2",
        PREDICTIVE_UNIT_METRICS_ENDPOINT="/scrape",
    )


def test_public_requests_are_counted_under_the_executors_names(fresh: Server) -> None:
    for _ in range(3):
        fresh.post(GOOD)
    fresh.post({"data": {}})
    fresh.post({"inputs": []}, "/v2/models/classifier/infer")
    labels = {
        "deployment_name": "flight-delay",
        "predictor_name": "default",
        "predictor_version": "v7",
        "service": "predictions",
        "method": "post",
    }
    assert fresh.sample(REQUESTS + "_count", code="200", metrics=False, **labels) == 3
    assert fresh.sample(REQUESTS + "_count", code="400", metrics=False, **labels) == 2
    assert fresh.sample(REQUESTS + "_bucket", code="200", le="10.0", metrics=False, **labels) == 3


def test_an_orchestrators_requests_are_left_to_it(fresh: Server) -> None:
    fresh.post(GOOD, "/predict")
    fresh.post({"reward": 1}, "/send-feedback")
    assert fresh.sample(REQUESTS + "_count") == 0
    # The model's own metrics() is asked after both, as Seldon's wrapper does; the label distinguishes them.
    assert fresh.sample("late_answers_total", method="predict") == 1
    assert fresh.sample("late_answers_total", method="feedback") == 1
    assert fresh.sample("seldon_api_model_feedback_total") == 1


def test_a_counter_is_exported_as_0_before_its_first_event(fresh: Server) -> None:
    text = fresh.get("/metrics").body.decode()
    for method in ("predict", "feedback"):
        (line,) = [ln for ln in text.splitlines() if ln.startswith("late_answers_total{") and f'="{method}"' in ln]
        assert line.endswith(" 0.0")


def test_a_gauge_of_the_warm_up_is_shown_as_it_is_because_it_counts_nothing(fresh: Server) -> None:
    assert "late_last{" in fresh.get("/metrics").body.decode()


def test_the_warm_up_is_not_counted(fresh: Server) -> None:
    assert fresh.sample("late_answers_total") == 0
    assert fresh.sample(REQUESTS + "_count") == 0


def test_rewards_of_nothing_are_counted_too(fresh: Server) -> None:
    for reward in (0, 1, 0.5, 0):
        fresh.post({"reward": reward}, "/api/v1.0/feedback")
    assert fresh.sample("seldon_api_model_feedback_total", model_name="classifier") == 4
    assert fresh.sample("seldon_api_model_feedback_reward_total") == 1.5


def test_the_models_metrics_have_seldons_types_and_labels(fresh: Server) -> None:
    fresh.post(GOOD)
    labels = {
        "deployment_name": "flight-delay",
        "seldon_deployment_name": "flight-delay",
        "model_name": "classifier",
        "model_image": "reg:5000/late",
        "image_name": "reg:5000/late",
        "model_version": "1.2",
        "image_version": "1.2",
        "predictor_name": "default",
        "predictor_version": "v7",
        "method": "predict",
    }
    assert fresh.sample("late_answers_total", metrics=False, **labels) == 1
    assert fresh.sample("late_last", kind="share", metrics=False, **labels) == 0.5
    assert fresh.sample("late_time_count", metrics=False, **labels) == 1
    assert fresh.sample("late_time_sum", metrics=False, **labels) == pytest.approx(0.002)
    assert fresh.sample("late_time_bucket", le="0.001", metrics=False, **labels) == 0
    assert fresh.sample("late_time_bucket", le="+Inf", metrics=False, **labels) == 1


def test_health_probes_do_not_touch_the_models_counters(fresh: Server) -> None:
    for _ in range(3):
        fresh.get("/health/status")
    assert fresh.sample("late_answers_total") == 0


@pytest.mark.parametrize("threads", ["0", "4"])
def test_counts_are_exact_with_many_callers(started: Start, threads: str) -> None:
    # Nobody reads the log meanwhile: a full pipe would stop the server.
    server = started("Late", shared=False, MODEL_SERVER_THREADS=threads, MODEL_SERVER_ACCESS_LOG="false")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: server.post(GOOD).status, range(400)))
    assert statuses == [200] * 400
    assert server.sample("late_answers_total") == server.sample(REQUESTS + "_count") == 400


def test_the_metrics_port_answers_one_path_and_nothing_else(fresh: Server) -> None:
    own = fresh.get("/scrape", metrics=True)
    assert (own.status, own.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert fresh.get("/predict", metrics=True).status == 404
    assert all(fresh.get(path).status == 200 for path in ("/scrape", "/metrics", "/prometheus"))


def test_metrics_may_share_the_models_port(started: Start) -> None:
    with reserve() as held:
        port = str(held.number)
        server = started(
            "Late", shared=False, PREDICTIVE_UNIT_HTTP_SERVICE_PORT=port, PREDICTIVE_UNIT_METRICS_SERVICE_PORT=port
        )
        assert server.get("/metrics").status == 200


def test_a_metric_that_cannot_be_counted_costs_neither_the_answer_nor_the_others(started: Start) -> None:
    server = started("Spoilt", shared=False)
    assert server.post({"data": {"ndarray": [[1]]}}).status == 200
    for bad in ("bad-name x", "fine_gauge", "seldon_api_x", ""):
        assert server.post({"strData": bad}).status == 200
    assert server.sample("fine_total") == 1
    assert server.sample("model_server_model_errors_total", method="metrics") >= 1


def test_the_exposition_pleases_promtool(fresh: Server) -> None:
    fresh.post(GOOD)
    fresh.post({"reward": 1}, "/api/v1.0/feedback")
    done = subprocess.run(
        [require("promtool").path, "check", "metrics"],
        input=fresh.get("/metrics").body,
        capture_output=True,
        check=False,
    )
    assert b"second TYPE" not in done.stderr
    assert b"error" not in done.stderr.lower()


def test_requests_of_an_executor_are_not_counted_twice(started: Start) -> None:
    server = started("Late", SELDON_EXECUTOR_ENABLED="true")
    server.post(GOOD, "/predict")
    text = server.get("/metrics").body.decode()
    counted = re.findall(rf"^{REQUESTS}_count\{{.*\}} (\S+)$", text, re.MULTILINE)
    assert "late_answers_total" in text
    assert counted and {float(count) for count in counted} == {0.0}
