"""The Open Inference Protocol: what KServe's clients ask."""

from __future__ import annotations

import pytest

from .conftest import Server, Start

COLUMNS = [
    {"name": "distance", "shape": [2], "datatype": "FP64", "data": [10, 20]},
    {"name": "carrier", "shape": [2, 1], "datatype": "BYTES", "data": [["UA"], ["DL"]]},
    {"name": "hour", "shape": [2], "datatype": "INT64", "data": [12, 6]},
]


def test_columns_may_be_separate_inputs_in_any_order(late: Server) -> None:
    answer = late.post({"id": "q1", "inputs": COLUMNS}, "/v2/models/Late/infer")
    assert answer.json == {
        "model_name": "Late",
        "model_version": "",
        "id": "q1",
        "parameters": {},
        "outputs": [{"name": "predict", "shape": [2, 1], "datatype": "FP64", "data": [0.5, 0.25]}],
    }


def test_a_model_without_columns_takes_one_tensor(echo: Server) -> None:
    tensor = {"name": "x", "shape": [2, 2], "datatype": "INT64", "data": [1, 2, 3, 4]}
    (output,) = echo.post({"inputs": [tensor]}, "/v2/models/Echo/infer").json["outputs"]
    assert (output["shape"], output["datatype"], output["data"]) == ([2, 2], "INT64", [1, 2, 3, 4])


def test_server_and_model_describe_themselves(late: Server) -> None:
    assert late.get("/v2").json["name"] == "modelserver"
    assert late.get("/v2/health/live").status == late.get("/v2/health/ready").status == 200
    assert late.get("/v2/models/Late/ready").json == {"ready": True}
    model = late.get("/v2/models/Late").json
    assert (model["name"], model["platform"]) == ("Late", "onnx")
    assert {"name": "hour", "datatype": "INT64", "shape": [-1]} in model["inputs"]


def test_the_models_name_is_the_units(started: Start) -> None:
    server = started("Late", PREDICTIVE_UNIT_ID="classifier", PREDICTIVE_UNIT_IMAGE="reg:5000/late:1")
    assert server.get("/v2/models/classifier").json["versions"] == ["1"]
    missing = server.get("/v2/models/Late")
    text = 'there is no "/v2/models/Late"; this server has /v2/models/classifier, version 1'
    assert (missing.status, missing.json) == (404, {"error": text})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "a list inputs of at least one tensor"),
        ({"inputs": [{"name": "hour"}]}, "shape is null; allowed: a list of sizes"),
        ({"inputs": [{**COLUMNS[0], "datatype": "FLOAT"}]}, 'datatype is "FLOAT"; allowed: BOOL'),
        ({"inputs": [{**COLUMNS[0], "data": [1]}]}, "1 values for the shape [2]"),
        ({"inputs": [{**COLUMNS[0], "data": ["1", "2"]}]}, '"1" is no FP64'),
        ({"inputs": COLUMNS[:2]}, 'column "hour" is missing'),
        ({"inputs": [{"name": "x", "shape": [2], "datatype": "FP64", "data": [1, 2]}]}, "allowed: [rows, 4]"),
        ({"inputs": [*COLUMNS[:2], {**COLUMNS[2], "data": [99, 1]}]}, 'row 0, column "hour": got 99'),
    ],
)
def test_errors_have_the_form_of_the_protocol(late: Server, body: object, error: str) -> None:
    answer = late.post(body, "/v2/models/Late/infer")
    assert answer.status == 400
    assert error in answer.json["error"]
