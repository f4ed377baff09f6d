"""The limits of a port: it refuses what exceeds them and continues to serve others."""

from __future__ import annotations

import asyncio
import resource
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import uvloop

from tests.kit import until
from tests.workshop.lab.listening.serving import Echo, Port, listening, rest_of
from workshop.lab.api.auth import Certificate, certificate
from workshop.lab.listening import limits

HOST = b"Host: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n"


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def port(echo: Echo) -> Iterator[Port]:
    with listening(echo) as made:
        yield made


def get(path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\n".encode() + HOST + CLOSE + b"\r\n"


def post(size: int, body: bytes = b"", path: str = "/") -> bytes:
    return f"POST {path} HTTP/1.1\r\nContent-Length: {size}\r\n".encode() + HOST + CLOSE + b"\r\n" + body


FILLER = b"X-Filler: " + b"y" * 70 + b"\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n" + HOST + FILLER * 1000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + FILLER * 10_000,
        b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 100_000,
        b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + FILLER * 2000,
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"y" * 100_000,
    ],
    ids=["head", "head without end", "value", "URL", "trailers", "chunk extension"],
)
def test_a_head_above_its_limit_is_refused(port: Port, echo: Echo, sent: bytes) -> None:
    assert port.ask(sent).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert echo.headers == []
    assert port.ask(get()).endswith(b"GET / ")


def test_a_head_below_its_limit_is_read(port: Port) -> None:
    assert port.ask(b"GET / HTTP/1.1\r\n" + HOST + CLOSE + FILLER * 700 + b"\r\n").endswith(b"GET / ")


def test_a_body_may_be_larger_than_a_head(port: Port) -> None:
    assert port.ask(post(1_000_000, b"z" * 1_000_000)).endswith(b"z" * 1_000_000)


def test_trailers_are_not_headers_of_the_request(port: Port, echo: Echo) -> None:
    chunked = b"POST / HTTP/1.1\r\n" + HOST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    assert port.ask(chunked + b"2\r\nhi\r\n0\r\nX-User: root\r\n\r\n").endswith(b"POST / hi")
    assert b"x-user" not in dict(echo.headers[0])


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nX: ", b"\r\n"])
def test_a_head_that_does_not_end_loses_its_connection(
    port: Port, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    assert rest_of(port.connect(begun)) == b""


def test_a_body_that_does_not_end_is_refused_when_its_time_is_over(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    assert rest_of(port.connect(post(100, b"half"))).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_body_that_trickles_is_refused_too(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.5)
    one = port.connect(post(100_000))
    one.settimeout(0.05)
    answer = b""
    deadline = time.monotonic() + 10
    while not answer:
        assert time.monotonic() < deadline
        one.sendall(b"x")
        try:
            answer = one.recv(1000)
        except TimeoutError:
            continue
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_application_may_take_longer_than_a_body(port: Port, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    one = port.connect(get("/wait"))
    time.sleep(1.5)  # More than one sweep: what is tested is that it does nothing.
    echo.go.set()
    assert rest_of(one).endswith(b"GET /wait ")


def test_at_the_limit_of_connections_the_longest_silent_one_goes(port: Port) -> None:
    port.listener.most_connections = 8
    half = [port.connect(post(100, b"half")) for _ in range(8)]
    for _ in range(4):
        assert port.ask(get()).endswith(b"GET / ")
    assert rest_of(half[0]) == b""
    assert len(port.listener._connections) <= 8


def test_connections_whose_requests_are_answered_are_not_closed_for_others(port: Port, echo: Echo) -> None:
    port.listener.most_connections = 4
    busy = [port.connect(get("/wait")) for _ in range(4)]
    until(lambda: sum(not one.waits_for_sender for one in list(port.listener._connections)) == 4)
    assert port.ask(get()).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    echo.go.set()
    assert [rest_of(one)[-10:] for one in busy] == [b"GET /wait "] * 4


def test_above_the_budget_the_largest_incomplete_body_is_refused(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUFFERED_BYTES", 3_000_000)
    largest = port.connect(post(10_000_000, b"z" * 1_500_000))
    until(lambda: port.listener.buffered == 1_500_000)
    others = [port.connect(post(10_000_000, b"z" * 800_000)) for _ in range(2)]
    assert rest_of(largest).startswith(b"HTTP/1.1 503 ")
    until(lambda: port.listener.buffered == 1_600_000)
    assert all(one.arrives for one in list(port.listener._connections)) and len(others) == 2
    assert port.ask(post(200_000, b"a" * 200_000)).endswith(b"a" * 200_000)
    assert port.listener.buffered <= limits.BUFFERED_BYTES


def test_a_body_is_not_counted_any_more_when_it_is_answered_or_gone(port: Port) -> None:
    assert port.ask(post(500_000, b"z" * 500_000)).endswith(b"z")
    gone = port.connect(post(500_000, b"z" * 400_000))
    until(lambda: port.listener.buffered == 400_000)
    gone.close()
    until(lambda: port.listener.buffered == 0 and not port.listener._connections)


def test_a_body_that_is_passed_on_in_parts_is_not_counted(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUFFERED_BYTES", 100_000)
    with listening(echo, buffers=lambda scope: scope["path"] != "/push") as port:
        assert port.ask(post(900_000, b"z" * 900_000, "/push")).endswith(b"z" * 900_000)
        assert port.ask(post(900_000, b"z" * 900_000)).startswith(b"HTTP/1.1 503 ")


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def tls(echo: Echo, trusted: Certificate, request: pytest.FixtureRequest) -> Iterator[Port]:
    with listening(echo, request.param, tls=(trusted.cert, trusted.key)) as made:
        yield made


def over_tls(port: Port, trusted: Certificate, sent: bytes) -> bytes:
    context = ssl.create_default_context(cafile=str(trusted.authority))
    with context.wrap_socket(port.connect(), server_hostname="127.0.0.1") as one:
        one.sendall(sent)
        return rest_of(one)


def test_requests_over_tls_are_answered(tls: Port, echo: Echo, trusted: Certificate) -> None:
    assert over_tls(tls, trusted, get("/a")).endswith(b"GET /a ")
    assert over_tls(tls, trusted, post(300_000, b"z" * 300_000)).endswith(b"z" * 300_000)
    until(lambda: not tls.listener._connections)


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_tls_handshake_that_does_not_end_loses_its_connection(
    tls: Port, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.2)
    one = tls.connect(begun)
    one.settimeout(5)
    assert b"HTTP" not in rest_of(one)
    until(lambda: not tls.listener._connections)


def test_unfinished_tls_handshakes_count_as_connections(tls: Port, trusted: Certificate) -> None:
    tls.listener.most_connections = 8
    silent = [tls.connect() for _ in range(8)]
    until(lambda: len(tls.listener._connections) == 8)
    for _ in range(4):
        assert over_tls(tls, trusted, get()).endswith(b"GET / ")
    assert len(silent) == 8 and len(tls.listener._connections) <= 8


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0, HTTP/1.1"])
def test_a_change_to_a_protocol_that_is_not_served_is_ignored(port: Port, echo: Echo, protocol: bytes) -> None:
    body = b"GET /smuggled HTTP/1.1\r\nX: y\r\n\r\n"
    head = (
        b"POST /a HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\n"
        b"HTTP2-Settings: AAMAAABk\r\nX-Own: 1\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    one = port.connect(head)
    one.sendall(body[:5])
    time.sleep(0.05)
    one.sendall(body[5:] + get("/second"))
    answers = rest_of(one)
    assert answers.count(b"HTTP/1.1 200 OK") == 2, answers
    assert b"POST /a " + body in answers and answers.endswith(b"GET /second ")
    assert dict(echo.headers[0])[b"x-own"] == b"1"
    assert not {b"upgrade", b"http2-settings"} & {name for name, _ in echo.headers[0]}


def test_connect_is_refused(port: Port, echo: Echo) -> None:
    assert port.ask(b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\nGET /").startswith(b"HTTP/1.1 405 ")
    assert echo.headers == []


def test_the_limit_of_open_files_becomes_the_hard_limit() -> None:
    code = (
        "import resource; from workshop.lab.listening import limits; r = resource;"
        "r.setrlimit(r.RLIMIT_NOFILE, (300, 2000)); print(limits.connections()); limits.raise_open_files();"
        "print(r.getrlimit(r.RLIMIT_NOFILE)[0], limits.connections())"
    )
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2000:
        pytest.skip("this process may not open 2000 files")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["16", "2000", "218"]
