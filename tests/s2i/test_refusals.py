"""Every mistake of a caller is a 4xx that says what came, where, and what was allowed. Nothing is ever a 5xx."""

from __future__ import annotations

import copy
import gzip
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelserver import openapi
from modelserver.columns import parse_columns

from .conftest import GOOD, Server, Start


def rows(*values: object) -> dict[str, object]:
    return {"data": {"ndarray": list(values)}}


CASES = [
    (rows(["UA", 24, 1, 1]), 'row 0, column "hour": got 24, allowed: integer from 0 to 23 (hour)'),
    (rows(["UA", 2.5, 1, 1]), 'row 0, column "hour": got 2.5, allowed: integer from 0 to 23 (hour)'),
    (rows(["UA", "2", 1, 1]), 'row 0, column "hour": got "2", allowed: integer from 0 to 23 (hour)'),
    (rows(["UA", True, 1, 1]), 'row 0, column "hour": got true, allowed: integer from 0 to 23 (hour)'),
    (rows(["UA", 1, 1, 1], ["XX", 1, 1, 1]), 'row 1, column "carrier": got "XX", allowed: one of DL, UA'),
    (rows(["UA", 1, None, 1]), 'row 0, column "distance": got null, allowed: number from 0 to 5000 (mile)'),
    (rows(["UA", 1, 1, "old"]), 'row 0, column "age": got "old", allowed: number (year), or null'),
    (rows(["UA", 1]), "row 0: got 2 values, allowed: 4 (carrier, hour, distance, age)"),
    (rows("UA"), 'row 0: got "UA", allowed: a list of 4 values'),
    (rows(), "no rows: at least one is needed"),
    ({"data": {"ndarray": 5}}, "got 5 where a list of rows belongs"),
    (
        {"data": {"names": ["hour", "hour", "carrier", "distance"], "ndarray": [[1, 1, "UA", 1]]}},
        'names: "hour" is there twice',
    ),
    (
        {"data": {"names": ["carrier", "hour", "distnce", "age"], "ndarray": [["UA", 1, 1, 1]]}},
        'unknown column "distnce", did you mean distance?; names: column "distance" is missing; '
        "allowed are carrier, hour, distance, age",
    ),
    ({"data": {"names": ["carrier"], "ndarray": [["UA"]]}}, 'names: column "hour" is missing'),
    ({"data": {"names": "hour", "ndarray": [["UA", 1, 1, 1]]}}, 'data.names is "hour"; allowed: a list of strings'),
    ({"data": {"tensor": {"shape": [1, 4], "values": [1, 2, 3]}}}, "data.tensor has 3 values for the shape [1, 4]"),
    ({"data": {"tensor": {"shape": [0], "values": []}}}, "allowed: a list of sizes of at least 1"),
    ({"data": {"tftensor": {}}}, 'data has "tftensor"; allowed: exactly one of ndarray, tensor'),
    ({"data": None}, "data is null; allowed: an object with one of ndarray, tensor"),
    ({"strData": "x"}, "strData is not for this model; it takes rows of carrier, hour, distance, age"),
    ({"jsonData": {"carrier": "UA", "hour": 1, "distance": 1, "colour": 2}}, 'row 0: unknown column "colour"'),
    ({"jsonData": "x"}, 'got "x" where a list of objects belongs'),
    ({"data": {"ndarray": [[]]}, "strData": "x"}, "the body has data and strData; allowed: exactly one of"),
    ({}, "the body has nothing; allowed: exactly one of data, jsonData, strData, binData"),
    ([], "the body is a list of 0; allowed: an object"),
    ({**GOOD, "meta": 5}, "meta is 5; allowed: an object"),
    ({**GOOD, "meta": {"puid": 5}}, "meta.puid is 5; allowed: a string"),
]


@pytest.mark.parametrize(("message", "info"), CASES)
def test_an_invalid_message_gets_the_reason(late: Server, message: object, info: str) -> None:
    answer = late.post(message)
    assert answer.status == 400
    assert info in answer.info
    status = answer.json["status"]
    assert (status["status"], status["code"], status["reason"]) == (1, -1, "MICROSERVICE_BAD_DATA")


def test_up_to_ten_findings_are_reported(late: Server) -> None:
    info = late.post(rows(*[["XX", 99, -1, "old"]] * 4)).info
    assert info.count("column") == 10
    assert "and 2 more" in info


@pytest.mark.parametrize(
    ("body", "info"),
    [
        (b"", "the body is empty"),
        (b"{", "the body is not JSON"),
        (b'{"data":{"ndarray":[["UA",1,NaN,1]]}}', "the body is not JSON"),
        (b'{"data":{"ndarray":[["UA",1,Infinity,1]]}}', "the body is not JSON"),
        (b'{"data":{"ndarray":[["UA",1,1e999,1]]}}', "the body is not JSON"),
        (b'{"strData":"\xff"}', "the body is not JSON"),
        (b'{"strData":"\\ud800"}', "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"null", "the body is null"),
    ],
)
def test_a_body_that_is_not_json_is_refused(late: Server, body: bytes, info: str) -> None:
    answer = late.post(body)
    assert answer.status == 400
    assert info in answer.info


def test_huge_integers_are_out_of_range_not_an_error(late: Server) -> None:
    assert late.post(rows(["UA", 10**18, 1, 1])).status == 400
    assert late.post(b'{"data":{"ndarray":[["UA",1,' + b"9" * 300 + b",1]]}}").status == 400


def test_echoed_fields_may_not_be_nested_too_deeply(echo: Server) -> None:
    deep = b'{"jsonData":' + b"[" * 500 + b"]" * 500 + b"}"
    assert "nested deeper than 64" in echo.post(deep).info
    meta = b'{"strData":"x","meta":{"tags":{"a":' + b"[" * 500 + b"]" * 500 + b"}}}"
    assert "nested deeper than 64" in echo.post(meta).info


def test_ragged_rows_and_bad_base64_without_a_schema(echo: Server) -> None:
    assert echo.post(rows([1, 2], [3])).status == 400
    assert echo.post({"binData": "%%%"}).status == 400
    assert echo.post({"strData": 5}).status == 400


def test_method_path_and_content_type(late: Server) -> None:
    put = late.ask("PUT", "/predict", GOOD)
    assert (put.status, put.headers["allow"]) == (405, "GET, POST")
    get = late.get("/api/v1.0/predictions")
    assert (get.status, get.info) == (405, "GET is not allowed here; allowed: POST")
    missing = late.get("/nope")
    assert (missing.status, missing.json["status"]["reason"]) == (404, "MICROSERVICE_NO_PATH")
    assert late.post(GOOD, content_type="image/png").status == 415
    # What curl -d and simple scripts send is taken as JSON.
    for kind in ("application/x-www-form-urlencoded", "text/plain; charset=utf-8", "application/vnd.x+json"):
        assert late.post(GOOD, content_type=kind).status == 200


def test_a_form_needs_its_field_json(late: Server) -> None:
    form = "application/x-www-form-urlencoded"
    assert late.post(b"json=" + orjson.dumps(GOOD), content_type=form).status == 200
    assert late.post(b"other=1", content_type=form).status == 400


@pytest.mark.parametrize("reward", [-1, "1", True, [1]])
def test_a_reward_that_cannot_be_summed_is_refused(late: Server, reward: object) -> None:
    answer = late.post({"reward": reward}, "/api/v1.0/feedback")
    assert answer.status == 400
    assert "allowed: a number from 0 to 1000000" in answer.info


def test_feedback_refuses_unknown_fields_and_bad_requests(late: Server) -> None:
    assert 'feedback has "rewards"' in late.post({"rewards": 1}, "/send-feedback").info
    bad = {"request": rows(["UA", 99, 1, 1]), "reward": 1}
    assert 'column "hour"' in late.post(bad, "/send-feedback").info


def test_too_many_bytes_and_too_many_rows_are_413(started: Start) -> None:
    server = started("Late", MODEL_SERVER_MAX_BODY_BYTES="2000", MODEL_SERVER_MAX_ROWS="3")
    answer = server.post(b" " * 3000)
    assert (answer.status, answer.info) == (413, "the body is larger than 2000 bytes")
    answer = server.post(rows(*[["UA", 1, 1, 1]] * 4))
    assert (answer.status, answer.info) == (413, "4 rows; at most 3 are allowed in one request")
    # Without an announced length the limit holds too.
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        sock.sendall(head + b"bb8\r\n" + b" " * 3000 + b"\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_is_408(started: Start) -> None:
    server = started("Late", MODEL_SERVER_BODY_TIMEOUT="1")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
        assert sock.recv(100).startswith(b"HTTP/1.1 408")


def test_too_many_requests_at_once_are_503_with_a_time_to_try_again(started: Start) -> None:
    server = started("Slow", MODEL_SERVER_THREADS="1", MODEL_SERVER_MAX_CONCURRENCY="1")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.post({"strData": "x"}), range(4)))
    assert {answer.status for answer in answers} == {200, 503}
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.headers["retry-after"] == "1"
    assert refused.json["status"]["reason"] == "MICROSERVICE_BUSY"


def test_the_models_own_refusal_keeps_its_status(echo: Server) -> None:
    answer = echo.post({"strData": "refuse"})
    assert (answer.status, answer.json["status"]["reason"], answer.info) == (422, "BAD_FEATURES", "no such word")


@pytest.mark.parametrize("threads", ["0", "1"])
def test_a_model_that_calls_sys_exit_ends_its_request_and_not_the_server(started: Start, threads: str) -> None:
    server = started("Echo", shared=False, MODEL_SERVER_THREADS=threads, MODEL_SERVER_ACCESS_LOG="false")
    answer = server.post({"strData": "exit"})
    assert (answer.status, answer.info) == (500, "predict() of the model failed; its log has the traceback")
    assert server.get("/health/ping").body == b"pong"
    assert server.sample("model_server_model_errors_total", method="predict") == 1


def test_an_answer_of_ragged_rows_is_the_models_failure(echo: Server) -> None:
    tensor = {"name": "x", "shape": [1], "datatype": "BYTES", "data": ["ragged"]}
    for path, body in (
        ("/predict", {"strData": "ragged"}),
        ("/predict", rows(["ragged objects"])),
        ("/v2/models/Echo/infer", {"inputs": [tensor]}),
    ):
        answer = echo.post(body, path)
        assert answer.status == 500
        assert "predict() returned rows of different lengths" in answer.body.decode()


@pytest.mark.parametrize("path", ["/predict", "/api/v1.0/predictions", "/api/v1.0/feedback", "/v2/models/Echo/infer"])
def test_a_compressed_body_is_refused_as_one(echo: Server, path: str) -> None:
    answer = echo.post(gzip.compress(b'{"strData":"x"}'), path, content_encoding="gzip")
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "identity")
    assert r"the content encoding \"gzip\"; allowed: none" in answer.body.decode()
    assert echo.post({"strData": "x"}, "/predict", content_encoding="identity").status == 200


@pytest.mark.parametrize(
    ("body", "info"),
    [
        (b"--edge\r\n\r\nx\r\n--edge--", "a part of the form has no name"),
        (b'--edge\r\ncontent-disposition: form-data; name="data"\r\n\r\n{', "its last boundary is missing"),
        (b'--edge\r\ncontent-disposition: form-data; name="data"\r\n\r\n{\r\n--edge--', 'the part "data" is not JSON'),
        (b"--edge--", "the body has nothing"),
    ],
)
def test_a_form_that_cannot_be_read_says_what_is_wrong(echo: Server, body: bytes, info: str) -> None:
    answer = echo.post(body, content_type="multipart/form-data; boundary=edge")
    assert (answer.status, info in answer.info) == (400, True), answer.info


def test_a_failing_model_is_a_500_without_its_secrets(late: Server) -> None:
    answer = late.post(rows(["UA", 1, 4242, 1]))
    assert (answer.status, answer.json["status"]["reason"]) == (500, "MICROSERVICE_INTERNAL_ERROR")
    assert "secret" not in answer.info


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["UA", "carrier", "ndarray", "tensor", "data"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "ndarray",
                    "tensor",
                    "names",
                    "shape",
                    "values",
                    "jsonData",
                    "meta",
                    "tags",
                    "strData",
                    "inputs",
                    "name",
                    "datatype",
                    "reward",
                    "truth",
                    "request",
                    "puid",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=JSON, path=st.sampled_from(["/predict", "/send-feedback", "/v2/models/Late/infer"]))
def test_no_json_at_all_gives_a_5xx_or_invalid_json(late: Server, message: object, path: str) -> None:
    answer = late.post(json.dumps(message).encode("utf-8", "surrogatepass"), path)
    assert answer.status < 500
    orjson.loads(answer.body)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60))
def test_no_bytes_at_all_give_a_5xx(late: Server, body: bytes) -> None:
    answer = late.post(body)
    assert answer.status < 500
    orjson.loads(answer.body)


ROW = st.fixed_dictionaries(
    {},
    optional={
        "carrier": st.sampled_from(["UA", "DL", "XX", "", None]),
        "hour": st.integers(-1, 25) | st.floats(-1, 25) | st.booleans(),
        "distance": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
        "age": st.none() | st.floats(0, 50) | st.text(max_size=2),
        "other": st.none(),
    },
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=4))
def test_rows_that_are_nearly_valid_get_an_answer_or_the_reason(late: Server, rows: list[object]) -> None:
    answer = late.post(json.dumps({"jsonData": rows}).encode())
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert len(answer.json["data"]["tensor"]["values"]) == len(rows)
    else:
        assert re.search(r"row \d|no objects|not JSON", answer.info)


PIECES = st.sampled_from(
    [
        b"POST /predict HTTP/1.1\r\n",
        b"GET /docs HTTP/1.1\r\n",
        b"host: x\r\n",
        b"content-length: 5\r\n",
        b"content-length: 99999999999999999999\r\n",
        b"transfer-encoding: chunked\r\n",
        b"expect: 100-continue\r\n",
        b"connection: upgrade\r\nupgrade: h2c\r\n",
        b"seldon-puid: \xff\r\n",
        b"\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"%00%ff?json={}",
        b"{",
    ]
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES | st.binary(max_size=8), max_size=12))
def test_no_bytes_on_the_wire_are_answered_with_a_5xx(late: Server, pieces: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", late.port), timeout=10) as sock:
        sock.sendall(b"".join(pieces))
        sock.shutdown(socket.SHUT_WR)
        heads = b"".join(iter(lambda: sock.recv(65536), b"")).split(b"HTTP/1.1 ")[1:]
    assert all(head[:3] in {b"100", b"200", b"400", b"404", b"405", b"413", b"415", b"431"} for head in heads)
    assert late.get("/live").status == 200


def test_the_openapi_document_describes_what_is_answered(late: Server) -> None:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    document = late.get("/seldon.json").json
    shapes = {"200": 0, "400": 0}
    for path, entry in document["paths"].items():
        if "post" in entry:
            example = entry["post"]["requestBody"]["content"]["application/json"]["example"]
            bodies: list[object] = [example, {"meta": 5}]
            for body in bodies:
                answer = late.post(body, path)
                shapes[str(answer.status)] += 1
                schema = entry["post"]["responses"][str(answer.status)]["content"]["application/json"]["schema"]
                Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json)
        else:
            assert late.get(path).status == 200
    assert shapes == {"200": 3, "400": 3}


def json_schema(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema, which has no `nullable`."""
    if isinstance(schema, list):
        return [json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: json_schema(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [found, {"type": "null"}]} if schema.get("nullable") is True else found


def variants(example: dict[str, Any], optional: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The example with each optional part in turn null, empty and of another type, and with parts of its own."""
    for path, value in optional.items():
        others: list[Any] = [value, None, {}, [], "", 0, False, "x", 5]
        for other in others:
            made = copy.deepcopy(example)
            *outer, last = path.split(".")
            part = made
            for key in outer:
                part = part.setdefault(key, {})
            part[last] = other
            yield f"{path} = {other!r}", made


def test_the_openapi_document_allows_what_the_server_takes_of_optional_parts(late: Server) -> None:
    from jsonschema import Draft202012Validator

    document = json_schema(late.get("/seldon.json").json)
    meta: dict[str, Any]
    feedback: dict[str, Any]
    meta = {"meta": {}, "meta.puid": "p", "meta.tags": {"a": 1}, "meta.metrics": [], "meta.requestPath": {"a": "b"},
            "meta.routing": {"a": 1}, "data.names": ["carrier", "hour", "distance", "age"]}  # fmt: skip
    feedback = {"reward": 1, "response": {"meta": {}}, "response.meta": {}, "response.meta.routing": {},
                "truth": {"data": {"ndarray": [[1]]}}, "request": GOOD, "truth.meta": {}}  # fmt: skip
    asked: dict[str, tuple[Any, dict[str, Any]]]
    asked = {"/api/v1.0/predictions": (GOOD, meta), "/api/v1.0/feedback": ({"truth": {"strData": "x"}}, feedback),
             "/v2/models/Late/infer": (None, {"id": "q"})}  # fmt: skip
    wrong, statuses = [], set()
    for path, (example, optional) in asked.items():
        post = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        judge = Draft202012Validator({**post["schema"], "components": document["components"]})
        for name, body in variants(example or post["example"], optional):
            status = late.post(body, path).status
            statuses.add(status)
            if judge.is_valid(body) != (status == 200):
                wrong.append(f"{path} {name}: {status}")
    assert wrong == []
    assert statuses == {200, 400}


def test_the_openapi_document_names_the_questions_that_a_model_reads_itself() -> None:
    from jsonschema import Draft202012Validator

    columns = parse_columns([{"name": "hour", "type": "integer"}])
    components = openapi.document("m", "1", columns, ("explain",))["components"]
    schema = {**components["schemas"]["SeldonMessage"]["properties"]["jsonData"], "components": components}
    judge = Draft202012Validator(schema)
    assert judge.is_valid({"hour": 3}) and judge.is_valid({"explain": {"ndarray": [[3]]}})
    assert not judge.is_valid({"minute": 3})


def test_the_page_for_people_shows_every_path_and_column_and_loads_nothing(late: Server) -> None:
    page = late.get("/docs")
    text = page.body.decode()
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert all(path in text for path in late.get("/seldon.json").json["paths"])
    assert "integer from 0 to 23 (hour)" in text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "//" not in re.sub(r"<script>.*</script>", "", text, flags=re.S)


@pytest.mark.parametrize(
    ("headers", "body", "error"),
    [
        ({"inference_header_content_length": "10"}, {"inputs": []}, "binary tensor data is not served here"),
        (
            {},
            {"inputs": [{"name": "x"}], "outputs": [{"name": "other"}]},
            'there is no output "other"; allowed: predict',
        ),
        ({}, {"inputs": [{"name": "x"}], "outputs": 5}, "outputs is 5; allowed: a list of objects"),
    ],
)
def test_unsupported_parts_of_the_inference_protocol_are_refused(
    late: Server, headers: dict[str, str], body: object, error: str
) -> None:
    answer = late.post(
        body, "/v2/models/Late/infer", **{key.replace("-", "_"): value for key, value in headers.items()}
    )
    assert answer.status == 400
    assert error in answer.json["error"]


def test_failures_of_the_model_are_counted_by_method(started: Start) -> None:
    server = started("Fragile", MODEL_SERVER_ACCESS_LOG="false")
    before = server.sample("model_server_model_errors_total", method="predict")
    assert server.post({"strData": "fail"}).status == 500
    assert server.sample("model_server_model_errors_total", method="predict") == before + 1


def test_a_prediction_that_takes_too_long_in_a_thread_is_503(started: Start) -> None:
    parameters = '[{"name":"seconds","value":"2.5","type":"FLOAT"}]'
    server = started(
        "Slow", MODEL_SERVER_THREADS="1", MODEL_SERVER_PREDICT_TIMEOUT="1", PREDICTIVE_UNIT_PARAMETERS=parameters
    )
    answer = server.post({"strData": "x"})
    assert (answer.status, answer.json["status"]["reason"]) == (503, "MICROSERVICE_TIMEOUT")
    assert answer.headers["retry-after"] == "1"
