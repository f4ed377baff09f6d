"""What a caller of the Seldon protocol gets for a good request."""

from __future__ import annotations

import base64

import pytest
from modelserver.http import image_part

from .conftest import GOOD, Server, Start

PATHS = ("/predict", "/api/v1.0/predictions", "/api/v0.1/predictions")


@pytest.mark.parametrize("path", PATHS)
def test_answers_on_every_path_of_the_protocol(late: Server, path: str) -> None:
    answer = late.post(GOOD, path)
    assert (answer.status, answer.json["data"]) == (200, {"names": ["late"], "ndarray": [[0.5]]})


def test_get_takes_the_message_from_the_query(late: Server) -> None:
    answer = late.ask("GET", '/predict?json={"data":{"ndarray":[["UA",12,1,null]]}}'.replace('"', "%22"))
    assert answer.json["data"]["ndarray"] == [[0.5]]


def test_names_in_another_order_are_reordered(late: Server) -> None:
    message = {"data": {"names": ["age", "distance", "hour", "carrier"], "ndarray": [[3, 100, 6, "DL"]]}}
    assert late.post(message).json["data"]["ndarray"] == [[0.25]]


def test_missing_names_mean_the_models_order(late: Server) -> None:
    assert late.post({"data": {"ndarray": [["DL", 6, 100, 3]]}}).json["data"]["ndarray"] == [[0.25]]


def test_an_absent_nullable_column_counts_as_null(late: Server) -> None:
    message = {"data": {"names": ["carrier", "hour", "distance"], "ndarray": [["DL", 6, 100]]}}
    assert late.post(message).status == 200


def test_json_data_may_be_one_row_or_many_by_name(late: Server) -> None:
    row = {"carrier": "DL", "hour": 6, "distance": 10}
    one, two = late.post({"jsonData": row}), late.post({"jsonData": [row, {**row, "hour": 12}]})
    assert one.json["data"]["tensor"] == {"shape": [1, 1], "values": [0.25]}
    assert two.json["data"]["tensor"]["values"] == [0.25, 0.5]


def test_the_answers_kind_follows_the_requests(echo: Server) -> None:
    tensor = {"shape": [2, 2], "values": [1, 2, 3, 4]}
    answer = echo.post({"data": {"tensor": tensor}}).json
    assert answer["data"] == {"names": ["t:0", "t:1"], "tensor": tensor}
    assert echo.post({"data": {"ndarray": [1.5, 2]}}).json["data"] == {"names": [], "ndarray": [1.5, 2.0]}
    assert echo.post({"data": {"ndarray": [["a", "b"]]}}).json["data"]["ndarray"] == [["a", "b"]]
    assert echo.post({"jsonData": {"a": [1, None]}}).json["jsonData"] == {"a": [1, None]}
    assert echo.post({"strData": "word"}).json["strData"] == "word"
    packed = base64.b64encode(b"\x00\xff").decode()
    assert echo.post({"binData": packed}).json["binData"] == packed


def test_puid_is_echoed_tags_are_merged_and_the_request_path_is_returned(started: Start) -> None:
    server = started("Late", PREDICTIVE_UNIT_ID="classifier", PREDICTIVE_UNIT_IMAGE="reg:5000/late:1")
    meta = {"puid": "p1", "tags": {"who": "me"}, "requestPath": {"before": "x:1"}}
    answer = server.post({**GOOD, "meta": meta}).json["meta"]
    assert answer["puid"] == "p1"
    assert answer["tags"] == {"who": "me", "threshold": 0.5}
    assert answer["requestPath"] == {"classifier": "reg:5000/late:1", "before": "x:1"}


def test_the_header_puid_is_echoed_or_made(late: Server) -> None:
    assert late.post(GOOD, seldon_puid="abc-1").headers["seldon-puid"] == "abc-1"
    assert len(late.post(GOOD).headers["seldon-puid"]) == 32
    assert late.post(GOOD, seldon_puid="bad value!").headers["seldon-puid"] != "bad value!"


def test_a_made_puid_begins_with_the_digest_of_the_image(started: Start) -> None:
    server = started(
        "Late", PREDICTIVE_UNIT_ID="classifier", PREDICTIVE_UNIT_IMAGE=f"reg:5000/late@sha256:{'ab1' * 21}f"
    )
    made = [server.post(GOOD).headers["seldon-puid"] for _ in range(20)]
    assert {(puid[:12], len(puid)) for puid in made} == {("ab1" * 4, 32)}
    assert len(set(made)) == len({puid[12:] for puid in made}) == 20
    assert server.post(GOOD, seldon_puid="mine").headers["seldon-puid"] == "mine"


@pytest.mark.parametrize("image", ["", "reg:5000/late:1", "late@sha256:ab"])
def test_an_image_without_a_digest_is_no_part_of_a_puid(image: str) -> None:
    assert image_part(image) == ""


def test_parameters_reach_the_constructor(started: Start) -> None:
    text = '[{"name":"threshold","value":"0.75","type":"FLOAT"}]'
    server = started("Late", PREDICTIVE_UNIT_PARAMETERS=text)
    assert server.post(GOOD).json["meta"]["tags"] == {"threshold": 0.75}


def test_metrics_can_be_left_out_of_the_answer(started: Start) -> None:
    server = started("Late", INCLUDE_METRICS_IN_CLIENT_RESPONSE="false")
    assert "metrics" not in server.post(GOOD).json["meta"]


def test_a_number_that_json_lacks_becomes_null(late: Server) -> None:
    rows = [["UA", 1, 4243, 1], ["UA", 1, 4243, 1]]
    assert late.post({"data": {"ndarray": rows}}).json["data"]["ndarray"] == [[None], [None]]


def test_metadata_health_and_openapi(late: Server, echo: Server) -> None:
    metadata = late.get("/metadata").json
    assert (metadata["name"], metadata["versions"], metadata["inputs"]) == ("late", ["7"], [])
    assert late.get("/health/ping").body == b"pong"
    assert echo.get("/health/status").json["strData"] == "fine"
    document = late.get("/seldon.json").json
    row = document["components"]["schemas"]["Row"]
    assert row["properties"]["hour"] == {"type": "integer", "description": "[hour]", "minimum": 0, "maximum": 23}
    assert row["required"] == ["carrier", "hour", "distance"]
    example = document["paths"]["/api/v1.0/predictions"]["post"]["requestBody"]["content"]["application/json"]
    assert late.post(example["example"]).status == 200


def test_metadata_of_the_environment_wins(started: Start) -> None:
    server = started("Late", MODEL_METADATA='{"name":"renamed"}')
    metadata = server.get("/api/v1.0/metadata").json
    assert (metadata["name"], metadata["platform"]) == ("renamed", "onnx")


def test_feedback_is_accepted_with_all_its_parts(late: Server) -> None:
    body = {
        "request": GOOD,
        "response": {"meta": {"routing": {"x": 1}}},
        "reward": 1,
        "truth": {"data": {"ndarray": [[1.0]]}},
    }
    for path in ("/send-feedback", "/api/v1.0/feedback"):
        answer = late.post(body, path)
        assert (answer.status, answer.json["data"]) == (200, {"ndarray": []})


def test_a_browser_may_call_from_the_origin_that_is_allowed(started: Start, late: Server) -> None:
    server = started("Late", MODEL_SERVER_ALLOW_ORIGIN="http://client.example")
    preflight = server.ask("OPTIONS", "/api/v1.0/predictions")
    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (204, "POST")
    assert server.post(GOOD).headers["access-control-allow-origin"] == "http://client.example"
    assert "access-control-allow-origin" not in late.post(GOOD).headers
