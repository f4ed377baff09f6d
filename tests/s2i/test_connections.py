"""HTTP/1.1 on the wire: what a careful or a careless caller sends byte by byte."""

from __future__ import annotations

import json
import socket

import pytest

from .conftest import Server, Start

BODY = b'{"strData":"word"}'
POST = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(BODY)


def talk(server: Server, *parts: bytes, end: bool = False) -> bytes:
    """Send the parts one by one and read until the server closes or nothing is missing."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        for part in parts:
            sock.sendall(part)
        if end:
            sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_a_head_may_come_in_any_pieces(echo: Server) -> None:
    request = POST + b"connection: close\r\n\r\n" + BODY
    for cut in (1, 7, 30, len(request) - 3):
        answer = talk(echo, request[:cut], request[cut:])
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'"strData":"word"' in answer


def test_requests_sent_at_once_are_answered_in_their_order(echo: Server) -> None:
    one, two = (b'{"strData":"%d"}' % n for n in (1, 2))
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 15\r\n"
    answer = talk(echo, head + b"\r\n" + one + head + b"connection: close\r\n\r\n" + two)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b'"1"') < answer.index(b'"2"')


def test_they_are_in_order_from_threads_too(started: Start) -> None:
    parameters = '[{"name":"seconds","value":"0.05","type":"FLOAT"}]'
    server = started("Slow", MODEL_SERVER_THREADS="4", PREDICTIVE_UNIT_PARAMETERS=parameters)
    heads = [b"seldon-puid: %d\r\n" % n for n in range(100)]
    last = b"connection: close\r\n"
    requests = [POST + head + (last if head is heads[-1] else b"") + b"\r\n" + BODY for head in heads[:9] + heads[-1:]]
    answer = talk(server, b"".join(requests))
    puids = [line.split()[1] for line in answer.splitlines() if line.startswith(b"seldon-puid")]
    assert puids == [b"%d" % n for n in (*range(9), 99)]


def test_a_body_may_come_in_chunks(echo: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    assert b'"strData":"word"' in talk(
        echo, head, b"5\r\n" + BODY[:5] + b"\r\n", b"d\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"
    )


def test_a_client_that_expects_100_continue_gets_it(echo: Server) -> None:
    with socket.create_connection(("127.0.0.1", echo.port), timeout=10) as sock:
        sock.sendall(POST + b"expect: 100-continue\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(BODY)
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_http_1_0_gets_one_answer(echo: Server) -> None:
    assert b"pong" in talk(echo, b"GET /health/ping HTTP/1.0\r\n\r\n")


def test_head_gets_the_head_alone(echo: Server) -> None:
    answer = talk(echo, b"HEAD /health/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert b"content-length: 4\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_an_offer_of_another_protocol_is_passed_over(echo: Server) -> None:
    offer = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    get = b"GET /health/ping HTTP/1.1\r\nhost: x\r\n"
    answer = talk(echo, POST + offer + b"\r\n" + BODY + get + offer + b"\r\n" + get + b"connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_a_client_that_half_closes_still_gets_the_answer(started: Start) -> None:
    for threads in ("0", "1"):
        server = started("Echo", MODEL_SERVER_THREADS=threads)
        assert b'"strData":"word"' in talk(server, POST + b"\r\n" + BODY, end=True)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60,
        b"NONSENSE / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    ],
)
def test_input_that_is_not_http_is_a_400_and_closes_the_connection(echo: Server, garbage: bytes) -> None:
    answer = talk(echo, garbage)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"connection: close" in answer
    assert "this is not HTTP" in json.loads(answer.partition(b"\r\n\r\n")[2])["status"]["info"]


def test_a_head_that_is_too_large_is_a_431(echo: Server) -> None:
    line = b"x-filler: " + b"a" * 8000 + b"\r\n"
    assert talk(echo, b"GET / HTTP/1.1\r\n", *[line] * 9).startswith(b"HTTP/1.1 431 ")


def test_a_caller_that_sends_far_too_much_can_still_read_why(started: Start) -> None:
    server = started("Late", MODEL_SERVER_MAX_BODY_BYTES="2000", MODEL_SERVER_MAX_ROWS="3")
    size = 8 * 2**20
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size
    answer = talk(server, head, *[b" " * 2**16] * (size // 2**16), end=True)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_head_that_does_not_come_is_408(started: Start) -> None:
    server = started("Late", MODEL_SERVER_BODY_TIMEOUT="1")
    assert talk(server, b"GET /ready HTTP/1.1\r\nho").startswith(b"HTTP/1.1 408 ")


def test_the_target_may_be_a_whole_url_or_escaped(echo: Server) -> None:
    for target in (b"http://model.example/health/ping?x=1", b"/health/p%69ng"):
        assert b"pong" in talk(echo, b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")


def test_a_large_answer_arrives_whole_however_slowly_it_is_read(echo: Server) -> None:
    body = b'{"strData":"%s"}' % (b"a" * 400_000)
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", echo.port), timeout=10) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall((head + b"\r\n" + body) + (head + b"connection: close\r\n\r\n" + body))
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.count(b"a" * 400_000) == 2
