"""Memory, connections and time are bounded whatever callers send."""

from __future__ import annotations

import ast
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson
import psutil
import pytest
from modelserver.errors import StartError
from modelserver.settings import read_settings

from tests.kit import until

from .conftest import GOOD, ROOT, Server, Start
from .test_refusals import rows

MEBIBYTE = 2**20


def resident(server: Server) -> float:
    """The server's resident memory, in MiB."""
    return psutil.Process(server.process.pid).memory_info().rss / MEBIBYTE


def open_sockets(server: Server) -> int:
    """Connections and the two sockets that listen."""
    return len(psutil.Process(server.process.pid).net_connections("tcp"))


@contextmanager
def connections(server: Server, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent the same bytes."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            sock.sendall(sent)
            opened.append(sock)
        yield opened


def status(sock: socket.socket) -> int:
    """The status of the answer, 0 when the connection was closed without one."""
    try:
        head = sock.recv(1000)
    except ConnectionResetError:
        return 0
    return int(head.split()[1]) if head else 0


def ended(sock: socket.socket) -> bool:
    """Whether the server has closed the connection or refused what came on it."""
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        sock.settimeout(10)
    return True


def test_refused_requests_leave_no_memory_behind(started: Start) -> None:
    server = started("Late", shared=False, MODEL_SERVER_ACCESS_LOG="false")
    many = [["UA", hour % 24, hour / 7, None] for hour in range(4000)]
    refused = orjson.dumps(rows(*many, ["UA", 99, 1, None]))
    kinds = [refused, orjson.dumps({"request": orjson.Fragment(refused)}), b"[" * 100_000, b'{"jsonData":{"x":1}}']
    paths = ["/predict", "/send-feedback", "/predict", "/predict"]

    def ask(times: int) -> None:
        for _ in range(times):
            for body, path in zip(kinds, paths, strict=True):
                assert server.post(body, path).status == 400
            assert server.post(refused, "/v2/models/Late/infer").status == 400
            assert server.ask("PUT", "/predict", refused).status == 405

    ask(5)
    before = resident(server)
    ask(60)
    assert resident(server) - before < 15


def sources() -> Iterator[Path]:
    for folder in ("workshop", "grafana", "model", "s2i", "tekton", "notebooks", "seldon"):
        yield from (path for path in (ROOT / folder).rglob("*.py") if ".ipynb_checkpoints" not in path.parts)


def shared_exceptions(tree: ast.Module) -> Iterator[int]:
    """Lines that raise an object made once for the whole module."""
    made = {
        target.id
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id in made:
            yield node.lineno


def test_no_exception_object_is_raised_again_and_again() -> None:
    """Each raise of one object adds a traceback entry, which keeps the frame and all its variables."""
    found = [f"{path}:{line}" for path in sources() for line in shared_exceptions(ast.parse(path.read_text()))]
    assert found == []


def test_the_search_for_shared_exceptions_finds_one() -> None:
    assert list(shared_exceptions(ast.parse("E = ValueError()\ndef f():\n    raise E\n"))) == [3]


HALF = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000001\r\n\r\n" + b" " * 1_000_000


def test_half_sent_bodies_share_one_budget_and_small_requests_are_still_answered(started: Start) -> None:
    server = started("Late", shared=False, MODEL_SERVER_MAX_BUFFERED_BYTES="8000000")
    before = resident(server)
    with connections(server, 60, HALF) as opened:
        assert server.post(GOOD).status == 200
        assert resident(server) - before < 40
        until(lambda: sum(map(ended, opened)) >= 52)
        refused = [sock for sock in opened if ended(sock)]
        assert status(refused[0]) == 503
        # What fits is kept and may still be completed.
        kept = [sock for sock in opened if sock not in refused]
        for sock in kept:
            sock.sendall(b" ")
        assert 400 in map(status, kept)


def test_the_budget_is_free_again_when_bodies_were_answered_refused_or_given_up(started: Start) -> None:
    server = started("Late", shared=False, MODEL_SERVER_MAX_BUFFERED_BYTES="2000000")
    body = orjson.dumps({"x": " " * 900_000})
    for _ in range(5):
        assert server.post(body).status == 400
        with connections(server, 4, HALF):
            pass
    with connections(server, 1, HALF) as (sock,):
        time.sleep(0.1)
        assert not ended(sock)


def test_answers_that_are_not_read_are_in_the_budget_too(started: Start) -> None:
    server = started(
        "Echo", shared=False, MODEL_SERVER_MAX_BUFFERED_BYTES="24000000", MODEL_SERVER_MAX_BODY_BYTES="12000000"
    )
    body = b'{"strData":"%s"}' % (b"a" * 10_000_000)
    request = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    before = resident(server)
    with ExitStack() as stack:
        for _ in range(16):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", server.port))
            sock.sendall(request)
        assert server.post({"strData": "x"}).status == 200
        # Half of what all the answers are; the one that is written now is there several times.
        assert resident(server) - before < 80


def test_an_answer_that_is_not_read_in_time_ends_the_connection(started: Start) -> None:
    server = started("Echo", shared=False, MODEL_SERVER_BODY_TIMEOUT="1", MODEL_SERVER_MAX_BODY_BYTES="12000000")
    body = b'{"strData":"%s"}' % (b"a" * 10_000_000)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        until(lambda: open_sockets(server) == 2)


def test_trailers_without_end_are_refused(late: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: "
    with connections(late, 1, head) as (sock,):
        try:
            for _ in range(100):
                sock.sendall(b"y" * 10_000)
        except ConnectionError:
            pass
        assert status(sock) in (431, 0)


def test_trailers_change_nothing_of_the_request(echo: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    trailers = b"content-type: image/png\r\nseldon-puid: other\r\n"
    with connections(echo, 1, head + b"f\r\n" + b'{"strData":"x"}' + b"\r\n0\r\n" + trailers + b"\r\n") as (sock,):
        answer = sock.recv(1000)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"other" not in answer


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n", b"POST /predict HTTP/1.1\r\nhost: x\r\n", HALF[:1000]],
    ids=["nothing", "kept alive", "half a head", "half a body"],
)
def test_connections_that_wait_make_room_for_new_ones(started: Start, sent: bytes) -> None:
    server = started("Late", MODEL_SERVER_MAX_CONNECTIONS="8")
    with connections(server, 20, sent) as opened:
        for _ in range(3):
            with connections(server, 1, b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n") as (sock,):
                assert status(sock) == 200
        assert open_sockets(server) <= 8 + 2
        assert sum(map(ended, opened)) >= 12


def test_a_limit_of_connections_that_the_system_does_not_allow_stops_the_start(started: Start) -> None:
    server = started("Late", shared=False, ready=False, MODEL_SERVER_MAX_CONNECTIONS="1000000")
    with pytest.raises(AssertionError, match=r"MODEL_SERVER_MAX_CONNECTIONS is 1000000.*open files"):
        server.wait_for("ready")


def test_a_method_that_a_path_does_not_have_is_one_label(started: Start) -> None:
    server = started("Late", shared=False)
    methods = ("PUT", "DELETE", "PATCH", "PROPFIND", "M-SEARCH", "LINK", "TRACE", "BIND")
    for method in methods:
        server.ask(method, "/api/v1.0/predictions")
    name = "seldon_api_executor_server_requests_seconds_count"
    assert server.sample(name, method="other", code="405") == len(methods)
    text = server.get("/metrics").body.decode()
    found = {line.partition('method="')[2].partition('"')[0] for line in text.splitlines() if line.startswith(name)}
    assert found == {"post", "other"}


def feedback(server: Server, method: str = "POST", path: str = "/api/v1.0/feedback", **headers: str) -> int:
    return server.ask(method, path, b'{"reward": 1}', False, **headers).status


@pytest.mark.parametrize("path", ["/api/v1.0/feedback", "/api/v0.1/feedback", "/send-feedback"])
def test_feedback_comes_as_json_by_post_and_not_from_another_site(late: Server, path: str) -> None:
    assert feedback(late, path=path) == 200
    assert late.ask("GET", path + "?json=%7B%22reward%22%3A1%7D").status == 405
    assert feedback(late, path=path, content_type="text/plain;charset=UTF-8") == 415
    assert feedback(late, path=path, content_type="") == 415
    assert feedback(late, path=path, content_type="multipart/form-data; boundary=x") == 415
    assert feedback(late, path=path, sec_fetch_site="cross-site") == 403
    for site in ("same-origin", "same-site", "none"):
        assert feedback(late, path=path, sec_fetch_site=site) == 200


@pytest.mark.parametrize("path", ["/api/v1.0/feedback", "/send-feedback"])
def test_feedback_needs_the_token_of_a_deployment_that_has_one(started: Start, path: str) -> None:
    closed = started("Late", MODEL_SERVER_FEEDBACK_TOKEN="of-the-airline")
    before = closed.sample("seldon_api_model_feedback_total")
    for wrong in ({}, {"authorization": "Bearer of-somebody"}, {"authorization": "of-the-airline"}):
        assert feedback(closed, path=path, **wrong) == 401
    assert closed.sample("seldon_api_model_feedback_total") == before
    assert feedback(closed, path=path, authorization="Bearer of-the-airline") == 200
    assert closed.sample("seldon_api_model_feedback_total") == before + 1
    assert closed.post(GOOD).status == 200, "who asks needs no token"
    assert closed.sample("model_server_feedback_open") == 0
    assert "of-the-airline" not in closed.get("/metrics").body.decode()


def test_without_a_token_everybody_may_send_feedback_and_a_metric_says_so(late: Server) -> None:
    assert feedback(late) == 200
    assert late.sample("model_server_feedback_open") == 1


def test_a_form_is_taken_only_where_seldons_client_sends_one(late: Server) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert late.post(b'json={"reward":1}', "/send-feedback", **form).status == 200
    assert late.post(b'json={"reward":1}', "/send-feedback", **form, sec_fetch_site="cross-site").status == 403
    refused = late.post(b'json={"reward":1}', "/api/v1.0/feedback", **form)
    assert (refused.status, refused.info) == (
        415,
        'the content type is "application/x-www-form-urlencoded"; allowed: application/json',
    )


def test_predictions_are_not_asked_from_another_site_unless_its_origin_is_allowed(started: Start) -> None:
    server = started("Late", MODEL_SERVER_ALLOW_ORIGIN="http://client.example")
    site = "cross-site"
    assert server.post(GOOD, sec_fetch_site=site).status == 403
    assert server.post(GOOD, sec_fetch_site=site, origin="http://evil.example").status == 403
    assert server.post(GOOD, sec_fetch_site=site, origin="http://client.example").status == 200
    # A link on another site's page may lead to what only shows something.
    assert server.ask("GET", "/docs", sec_fetch_site=site).status == 200


@pytest.mark.parametrize("reward", [1e308, 1e7, -1])
def test_a_reward_cannot_spoil_the_sum(late: Server, reward: float) -> None:
    for _ in range(2):
        answer = late.post({"reward": reward}, "/api/v1.0/feedback")
        assert (answer.status, "allowed: a number from 0 to 1000000" in answer.info) == (400, True)
    assert late.sample("seldon_api_model_feedback_reward_total") < 1e9


def test_a_feedback_token_of_spaces_is_refused() -> None:
    with pytest.raises(StartError, match="MODEL_SERVER_FEEDBACK_TOKEN has spaces only"):
        read_settings({"MODEL_SERVER_FEEDBACK_TOKEN": " \n"})
    assert read_settings({"MODEL_SERVER_FEEDBACK_TOKEN": ""}).feedback_token == ""
